// SPDX-License-Identifier: Apache-2.0
#include "pipeline/strip.h"

#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

// Two bricks side by side: 0..3 and 3..5 along x; the values count voxels of the 5 x 2 x 2 box, 100 more per channel.
const std::vector<Box> kBricks{{{0, 0, 0}, {3, 2, 2}}, {{3, 0, 0}, {5, 2, 2}}};

Block counted(const Box& box, Index channels, Index first_channel) {
  Block block(DataType::uint16, box, channels);
  const auto view = block.view();
  for (Index c = 0; c < channels; ++c)
    for (Index z = box.begin.z; z < box.end.z; ++z)
      for (Index y = box.begin.y; y < box.end.y; ++y)
        for (Index x = box.begin.x; x < box.end.x; ++x) {
          const auto value = static_cast<std::uint16_t>(x + 5 * (y + 2 * z) + 100 * (c + first_channel));
          std::memcpy(view.row(y, z, c) + (x - box.begin.x) * 2, &value, 2);
        }
  return block;
}

void expect_counted(const Strip& strip) {
  Buffer space, pieces;
  for (std::size_t brick = 0; brick < 2; ++brick) {
    const auto view = strip.load(brick, space, pieces);
    ASSERT_TRUE(view.has_value());
    const Block expected = counted(kBricks[brick], 2, 0);
    ASSERT_EQ(view->byte_count(), expected.bytes().size());
    EXPECT_EQ(std::memcmp(view->data, expected.bytes().data(), expected.bytes().size()), 0) << "brick " << brick;
  }
}

TEST(Strip, HoldsBricksInMemory) {
  Strip strip(DataType::uint16, 2, kBricks, {});
  EXPECT_EQ(strip.value_count(), 40);
  for (Index c = 0; c < 2; ++c) {
    const Block block = counted({{0, 0, 0}, {5, 2, 2}}, 1, c);
    for (std::size_t brick = 0; brick < 2; ++brick) strip.write(brick, block.view(), c);
    EXPECT_EQ(strip.add_written(20), c == 1);
  }
  expect_counted(strip);
}

TEST(Strip, PutsPiecesOnDiskTogetherAgain) {
  auto scratch = ScratchFile::create(std::filesystem::temp_directory_path().string());
  ASSERT_TRUE(scratch.has_value());
  Strip strip(DataType::uint16, 2, kBricks, {&*scratch, 12345});
  // Plane by plane, channel by channel, each plane cut into one piece per brick.
  for (Index c = 0; c < 2; ++c)
    for (Index z = 0; z < 2; ++z) {
      std::vector<Strip::Piece> pieces;
      std::vector<std::byte> bytes;
      for (std::size_t brick = 0; brick < 2; ++brick) {
        Box part = kBricks[brick];
        part.begin.z = z;
        part.end.z = z + 1;
        const Block block = counted(part, 1, c);
        bytes.insert(bytes.end(), block.bytes().begin(), block.bytes().end());
        pieces.push_back({brick, part, c, 1});
      }
      ASSERT_TRUE(strip.append(pieces, bytes).has_value());
    }
  expect_counted(strip);
}

TEST(ScratchFile, SaysWhereItCannotBeMade) {
  const auto scratch = ScratchFile::create("/nonexistent-folder");
  ASSERT_FALSE(scratch.has_value());
  EXPECT_EQ(scratch.error().code, ErrorCode::io);
  EXPECT_NE(scratch.error().message.find("/nonexistent-folder"), std::string::npos);
}

}  // namespace
}  // namespace ngforge
