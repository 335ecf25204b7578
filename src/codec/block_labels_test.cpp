// SPDX-License-Identifier: Apache-2.0
// Every instruction set that this machine has, against a loop over voxels.
#include "codec/block_labels.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace ngforge {
namespace {

// Runs `check` once for each instruction set, then lets Highway choose again.
template <class Check>
void for_each_target(Check check) {
  int targets = 0;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    check();
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_GT(targets, 0);
}

template <class T>
class BlockLabelsOf : public ::testing::Test {};
using LabelTypes = ::testing::Types<std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(BlockLabelsOf, LabelTypes);

// A block in a larger array: rows 11 labels apart, planes 100.
template <class T>
struct Strided {
  static constexpr Index kRow = 11, kPlane = 100;
  std::vector<T> values = std::vector<T>(8 * kPlane, T{0x77});
  T& at(Index x, Index y, Index z) { return values[static_cast<std::size_t>(x + kRow * y + kPlane * z)]; }
  std::byte* data() { return reinterpret_cast<std::byte*>(values.data()); }
};

TYPED_TEST(BlockLabelsOf, AreFoundWithTheirVoxels) {
  for_each_target([] {
    std::mt19937_64 random(1);
    for (unsigned different = 1; different <= 16; ++different) {
      Strided<TypeParam> block;
      std::vector<TypeParam> palette(different);
      for (auto& label : palette) label = static_cast<TypeParam>(random() | 0x80);
      for (Index z = 0; z < 8; ++z)
        for (Index y = 0; y < 8; ++y)
          for (Index x = 0; x < 8; ++x) block.at(x, y, z) = palette[random() % different];
      BlockLabels<TypeParam> found;
      ASSERT_TRUE(find_labels(block.data(), Strided<TypeParam>::kRow * sizeof(TypeParam),
                              Strided<TypeParam>::kPlane * sizeof(TypeParam), found));
      std::vector<TypeParam> order;
      for (Index z = 0; z < 8; ++z)
        for (Index y = 0; y < 8; ++y)
          for (Index x = 0; x < 8; ++x) {
            const TypeParam label = block.at(x, y, z);
            if (std::find(order.begin(), order.end(), label) == order.end()) order.push_back(label);
            for (int k = 0; k < found.count; ++k)
              ASSERT_EQ((found.voxels[k][static_cast<std::size_t>(z)] >> (x + 8 * y) & 1) != 0,
                        found.labels[k] == label);
          }
      EXPECT_EQ(std::vector<TypeParam>(found.labels, found.labels + found.count), order);
    }
  });
}

TYPED_TEST(BlockLabelsOf, MoreThanSixteenAreNotFound) {
  for_each_target([] {
    Strided<TypeParam> block;
    BlockLabels<TypeParam> found;
    for (Index i = 0; i < 16; ++i) block.at(i % 8, i / 8, 7) = static_cast<TypeParam>(1000 + i);
    EXPECT_FALSE(find_labels(block.data(), Strided<TypeParam>::kRow * sizeof(TypeParam),
                             Strided<TypeParam>::kPlane * sizeof(TypeParam), found));
    block.at(7, 1, 7) = 1000;  // 0x77 and 15 others
    EXPECT_TRUE(find_labels(block.data(), Strided<TypeParam>::kRow * sizeof(TypeParam),
                            Strided<TypeParam>::kPlane * sizeof(TypeParam), found));
    EXPECT_EQ(found.count, 16);
  });
}

TYPED_TEST(BlockLabelsOf, CodesAreExpanded) {
  for_each_target([] {
    std::mt19937_64 random(2);
    for (const int bits : {1, 2, 4}) {
      const unsigned most = 1u << bits;
      std::vector<std::byte> codes(static_cast<std::size_t>(64 * bits));
      for (auto& byte : codes) byte = static_cast<std::byte>(random());
      TypeParam labels[kMostLabels];
      for (auto& label : labels) label = static_cast<TypeParam>(random());
      Strided<TypeParam> block;
      ASSERT_TRUE(expand_codes(codes.data(), bits, labels, most, block.data(),
                               Strided<TypeParam>::kRow * sizeof(TypeParam),
                               Strided<TypeParam>::kPlane * sizeof(TypeParam)));
      std::size_t untouched = 0;
      for (std::size_t i = 0; i < block.values.size(); ++i) {
        const std::size_t x = i % 100 % 11, y = i % 100 / 11, z = i / 100;
        if (x >= 8 || y >= 8) {
          untouched += block.values[i] == TypeParam{0x77};
          continue;
        }
        const std::size_t bit = (x + 8 * (y + 8 * z)) * static_cast<std::size_t>(bits);
        const auto code = std::to_integer<unsigned>(codes[bit / 8]) >> bit % 8 & (most - 1);
        ASSERT_EQ(block.values[i], labels[code]) << x << " " << y << " " << z;
      }
      EXPECT_EQ(untouched, block.values.size() - 512);
      // Not one code may be beyond the labels there are.
      std::fill(codes.begin(), codes.end(), std::byte{0});
      codes.back() = std::byte{0x80};
      const unsigned largest = bits == 1 ? 1 : bits == 2 ? 2 : 8;
      const auto expand = [&](std::size_t count) {
        return expand_codes(codes.data(), bits, labels, count, block.data(),
                            Strided<TypeParam>::kRow * sizeof(TypeParam),
                            Strided<TypeParam>::kPlane * sizeof(TypeParam));
      };
      EXPECT_TRUE(expand(largest + 1));
      EXPECT_FALSE(expand(largest));
    }
  });
}

}  // namespace
}  // namespace ngforge
