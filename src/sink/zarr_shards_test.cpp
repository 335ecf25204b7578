// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "compress/crc32c.h"
#include "core/byte_cursor.h"
#include "sink/chunk_sink.h"
#include "sink/test_shards.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

class ZarrShards : public test::ShardFolder {};

// Three by two chunks in shards of two by two: the second shard reaches beyond the grid.
constexpr GridVec kGrid{3, 2, 1};
constexpr std::array<Index, 3> kShard{2, 2, 1};

TEST_F(ZarrShards, WritesTheBytesOfTheSpec) {
  auto sink = *open_zarr_shard_sink(folder_, kGrid, kShard, 1, false, std::make_shared<WaitingRoom>(8));
  const Bytes ab = text("ab"), c = text("c");
  // Sequence 4 is the chunk at (1, 1), number 3 of its shard; sequence 1 the one at (1, 0), number 1.
  ASSERT_TRUE(sink->put(4, {1, 1, 0}, c).has_value());
  ASSERT_TRUE(sink->pass(0, {0, 0, 0}).has_value());
  ASSERT_TRUE(sink->put(1, {1, 0, 0}, ab).has_value());
  ASSERT_TRUE(sink->pass(2, {2, 0, 0}).has_value());
  EXPECT_FALSE(fs::exists(folder_ / "c/0/0/0")) << "a shard takes its name when it is complete";
  ASSERT_TRUE(sink->pass(3, {0, 1, 0}).has_value());
  ASSERT_TRUE(sink->pass(5, {2, 1, 0}).has_value());
  const Bytes bytes = file("c/0/0/0");
  ASSERT_EQ(bytes.size(), 3u + 4 * 16 + 4);
  EXPECT_EQ(std::memcmp(bytes.data(), "abc", 3), 0);
  constexpr std::uint64_t kAbsent = ~std::uint64_t{0};
  const std::uint64_t entries[] = {kAbsent, kAbsent, 0, 2, kAbsent, kAbsent, 2, 1};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(load<std::uint64_t>(bytes.data() + 3 + 8 * i), entries[i]) << i;
  EXPECT_EQ(load<std::uint32_t>(bytes.data() + 67), crc32c(std::span(bytes).subspan(3, 64)));
  EXPECT_FALSE(fs::exists(folder_ / "c/0/0/1")) << "a shard without a chunk is not written";
  EXPECT_EQ(sink->counts().files, 1u);
  EXPECT_EQ(sink->counts().bytes, bytes.size());
}

TEST_F(ZarrShards, GoesOnWithTheShardsThatAreThere) {
  const Bytes x = text("x");
  {
    auto sink = *open_zarr_shard_sink(folder_, kGrid, kShard, 2, false, std::make_shared<WaitingRoom>(8));
    ASSERT_TRUE(sink->put(0, {2, 0, 0}, x).has_value());
    ASSERT_TRUE(sink->put(1, {2, 1, 0}, x).has_value());
    ASSERT_TRUE(sink->put(2, {0, 0, 0}, x).has_value());  // its shard never becomes complete
  }
  auto sink = *open_zarr_shard_sink(folder_, kGrid, kShard, 2, true, std::make_shared<WaitingRoom>(8));
  EXPECT_TRUE(sink->is_finished({2, 1, 0}));
  EXPECT_FALSE(sink->is_finished({0, 0, 0}));
  EXPECT_TRUE(fs::exists(folder_ / "c/0/0/0/1"));
  EXPECT_FALSE(fs::exists(folder_ / "c/0/0/0/0"));
}

TEST_F(ZarrShards, MemoryIsCountedByChunkAndIndex) {
  EXPECT_GE(zarr_shard_sink_bytes({100, 100, 100}, {10, 10, 10}, 1), 24'000'000u);
  EXPECT_LE(zarr_shard_sink_bytes({100, 100, 100}, {10, 10, 10}, 1), 25'000'000u);
}

}  // namespace
}  // namespace ngforge
