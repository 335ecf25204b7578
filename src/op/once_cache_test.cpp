// SPDX-License-Identifier: Apache-2.0
#include "op/once_cache.h"

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

using Cache = OnceCache<int, std::string>;

std::uint64_t length(const std::string& text) {
  return text.size();
}

/// Gets a key; counts how often it is made.
std::string get(Cache& cache, int key, int rank, const std::string& value, int& made) {
  const auto make = [&]() -> Result<Cache::Pointer> {
    ++made;
    return std::make_shared<const std::string>(value);
  };
  return **cache.get(key, rank, make, length);
}

TEST(OnceCache, MakesAValueOnce) {
  Cache cache(100);
  int made = 0;
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(get(cache, 1, 0, "one", made), "one");
  EXPECT_EQ(get(cache, 1, 0, "other", made), "one");
  EXPECT_EQ(made, 1);
  EXPECT_EQ(cache.bytes_used(), 3u);
}

TEST(OnceCache, GivesUpLowRanksFirstThenTheLeastRecentlyUsed) {
  Cache cache(6);
  int made = 0;
  get(cache, 1, 1, "aa", made);
  get(cache, 2, 0, "bb", made);
  get(cache, 3, 0, "cc", made);
  EXPECT_NE(cache.find(2), nullptr);  // now 3 is the oldest of rank 0
  get(cache, 4, 1, "dd", made);
  EXPECT_EQ(cache.find(3), nullptr);
  EXPECT_NE(cache.find(2), nullptr);
  get(cache, 5, 1, "ee", made);
  EXPECT_EQ(cache.find(2), nullptr);
  EXPECT_NE(cache.find(1), nullptr);
  EXPECT_EQ(cache.bytes_used(), 6u);
}

TEST(OnceCache, AValueBeyondTheBudgetIsGivenOutAndNotKept) {
  Cache cache(3);
  int made = 0;
  EXPECT_EQ(get(cache, 1, 0, "long text", made), "long text");
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(cache.bytes_used(), 0u);
}

TEST(OnceCache, TheLowestRankMayHaveALimitOfItsOwn) {
  Cache cache(100, 6);
  int made = 0;
  for (const int key : {1, 2, 3}) get(cache, key, 0, "abc", made);
  get(cache, 4, 1, "a longer value", made);
  EXPECT_FALSE(cache.has(1));
  EXPECT_TRUE(cache.has(2) && cache.has(3) && cache.has(4));
  EXPECT_EQ(cache.bytes_used(), 3u + 3 + 14);
  get(cache, 5, 0, "too long", made);
  EXPECT_FALSE(cache.has(2) || cache.has(3) || cache.has(5))
      << "a value beyond the limit drives the others out and is not kept";
  EXPECT_EQ(cache.bytes_used(), 14u);
}

TEST(OnceCache, FailuresAreNotKept) {
  Cache cache(100);
  const auto fail = [&]() -> Result<Cache::Pointer> { return make_error(ErrorCode::io, "disk"); };
  const auto throws = [&]() -> Result<Cache::Pointer> { throw std::bad_alloc(); };
  EXPECT_EQ(cache.get(1, 0, fail, length).error().message, "disk");
  EXPECT_EQ(cache.get(1, 0, throws, length).error().code, ErrorCode::internal);
  const auto throws_other = [&]() -> Result<Cache::Pointer> { throw std::length_error("too long"); };
  EXPECT_EQ(cache.get(1, 0, throws_other, length).error().message, "unexpected: too long");
  int made = 0;
  EXPECT_EQ(get(cache, 1, 0, "one", made), "one");
}

TEST(OnceCache, ManyThreadsShareOneMaking) {
  Cache cache(100);
  constexpr int kThreads = 8;
  std::atomic<int> made = 0;
  std::latch all_here(kThreads);
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_here.arrive_and_wait();
      const auto value = cache.get(
          7, 0,
          [&]() -> Result<Cache::Pointer> {
            ++made;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return std::make_shared<const std::string>("seven");
          },
          length);
      if (value && **value == "seven") ++right;
    });
  }
  threads.clear();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(right, kThreads);
}

}  // namespace
}  // namespace ngforge
