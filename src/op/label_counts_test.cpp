// SPDX-License-Identifier: Apache-2.0
#include "op/label_counts.h"

#include <cstring>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using testing::ElementsAre;
using Count = LabelCounts::Count;

Block block_of(const std::vector<std::uint32_t>& labels) {
  Block block(DataType::uint32, Box{{0, 0, 0}, {static_cast<Index>(labels.size()), 1, 1}}, 1);
  std::memcpy(block.bytes().data(), labels.data(), 4 * labels.size());
  return block;
}

TEST(LabelCounts, SumsOverChunks) {
  LabelCounts counts(1 << 20);
  for (const auto& labels : {std::vector<std::uint32_t>{7, 7, 0, 3}, {3, 4000000000, 7, 3}}) {
    const Block block = block_of(labels);
    counts.add(block.view());
  }
  EXPECT_TRUE(counts.is_complete());
  EXPECT_THAT(counts.take(), ElementsAre(Count{0, 1}, Count{3, 3}, Count{7, 3}, Count{4000000000, 1}));
}

TEST(LabelCounts, CountsMoreRunsThanFitAtOnce) {
  LabelCounts counts(1 << 24);
  std::map<std::uint64_t, std::uint64_t> expected;
  for (std::uint32_t chunk = 0; chunk < 5; ++chunk) {
    std::vector<std::uint32_t> labels;
    for (std::uint32_t i = 0; i < 20000; ++i) ++expected[labels.emplace_back(i * 2654435761u >> (14 + chunk))];
    const Block block = block_of(labels);
    counts.add(block.view());
  }
  const auto found = counts.take();
  ASSERT_EQ(found.size(), expected.size());
  for (const Count& count : found) EXPECT_EQ(count.voxels, expected[count.label]);
}

TEST(LabelCounts, GivesUpBeyondItsMemory) {
  LabelCounts counts(64);
  std::vector<std::uint32_t> labels;
  for (std::uint32_t i = 0; i < 3; ++i) labels.push_back(i);
  const Block block = block_of(labels);
  counts.add(block.view());
  EXPECT_TRUE(counts.take().empty());
  EXPECT_FALSE(counts.is_complete());
}

}  // namespace
}  // namespace ngforge
