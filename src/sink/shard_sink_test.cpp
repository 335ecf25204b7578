// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "sink/chunk_sink.h"
#include "sink/test_shards.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

class ShardSink : public test::ShardFolder {};

// A row of four chunks has Morton codes 0..3.
ScaleInfo row_of_four(int minishard_bits, int shard_bits) {
  ScaleInfo scale;
  scale.key = "1_1_1";
  scale.size_xyz = {4, 1, 1};
  scale.chunk_sizes = {{1, 1, 1}};
  scale.resolution_nm = {1, 1, 1};
  scale.sharding = ShardingSpec{0, false, minishard_bits, shard_bits, false, false};
  return scale;
}

TEST_F(ShardSink, WritesTheBytesOfTheSpec) {
  // The vector of the specification's appendix: minishard_bits 1, keys 2 -> "ab", 3 -> "c".
  auto sink = open_shard_sink(folder_, row_of_four(1, 0), false, std::make_shared<WaitingRoom>(8));
  ASSERT_TRUE(sink.has_value());
  Bytes ab = text("ab"), c = text("c");
  // Handed over in another order than the plan's: 3 before 2.
  ASSERT_TRUE((*sink)->put(3, {3, 0, 0}, c).has_value());
  ASSERT_TRUE((*sink)->pass(0, {0, 0, 0}).has_value());
  ASSERT_TRUE((*sink)->put(2, {2, 0, 0}, ab).has_value());
  EXPECT_FALSE(fs::exists(folder_ / "1_1_1/0.shard")) << "a shard takes its name when it is complete";
  ASSERT_TRUE((*sink)->pass(1, {1, 0, 0}).has_value());
  const Bytes bytes = file("1_1_1/0.shard");
  ASSERT_EQ(bytes.size(), 83u);
  const std::uint64_t words[] = {3, 27, 27, 51};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(load<std::uint64_t>(bytes.data() + 8 * i), words[i]);
  EXPECT_EQ(std::memcmp(bytes.data() + 32, "abc", 3), 0);
  const std::uint64_t indices[] = {2, 0, 2, 3, 2, 1};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(load<std::uint64_t>(bytes.data() + 35 + 8 * i), indices[i]);
}

TEST_F(ShardSink, MakesNoFileForAnEmptyShard) {
  auto sink = open_shard_sink(folder_, row_of_four(0, 1), false, std::make_shared<WaitingRoom>(8));
  ASSERT_TRUE(sink.has_value());
  Bytes a = text("a");
  for (Index x = 0; x < 4; ++x) {
    // Shard 0 holds keys 0 and 2, shard 1 the others.
    if (x == 2)
      ASSERT_TRUE((*sink)->put(x, {x, 0, 0}, a).has_value());
    else
      ASSERT_TRUE((*sink)->pass(x, {x, 0, 0}).has_value());
  }
  EXPECT_TRUE(fs::exists(folder_ / "1_1_1/0.shard"));
  EXPECT_FALSE(fs::exists(folder_ / "1_1_1/1.shard"));
  EXPECT_EQ((*sink)->counts().files, 1u);
}

TEST_F(ShardSink, LeavesFinishedShardsAlone) {
  fs::create_directories(folder_ / "1_1_1");
  std::ofstream(folder_ / "1_1_1/1.shard") << "finished before";
  auto sink = open_shard_sink(folder_, row_of_four(0, 1), true, std::make_shared<WaitingRoom>(8));
  ASSERT_TRUE(sink.has_value());
  EXPECT_FALSE((*sink)->is_finished({0, 0, 0}));
  EXPECT_TRUE((*sink)->is_finished({1, 0, 0}));
  Bytes a = text("a");
  for (Index x = 0; x < 4; ++x) {
    if (x == 0)
      ASSERT_TRUE((*sink)->put(x, {x, 0, 0}, a).has_value());
    else
      ASSERT_TRUE((*sink)->pass(x, {x, 0, 0}).has_value());
  }
  EXPECT_EQ(file("1_1_1/1.shard"), text("finished before"));
  EXPECT_TRUE(fs::exists(folder_ / "1_1_1/0.shard"));
}

