// SPDX-License-Identifier: Apache-2.0
#include "pipeline/thread_pool.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/memory_budget.h"

namespace ngforge {
namespace {

TEST(ThreadPool, StartsTasksInOrder) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 100; ++i) pool.submit([&order, i](int) { order.push_back(i); });
  }  // the destructor runs what is queued
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadPool, WaitIdleWaitsForTasksThatTasksSubmit) {
  ThreadPool pool(3);
  std::atomic<int> done = 0;
  for (int i = 0; i < 50; ++i)
    pool.submit([&](int worker) {
      EXPECT_LT(worker, 3);
      pool.submit([&](int) { ++done; });
    });
  pool.wait_idle();
  EXPECT_EQ(done, 50);
}

TEST(ThreadPool, WhatGoesOnComesBeforeWhatWaits) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    pool.submit([&](int) {
      pool.submit_each(2, [&](int, Index item) { order.push_back(static_cast<int>(item)); });
      pool.submit_next([&](int) {
        order.push_back(10);
        pool.submit_next([&](int) { order.push_back(11); });
      });
    });
    pool.wait_idle();
  }
  EXPECT_EQ(order, (std::vector<int>{10, 11, 0, 1}));
}

TEST(ThreadPool, StartsBatchesInOrder) {
  std::vector<Index> order;
  {
    ThreadPool pool(1);
    pool.submit_each(50, [&order](int, Index item) { order.push_back(item); });
    pool.submit_each(0, [&order](int, Index) { order.push_back(-1); });
    pool.submit([&order](int) { order.push_back(50); });
    pool.submit_each(3, [&order](int, Index item) { order.push_back(51 + item); });
  }
  ASSERT_EQ(order.size(), 54u);
  for (Index i = 0; i < 54; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(ThreadPool, SharesABatchAmongThreads) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> runs(1000);
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = owned;
  pool.submit_each(1000,
                   [&runs, owned = std::move(owned)](int, Index item) { ++runs[static_cast<std::size_t>(item)]; });
  pool.wait_idle();
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  EXPECT_TRUE(watched.expired()) << "what the tasks own is freed before they count as done";
}

TEST(MemoryBudget, RefusesWhatCanNeverFit) {
  MemoryBudget budget(100);
  const auto lease = budget.acquire(101);
  ASSERT_FALSE(lease.has_value());
  EXPECT_EQ(lease.error().code, ErrorCode::needs_decision);
}

TEST(MemoryBudget, WaitsUntilALeaseEnds) {
  MemoryBudget budget(100);
  auto first = budget.acquire(60);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(budget.try_acquire(50).bytes(), 0u);
  std::atomic<bool> released = false;
  std::jthread other([&] {
    auto second = budget.acquire(50);
    EXPECT_TRUE(second.has_value());
    EXPECT_TRUE(released);
  });
  released = true;
  first->release();
  other.join();
  EXPECT_EQ(budget.in_use(), 0u);
}

TEST(MemoryBudget, StopEndsTheWait) {
  MemoryBudget budget(10);
  const auto held = budget.acquire(10);
  std::stop_source stop;
  stop.request_stop();
  const auto lease = budget.acquire(1, stop.get_token());
  ASSERT_FALSE(lease.has_value());
  EXPECT_EQ(lease.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace ngforge
