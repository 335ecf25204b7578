// SPDX-License-Identifier: Apache-2.0
#include "pipeline/strip.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

// Two bricks side by side: 0..3 and 3..5 along x; the values count voxels of the 5 x 2 x 2 box, 100 more per channel.
const Box kBox{{0, 0, 0}, {5, 2, 2}};
const VoxelVec kBrickSize{3, 2, 2};
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
  ASSERT_EQ(strip.brick_count(), 2);
  for (Index brick = 0; brick < 2; ++brick) {
    const auto view = strip.load(brick, space, pieces);
    ASSERT_TRUE(view.has_value());
    const Block expected = counted(kBricks[static_cast<std::size_t>(brick)], 2, 0);
    ASSERT_EQ(view->byte_count(), expected.bytes().size());
    EXPECT_EQ(std::memcmp(view->data, expected.bytes().data(), expected.bytes().size()), 0) << "brick " << brick;
  }
}

TEST(Strip, HoldsBricksInMemory) {
  Strip strip(DataType::uint16, 2, kBox, kBrickSize, {});
  EXPECT_EQ(strip.value_count(), 40);
  for (Index c = 0; c < 2; ++c) {
    const Block block = counted(kBox, 1, c);
    for (Index brick = 0; brick < 2; ++brick) strip.write(brick, block.view(), c);
    EXPECT_EQ(strip.add_written(20), c == 1);
  }
  expect_counted(strip);
}

TEST(Strip, PutsBoxesOnDiskTogetherAgain) {
  auto scratch = ScratchFile::create(std::filesystem::temp_directory_path().string());
  ASSERT_TRUE(scratch.has_value());
  Strip strip(DataType::uint16, 2, kBox, kBrickSize, {&*scratch, 12345});
  // Plane by plane, channel by channel, each plane cut into one part per brick.
  for (Index c = 0; c < 2; ++c)
    for (Index z = 0; z < 2; ++z) {
      Box plane = kBox;
      plane.begin.z = z;
      plane.end.z = z + 1;
      std::vector<std::byte> bytes;
      for (const Box& brick : kBricks) {
        const Block block = counted(brick.intersect(plane), 1, c);
        bytes.insert(bytes.end(), block.bytes().begin(), block.bytes().end());
      }
      ASSERT_TRUE(strip.append(plane, c, 1, bytes).has_value());
    }
  expect_counted(strip);
}

// Against a strip in memory: boxes that cut bricks in all directions, more bricks than are searched together.
TEST(Strip, FindsAnyBoxAgain) {
  auto scratch = ScratchFile::create(std::filesystem::temp_directory_path().string());
  ASSERT_TRUE(scratch.has_value());
  const Box box{{-3, 5, 2}, {40, 47, 5}};
  const VoxelVec side{4, 3, 3};
  Strip in_memory(DataType::uint16, 2, box, side, {}), on_disk(DataType::uint16, 2, box, side, {&*scratch, 0});
  EXPECT_EQ(on_disk.brick_count(), 11 * 14 * 1);
  Index written = 0;
  for (Index y = box.begin.y; y < box.end.y; y += 5)
    for (Index x = box.begin.x; x < box.end.x; x += 17) {
      const Box part = Box{{x, y, box.begin.z}, {x + 17, y + 5, box.end.z}}.intersect(box);
      const Block block = counted(part, 2, 0);
      std::vector<std::byte> bytes;
      ASSERT_TRUE(on_disk
                      .visit_bricks(part,
                                    [&](Index brick, const Box& shared) -> Result<void> {
                                      EXPECT_EQ(on_disk.brick_box(brick).intersect(part), shared);
                                      EXPECT_EQ(on_disk.brick_at(shared.begin), brick);
                                      const Block cut = counted(shared, 2, 0);
                                      bytes.insert(bytes.end(), cut.bytes().begin(), cut.bytes().end());
                                      in_memory.write(brick, block.view(), 0);
                                      return {};
                                    })
                      .has_value());
      ASSERT_TRUE(on_disk.append(part, 0, 2, bytes).has_value());
      written += part.volume() * 2;
    }
  EXPECT_EQ(written, on_disk.value_count());
  Buffer space, part_space, unused;
  for (Index brick = 0; brick < on_disk.brick_count(); ++brick) {
    const auto disk = on_disk.load(brick, space, part_space), memory = in_memory.load(brick, unused, unused);
    ASSERT_TRUE(disk.has_value() && memory.has_value());
    ASSERT_EQ(disk->box, memory->box);
    ASSERT_TRUE(std::ranges::equal(disk->dense_bytes(), memory->dense_bytes())) << "brick " << brick;
  }
}

TEST(Strip, HalvesAtBordersOfBricks) {
  const Strip strip(DataType::uint16, 2, kBox, kBrickSize, {});
  const auto halves = strip.halves(kBox);
  ASSERT_TRUE(halves.has_value());
  EXPECT_EQ((*halves)[0], kBricks[0]);
  EXPECT_EQ((*halves)[1], kBricks[1]);
  EXPECT_FALSE(strip.halves(kBricks[1]).has_value());
}

TEST(ScratchFile, SaysWhereItCannotBeMade) {
  const auto scratch = ScratchFile::create("/nonexistent-folder");
  ASSERT_FALSE(scratch.has_value());
  EXPECT_EQ(scratch.error().code, ErrorCode::io);
  EXPECT_NE(scratch.error().message.find("/nonexistent-folder"), std::string::npos);
}

}  // namespace
}  // namespace ngforge
