// SPDX-License-Identifier: Apache-2.0
#include "layout/sharding.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

Bytes words(const std::vector<std::uint64_t>& values) {
  Bytes bytes(8 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) store(bytes.data() + 8 * i, values[i]);
  return bytes;
}

TEST(Sharding, HashesAsTheSpecsVectors) {
  const std::pair<std::uint64_t, std::uint64_t> vectors[] = {{0, 0x4772b084e028ae41},
                                                             {1, 0xe8bd67d616d4ce9a},
                                                             {42, 0xc20b94f95119f47a},
                                                             {(std::uint64_t{1} << 40) + 7, 0xf6b242e1df6537b4},
                                                             {~std::uint64_t{0}, 0x574f66bd212b5d1a}};
  for (const auto& [key, hash] : vectors) EXPECT_EQ(murmurhash3_x86_128_low(key), hash) << key;
}

TEST(Sharding, CodesCellsAsTheSpecsVectors) {
  struct Vector {
    GridVec cell, grid;
    std::uint64_t code;
    int bits;
  };
  const Vector vectors[] = {
      {{1, 1, 1}, {2, 2, 2}, 7, 3},   {{3, 2, 1}, {4, 3, 2}, 29, 5},           {{5, 0, 3}, {8, 1, 4}, 27, 5},
      {{4, 3, 2}, {5, 4, 3}, 114, 7}, {{100, 7, 33}, {101, 8, 64}, 57558, 16}, {{0, 0, 0}, {1, 1, 1}, 0, 0}};
  for (const Vector& v : vectors) {
    EXPECT_EQ(encode_morton(v.cell, v.grid), v.code);
    EXPECT_EQ(morton_bits(v.grid), v.bits);
    EXPECT_EQ(decode_morton(v.code, v.grid), v.cell);
  }
}

RC_GTEST_PROP(Sharding, MortonCodesAreDistinctAndComeBack, ()) {
  const GridVec grid{*rc::gen::inRange<Index>(1, 9), *rc::gen::inRange<Index>(1, 9), *rc::gen::inRange<Index>(1, 9)};
  std::set<std::uint64_t> seen;
  for (Index z = 0; z < grid.z; ++z)
    for (Index y = 0; y < grid.y; ++y)
      for (Index x = 0; x < grid.x; ++x) {
        const std::uint64_t code = encode_morton({x, y, z}, grid);
        RC_ASSERT((code >> morton_bits(grid)) == 0u);
        RC_ASSERT(seen.insert(code).second);
        RC_ASSERT(decode_morton(code, grid) == (GridVec{x, y, z}));
      }
}

RC_GTEST_PROP(Sharding, MortonCodesOfHugeGridsComeBack, ()) {
  const GridVec grid{*rc::gen::inRange<Index>(1, 1 << 21), *rc::gen::inRange<Index>(1, 1 << 21),
                     *rc::gen::inRange<Index>(1, 1 << 21)};
  const GridVec cell{*rc::gen::inRange<Index>(0, grid.x), *rc::gen::inRange<Index>(0, grid.y),
                     *rc::gen::inRange<Index>(0, grid.z)};
  RC_ASSERT(decode_morton(encode_morton(cell, grid), grid) == cell);
}

TEST(Sharding, CodesThatNoCellHasLieOutsideTheGrid) {
  const GridVec grid{3, 2, 1};
  const Box inside{{0, 0, 0}, {3, 2, 1}};
  std::set<std::uint64_t> codes;
  for (std::uint64_t code = 0; code < 64; ++code) {
    const GridVec cell = decode_morton(code, grid);
    if (inside.contains(VoxelVec{cell.x, cell.y, cell.z})) codes.insert(code);
  }
  EXPECT_EQ(codes.size(), 6u);
}

TEST(Sharding, PlacesKeysAsTheSpecsVectors) {
  ShardingSpec spec{.preshift_bits = 2, .is_murmur = true, .minishard_bits = 1, .shard_bits = 3};
  EXPECT_EQ(shard_place(spec, 0), (ShardPlace{.shard = 0, .minishard = 1}));
  EXPECT_EQ(shard_place(spec, 37), (ShardPlace{.shard = 2, .minishard = 0}));
  EXPECT_EQ(shard_place(spec, 1000), (ShardPlace{.shard = 2, .minishard = 0}));
  spec.is_murmur = false;
  EXPECT_EQ(shard_place(spec, 0), (ShardPlace{.shard = 0, .minishard = 0}));
  EXPECT_EQ(shard_place(spec, 37), (ShardPlace{.shard = 4, .minishard = 1}));
  EXPECT_EQ(shard_place(spec, 1000), (ShardPlace{.shard = 5, .minishard = 0}));
}

TEST(Sharding, ShiftsBySixtyFourGiveZero) {
  EXPECT_EQ(shard_place({.preshift_bits = 64, .shard_bits = 64}, ~std::uint64_t{0}), (ShardPlace{0, 0}));
  EXPECT_EQ(shard_place({.shard_bits = 64}, ~std::uint64_t{0}), (ShardPlace{~std::uint64_t{0}, 0}));
}

RC_GTEST_PROP(Sharding, IdentityPlacesAreABijection, (std::uint8_t key)) {
  // Shifted bits, minishard and shard side by side give the key back.
  ShardingSpec spec;
  spec.preshift_bits = *rc::gen::inRange(0, 5);
  spec.minishard_bits = *rc::gen::inRange(0, 4);
  spec.shard_bits = 8 - spec.preshift_bits - std::min(spec.minishard_bits, 8 - spec.preshift_bits);
  const auto place = shard_place(spec, key);
  const std::uint64_t low = key & ((1u << spec.preshift_bits) - 1);
  RC_ASSERT((((place.shard << spec.minishard_bits) | place.minishard) << spec.preshift_bits | low) == key);
}

