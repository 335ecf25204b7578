// SPDX-License-Identifier: Apache-2.0
#include "op/label_totals.h"

#include <cstring>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using testing::ElementsAre;

Block block_of(const std::vector<std::uint32_t>& labels, const Box& box) {
  Block block(DataType::uint32, box, 1);
  std::memcpy(block.bytes().data(), labels.data(), 4 * labels.size());
  return block;
}
Block row_of(const std::vector<std::uint32_t>& labels) {
  return block_of(labels, {{0, 0, 0}, {static_cast<Index>(labels.size()), 1, 1}});
}

TEST(LabelTotals, SumsOverChunks) {
  LabelTotals<LabelCount> counts(1000);
  for (const auto& labels : {std::vector<std::uint32_t>{7, 7, 0, 3}, {3, 4000000000, 7, 3}}) {
    const Block block = row_of(labels);
    counts.add(block.view());
  }
  EXPECT_TRUE(counts.is_complete());
  EXPECT_THAT(counts.take(),
              ElementsAre(LabelCount(0, 1), LabelCount(3, 3), LabelCount(7, 3), LabelCount(4000000000, 1)));
}

TEST(LabelTotals, MeasuresBoxes) {
  LabelTotals<LabelMeasure> totals(1000);
  // 5 5 6    at y = -1, z = 3, and 6 6 5 at y = 0.
  const Block one = block_of({5, 5, 6, 6, 6, 5}, {{10, -1, 3}, {13, 1, 4}});
  const Block other = block_of({6}, {{9, 7, 2}, {10, 8, 3}});
  totals.add(one.view());
  totals.add(other.view());
  const auto found = totals.take();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].label, 5u);
  EXPECT_EQ(found[0].voxels, 3u);
  EXPECT_EQ(found[0].begin, (VoxelVec{10, -1, 3}));
  EXPECT_EQ(found[0].end, (VoxelVec{13, 1, 4}));
  EXPECT_EQ(found[1].voxels, 4u);
  EXPECT_EQ(found[1].begin, (VoxelVec{9, -1, 2}));
  EXPECT_EQ(found[1].end, (VoxelVec{13, 8, 4}));
}

TEST(LabelTotals, CountsMoreLabelsThanFitAtOnce) {
  LabelTotals<LabelCount> counts(1 << 20);
  std::map<std::uint64_t, std::uint64_t> expected;
  for (std::uint32_t chunk = 0; chunk < 5; ++chunk) {
    std::vector<std::uint32_t> labels;
    for (std::uint32_t i = 0; i < 100'000; ++i) ++expected[labels.emplace_back(i * 2654435761u >> (10 + chunk))];
    const Block block = row_of(labels);
    counts.add(block.view());
  }
  ASSERT_GT(expected.size(), LabelTotals<LabelCount>::kOwnLabels);
  const auto found = counts.take();
  ASSERT_EQ(found.size(), expected.size());
  for (const LabelCount& count : found) EXPECT_EQ(count.voxels, expected[count.label]);
}

TEST(LabelTotals, GivesUpBeyondItsLabels) {
  for (const std::uint64_t most : {2, 3}) {
    LabelTotals<LabelCount> counts(most);
    const Block block = row_of({0, 1, 2});
    counts.add(block.view());
    EXPECT_EQ(counts.take().empty(), most == 2);
    EXPECT_EQ(counts.is_complete(), most == 3);
  }
}

}  // namespace
}  // namespace ngforge
