// SPDX-License-Identifier: Apache-2.0
#include "core/block.h"

#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

/// Encodes its own place, so that a voxel which lands wrongly is seen.
std::uint16_t value_at(Index x, Index y, Index z, Index c) {
  return static_cast<std::uint16_t>(x + 10 * y + 100 * z + 1000 * c + 1);
}

void fill(const MutableBlockView& view) {
  for (Index c = 0; c < view.channels; ++c)
    for (Index z = view.box.begin.z; z < view.box.end.z; ++z)
      for (Index y = view.box.begin.y; y < view.box.end.y; ++y)
        for (Index x = view.box.begin.x; x < view.box.end.x; ++x) {
          const auto value = value_at(x, y, z, c);
          std::memcpy(view.row(y, z, c) + (x - view.box.begin.x) * 2, &value, 2);
        }
}

std::uint16_t read(const BlockView& view, Index x, Index y, Index z, Index c) {
  return load<std::uint16_t, std::endian::native>(view.row(y, z, c) + (x - view.box.begin.x) * 2);
}

TEST(Block, LiesXFastestAndAligned) {
  Block block(DataType::uint16, {{2, 3, 4}, {5, 5, 6}}, 2);
  fill(block.view());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.bytes().data()) % 64, 0u);
  ASSERT_EQ(block.bytes().size(), 3u * 2 * 2 * 2 * 2);
  // [x, y, z, channel], x fastest: the second value is x + 1, the fourth y + 1, the seventh z + 1, the thirteenth
  // channel 1.
  const auto at = [&](std::size_t n) { return load<std::uint16_t, std::endian::native>(block.bytes().data() + 2 * n); };
  EXPECT_EQ(at(0), value_at(2, 3, 4, 0));
  EXPECT_EQ(at(1), value_at(3, 3, 4, 0));
  EXPECT_EQ(at(3), value_at(2, 4, 4, 0));
  EXPECT_EQ(at(6), value_at(2, 3, 5, 0));
  EXPECT_EQ(at(12), value_at(2, 3, 4, 1));
  EXPECT_TRUE(block.view().is_dense());
  EXPECT_FALSE(block.view().crop({{2, 3, 4}, {4, 5, 6}}).is_dense());
  EXPECT_TRUE(block.view().crop({{2, 3, 4}, {5, 5, 5}}).crop({{2, 3, 4}, {5, 4, 5}}).row(3, 4, 0) ==
              block.bytes().data());
}

TEST(Block, CopyCommonTakesWhatBothHold) {
  Block from(DataType::uint16, {{0, 0, 0}, {5, 4, 3}}, 2);
  fill(from.view());
  Block to(DataType::uint16, {{3, -1, 1}, {7, 3, 5}}, 2);
  std::memset(to.bytes().data(), 0, to.bytes().size());
  copy_common(from.view(), to.view());
  const Box common = from.box().intersect(to.box());
  EXPECT_EQ(common, (Box{{3, 0, 1}, {5, 3, 3}}));
  for (Index c = 0; c < 2; ++c)
    for (Index z = 1; z < 5; ++z)
      for (Index y = -1; y < 3; ++y)
        for (Index x = 3; x < 7; ++x)
          EXPECT_EQ(read(to.view(), x, y, z, c), common.contains(Box::Vec{x, y, z}) ? value_at(x, y, z, c) : 0);
}

TEST(Block, CopyCommonOfDisjointBoxesDoesNothing) {
  Block from(DataType::uint16, {{0, 0, 0}, {2, 2, 2}}, 1), to(DataType::uint16, {{2, 0, 0}, {4, 2, 2}}, 1);
  std::memset(to.bytes().data(), 0, to.bytes().size());
  fill(from.view());
  copy_common(from.view(), to.view());
  EXPECT_TRUE(is_all_zero(to.view()));
}

TEST(Block, AllZeroSeesEveryByte) {
  for (const std::size_t size : {1u, 63u, 64u, 65u, 200u}) {
    std::vector<std::byte> bytes(size);
    EXPECT_TRUE(is_all_zero(bytes));
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = std::byte{0x80};
      EXPECT_FALSE(is_all_zero(bytes)) << i << " of " << size;
      bytes[i] = std::byte{0};
    }
  }
}

TEST(Block, AllZeroOfAPartLooksAtThePartOnly) {
  Block block(DataType::float32, {{0, 0, 0}, {4, 4, 4}}, 1);
  std::memset(block.bytes().data(), 0, block.bytes().size());
  const float negative_zero = -0.0f;
  std::memcpy(block.view().row(2, 2, 0), &negative_zero, 4);
  EXPECT_FALSE(is_all_zero(block.view()));
  EXPECT_TRUE(is_all_zero(block.view().crop({{1, 0, 0}, {4, 4, 4}})));
  EXPECT_FALSE(is_all_zero(block.view().crop({{0, 1, 1}, {1, 3, 3}})));
}

TEST(Box, ArithmeticHoldsForNegativeCoordinates) {
  EXPECT_EQ(floor_div(-1, 64), -1);
  EXPECT_EQ(floor_div(-64, 64), -1);
  EXPECT_EQ(floor_div(-65, 64), -2);
  EXPECT_EQ(ceil_div(-1, 64), 0);
  EXPECT_EQ(ceil_div(1, 64), 1);
  EXPECT_EQ(ceil_div(128, 64), 2);
  const Box box{{-2, -2, -2}, {1, 1, 1}};
  EXPECT_EQ(box.volume(), 27);
  EXPECT_TRUE(box.contains(Box::Vec{-2, 0, 0}));
  EXPECT_FALSE(box.contains(Box::Vec{1, 0, 0}));
  EXPECT_TRUE(box.intersect({{1, 0, 0}, {2, 1, 1}}).empty());
}

TEST(DataTypes, NamesAndSizesAgree) {
  EXPECT_EQ(parse_data_type("uint16"), DataType::uint16);
  EXPECT_EQ(parse_data_type("UINT16"), std::nullopt);
  EXPECT_EQ(size_of(DataType::float64), 8u);
  EXPECT_TRUE(is_integer(DataType::int8) && is_signed(DataType::int8));
  EXPECT_TRUE(!is_integer(DataType::float32) && is_signed(DataType::float32));
  EXPECT_FALSE(is_signed(DataType::uint64));
}

TEST(ByteCursor, ReadsBothOrdersAndStopsAtTheEnd) {
  const std::vector<std::byte> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteCursor cursor(bytes, "header");
  EXPECT_EQ(cursor.read<std::uint16_t>().value(), 0x0201);
  const auto failed = cursor.read<std::uint16_t>();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().message, "header: expected 2 bytes at byte 2, found 1");
  ASSERT_TRUE(cursor.seek(0).has_value());
  EXPECT_FALSE(cursor.seek(4).has_value());
}

}  // namespace
}  // namespace ngforge
