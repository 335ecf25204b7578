// SPDX-License-Identifier: Apache-2.0
#include "codec/image_chunk.h"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::pair<Index, Index> shape_of(const VoxelVec& size, Index longest_side) {
  const auto shape = image_shape("test", size, longest_side);
  return shape ? std::pair(shape->width, shape->height) : std::pair(Index{-1}, Index{-1});
}

TEST(ImageShape, IsARowOfVoxelsWideAsLongAsThatFits) {
  EXPECT_THAT(shape_of({64, 64, 64}, 65500), Pair(64, 4096));
  EXPECT_THAT(shape_of({5, 3, 7}, 65500), Pair(5, 21));
  EXPECT_THAT(shape_of({1, 250, 262}, 65500), Pair(1, 65500));
}

TEST(ImageShape, IsWiderForTallChunks) {
  EXPECT_THAT(shape_of({8, 128, 1024}, 65500), Pair(1024, 1024));  // a plane of x and y in a row
  EXPECT_THAT(shape_of({256, 256, 256}, 65500), Pair(512, 32768));
  EXPECT_THAT(shape_of({70000, 1, 1}, 65500), Pair(2, 35000));
}

TEST(ImageShape, IsRefusedWhenNoWidthFits) {
  const auto shape = image_shape("jpeg", {257, 257, 257}, 65500);  // 257 is prime, and its square above the limit
  ASSERT_FALSE(shape.has_value());
  EXPECT_EQ(shape.error().code, ErrorCode::limit);
  EXPECT_EQ(
      shape.error().message,
      "jpeg: expected a chunk of width * height pixels with sides of at most 65500, found 257 x 257 x 257 voxels");
  EXPECT_THAT(shape_of({65501, 1, 1}, 65500), Pair(17, 3853));  // by hand: 65501 = 17 * 3853
}

TEST(Pixels, HaveTheChannelsOfAVoxelSideBySide) {
  // Two channels of 2 x 2 voxels: planes 1 2 3 4 and 5 6 7 8.
  const std::vector<std::uint16_t> values{0x0101, 0x0202, 0x0303, 0x0404, 0x0505, 0x0606, 0x0707, 0x1808};
  const auto view = dense_view(reinterpret_cast<const std::byte*>(values.data()), DataType::uint16, {{}, {2, 2, 1}}, 2);
  std::vector<std::uint8_t> pixels(8);
  gather_pixels(view, 2, 2, reinterpret_cast<std::byte*>(pixels.data()));
  EXPECT_THAT(pixels, ElementsAre(3, 3, 7, 7, 4, 4, 0x18, 8));  // big-endian
}

TEST(Pixels, ComeBackForEveryTypeAndCount) {
  for (const DataType type : {DataType::uint8, DataType::uint16})
    for (const Index channels : {1, 2, 3, 4}) {
      Block block(type, {{}, {11, 13, 3}}, channels), back(type, block.box(), channels);
      auto bytes = block.bytes();
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
      const auto voxels = static_cast<std::size_t>(block.box().volume());
      const std::size_t pixel_bytes = bytes.size() / voxels;
      std::vector<std::byte> pixels(bytes.size());
      gather_pixels(block.view(), 0, voxels, pixels.data());
      // In pieces of all lengths, none of which writes into another.
      for (std::size_t at = 0, count = 1; at < voxels; at += count, count = std::min(count + 1, voxels - at))
        scatter_pixels(pixels.data() + at * pixel_bytes, at, count, back.view());
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), back.bytes().begin())) << name_of(type) << " " << channels;
      for (std::size_t i = 0; i < voxels; i += 17)
        EXPECT_EQ(pixels[i * pixel_bytes + pixel_bytes - 1],
                  bytes[(i + voxels * static_cast<std::size_t>(channels - 1)) * size_of(type)]);
    }
}

}  // namespace
}  // namespace ngforge