TEST(Sharding, NamesFilesWithPaddedLowercaseHex) {
  EXPECT_EQ(shard_file_name({.shard_bits = 0}, 0), "0.shard");
  EXPECT_EQ(shard_file_name({.shard_bits = 4}, 10), "a.shard");
  EXPECT_EQ(shard_file_name({.shard_bits = 5}, 10), "0a.shard");
  EXPECT_EQ(shard_file_name({.shard_bits = 9}, 0x1ff), "1ff.shard");
}

TEST(Sharding, WritesTheMinishardIndexesOfTheSpec) {
  const ShardEntry first[] = {{2, 0, 2}}, second[] = {{3, 2, 1}};
  EXPECT_EQ(encode_minishard_index(first), words({2, 0, 2}));
  EXPECT_EQ(encode_minishard_index(second), words({3, 2, 1}));
  EXPECT_EQ(shard_index_bytes({.minishard_bits = 1}), 32u);
}

TEST(Sharding, CountsGapsFromTheEndOfTheValueBefore) {
  // Keys 10, 12, 13; values of 5, 7 and 1 bytes at 100, 105 (no gap) and 120 (8 bytes of gap), worked out by hand.
  const std::vector<ShardEntry> entries{{10, 100, 5}, {12, 105, 7}, {13, 120, 1}};
  const Bytes bytes = words({10, 2, 1, 100, 0, 8, 5, 7, 1});
  EXPECT_EQ(encode_minishard_index(entries), bytes);
  const auto decoded = decode_minishard_index(bytes, "x");
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, entries);
}

RC_GTEST_PROP(Sharding, MinishardIndexesComeBack, ()) {
  std::vector<ShardEntry> entries;
  ShardEntry entry;
  const auto gaps = *rc::gen::container<std::vector<std::array<std::uint32_t, 3>>>(
      rc::gen::arbitrary<std::array<std::uint32_t, 3>>());
  for (const auto& [key, offset, size] : gaps) {
    entry = {entry.key + 1 + key, entry.offset + entry.size + offset, size};
    entries.push_back(entry);
  }
  const auto decoded = decode_minishard_index(encode_minishard_index(entries), "x");
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == entries);
}

TEST(Sharding, RefusesIndexesThatCannotBe) {
  const auto cut = decode_minishard_index(Bytes(25), "0.shard: minishard 3");
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().code, ErrorCode::invalid_data);
  EXPECT_THAT(cut.error().message, HasSubstr("0.shard: minishard 3: expected a multiple of 24 bytes, found 25"));
  EXPECT_FALSE(decode_minishard_index(words({1, 0, std::uint64_t{1} << 60}), "x").has_value());
  EXPECT_FALSE(decode_minishard_index(words({1, ~std::uint64_t{0}, 1}), "x").has_value());
}

TEST(Sharding, UnpacksGzipAndWhatOthersTakeForIt) {
  // Python: zlib.compress(b"abc"), gzip.compress(b"abc", mtime=0)
  const unsigned char zlib[] = {0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0x02, 0x4d, 0x01, 0x27};
  const unsigned char gzip[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x4b, 0x4c,
                                0x4a, 0x06, 0x00, 0xc2, 0x41, 0x24, 0x35, 0x03, 0x00, 0x00, 0x00};
  EXPECT_TRUE(looks_like_zlib(std::as_bytes(std::span(zlib))));
  EXPECT_FALSE(looks_like_zlib(std::as_bytes(std::span(gzip))));
  for (const std::span<const std::byte> bytes : {std::span<const std::byte>(std::as_bytes(std::span(zlib))),
                                                 std::span<const std::byte>(std::as_bytes(std::span(gzip)))}) {
    const auto plain = unpack_shard_gzip(bytes, "value", 3);
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(plain->data()), plain->size()), "abc");
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(unpack_shard_gzip(bytes.first(size), "value", 3).has_value()) << size;
    const auto large = unpack_shard_gzip(bytes, "value", 2);
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, ErrorCode::limit);
  }
}

TEST(Sharding, DerivesBitsThatHoldTheGrid) {
  // 512 MiB of 64^3 uint8 chunks is 2048 of them: 11 bits, of which 9 share a minishard.
  const auto spec = plan_sharding({32, 32, 32}, 1 << 18, 512ull << 20, true);
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(*spec, (ShardingSpec{.preshift_bits = 9,
                                 .is_murmur = false,
                                 .minishard_bits = 2,
                                 .shard_bits = 4,
                                 .gzip_index = true,
                                 .gzip_data = true}));
  const auto small = plan_sharding({2, 2, 1}, 1 << 18, 512ull << 20, false);
  ASSERT_TRUE(small.has_value());
  EXPECT_EQ(*small, (ShardingSpec{.preshift_bits = 2,
                                  .is_murmur = false,
                                  .minishard_bits = 0,
                                  .shard_bits = 0,
                                  .gzip_index = true,
                                  .gzip_data = false}));
  // A chunk larger than a shard still has a shard of its own.
  const auto large = plan_sharding({2, 2, 1}, 1 << 30, 1 << 20, false);
  ASSERT_TRUE(large.has_value());
  EXPECT_EQ(large->shard_bits, 2);
  const auto beyond = plan_sharding({Index{1} << 40, Index{1} << 40, 1}, 1, 1, false);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace ngforge