TEST_F(ShardSink, BytesDoNotDependOnThreads) {
  ScaleInfo scale;
  scale.key = "k";
  scale.size_xyz = {7, 6, 5};
  scale.chunk_sizes = {{1, 1, 1}};
  scale.resolution_nm = {1, 1, 1};
  scale.sharding = ShardingSpec{2, false, 2, 3, true, true};
  std::vector<std::map<std::string, Bytes>> results;
  for (const int threads : {1, 4}) {
    fs::remove_all(folder_ / "k");
    auto sink = open_shard_sink(folder_, scale, false, std::make_shared<WaitingRoom>(3));
    ASSERT_TRUE(sink.has_value());
    std::atomic<Index> next = 0;
    {
      std::vector<std::jthread> workers;
      for (int t = 0; t < threads; ++t)
        workers.emplace_back([&] {
          for (Index i; (i = next++) < 7 * 6 * 5;) {
            const GridVec cell{i % 7, i / 7 % 6, i / 42};
            Bytes bytes(static_cast<std::size_t>(i % 11 + 1), static_cast<std::byte>(i));
            EXPECT_TRUE((i % 5 == 0 ? (*sink)->pass(i, cell) : (*sink)->put(i, cell, bytes)).has_value());
          }
        });
    }
    auto& files = results.emplace_back();
    for (const auto& entry : fs::directory_iterator(folder_ / "k"))
      files[entry.path().filename()] = file("k/" + entry.path().filename().string());
    EXPECT_GT(files.size(), 1u);
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST_F(ShardSink, GrowsMoreShardsThanFilesMayBeOpen) {
  ScaleInfo scale;
  scale.key = "k";
  scale.size_xyz = {128, 3, 1};
  scale.chunk_sizes = {{1, 1, 1}};
  scale.resolution_nm = {1, 1, 1};
  // 7 + 2 bits, y among the lowest: a shard is a block of 2 x 2, and 128 / 2 grow until the next row comes.
  scale.sharding = ShardingSpec{0, false, 2, 7, false, false};
  GridVec cell;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 24;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  auto sink = open_shard_sink(folder_, scale, false, std::make_shared<WaitingRoom>(8));
  ASSERT_TRUE(sink.has_value());
  for (Index sequence = 0; sequence < 128 * 3; ++sequence) {
    cell = {sequence % 128, sequence / 128, 0};
    const Bytes value = text(fmt::format("{}.{}", cell.x, cell.y));
    const auto put = (*sink)->put(sequence, cell, value);
    EXPECT_TRUE(put.has_value()) << put.error().message;
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  Index found = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "k")) {
    const Bytes bytes = file("k/" + entry.path().filename().string());
    for (std::size_t minishard = 0; minishard < 4; ++minishard) {
      const auto begin = load<std::uint64_t>(bytes.data() + 16 * minishard),
                 end = load<std::uint64_t>(bytes.data() + 16 * minishard + 8);
      const auto entries = decode_minishard_index(std::span(bytes).subspan(64 + begin, end - begin), "");
      ASSERT_TRUE(entries.has_value());
      for (const ShardEntry& value : *entries) {
        cell = decode_morton(value.key, scale.grid_shape());
        const Bytes expected = text(fmt::format("{}.{}", cell.x, cell.y));
        ASSERT_EQ(value.size, expected.size());
        EXPECT_EQ(std::memcmp(bytes.data() + 64 + value.offset, expected.data(), expected.size()), 0);
        ++found;
      }
    }
  }
  EXPECT_EQ(found, 128 * 3);
}

TEST_F(ShardSink, LeavesHolesInALargeShardIndex) {
  // 2^24 minishards are a shard index of 256 MiB.
  auto sink = open_shard_sink(folder_, row_of_four(24, 0), false, std::make_shared<WaitingRoom>(8));
  ASSERT_TRUE(sink.has_value());
  const Bytes a = text("a");
  for (Index x = 0; x < 4; ++x)
    ASSERT_TRUE((x == 1 ? (*sink)->pass(x, {x, 0, 0}) : (*sink)->put(x, {x, 0, 0}, a)).has_value());
  const std::string path = folder_ / "1_1_1/0.shard";
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, (16 << 24) + 3 + 3 * 24);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
  std::ifstream in(path, std::ios::binary);
  std::array<std::uint64_t, 10> index{};
  in.read(reinterpret_cast<char*>(index.data()), sizeof index);
  EXPECT_EQ(index, (std::array<std::uint64_t, 10>{3, 27, 0, 0, 27, 51, 51, 75, 0, 0}));
}

TEST_F(ShardSink, TellsItsMemory) {
  ScaleInfo scale = row_of_four(0, 0);
  scale.size_xyz = {1000, 1000, 1};
  scale.sharding = ShardingSpec{9, false, 11, 0, true, true};
  EXPECT_GE(shard_sink_bytes(scale, 1), 24'000'000u);
  EXPECT_LE(shard_sink_bytes(scale, 1), 32'000'000u);
  scale.sharding->shard_bits = 30;  // a shard per chunk
  EXPECT_GE(shard_sink_bytes(scale, 1), 150'000'000u);
  scale.sharding = ShardingSpec{0, false, 0, 0, true, true};  // one minishard
  EXPECT_GE(shard_sink_bytes(scale, 2), 24'000'000u * 5);
}

TEST_F(ShardSink, SinksShareTheirWaitingRoom) {
  ScaleInfo first = row_of_four(0, 0), second = first;
  second.key = "other";
  const auto room = std::make_shared<WaitingRoom>(2);
  const auto a = open_shard_sink(folder_, first, false, room), b = open_shard_sink(folder_, second, false, room);
  ASSERT_TRUE(a && b);
  ASSERT_TRUE((*a)->put(1, {1, 0, 0}, text("1")).has_value());
  ASSERT_TRUE((*b)->put(1, {1, 0, 0}, text("1")).has_value());
  EXPECT_FALSE(room->enter());
  std::atomic<bool> is_through = false;
  {
    std::jthread late([&] {
      EXPECT_TRUE((*b)->put(2, {2, 0, 0}, text("2")).has_value());
      is_through = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_through);
    EXPECT_TRUE((*b)->put(0, {0, 0, 0}, text("0")).has_value());  // needs no place: it is its turn
  }
  EXPECT_TRUE((*a)->put(0, {0, 0, 0}, text("0")).has_value());
  EXPECT_TRUE(room->enter() && room->enter());  // all have left
  EXPECT_FALSE(room->enter());
}

TEST_F(ShardSink, AbandonEndsTheWait) {
  auto sink = open_shard_sink(folder_, row_of_four(0, 0), false, std::make_shared<WaitingRoom>(1));
  ASSERT_TRUE(sink.has_value());
  std::jthread waiting([&] {
    Bytes a = text("a");
    const auto put = (*sink)->put(3, {3, 0, 0}, a);
    ASSERT_FALSE(put.has_value());
    EXPECT_EQ(put.error().code, ErrorCode::cancelled);
  });
  (*sink)->abandon();
}

}  // namespace
}  // namespace ngforge
