// SPDX-License-Identifier: Apache-2.0
#include "server/lanes.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

struct Gate {
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();
};

Lanes::Job job(std::function<void()> work) {
  return {std::move(work), [] {}, [] { return true; }};
}

TEST(Lanes, OneThatWaitsKeepsNoOtherFromGoingOn) {
  Gate gate;
  std::atomic<int> begun = 0, running = 0, most = 0;
  Lanes lanes(3, 100);
  for (int i = 0; i < 20; ++i)
    lanes.submit("silent", job([&] {
                   most = std::max<int>(most, ++running);
                   ++begun;
                   gate.open.wait();
                   --running;
                 }));
  for (int i = 0; i < 20; ++i) {
    std::promise<void> done;
    lanes.submit("other", job([&] { done.set_value(); }));
    done.get_future().wait();
  }
  while (begun < 3) std::this_thread::yield();
  EXPECT_EQ(begun, 3);
  gate.opened.set_value();
  while (begun < 20) std::this_thread::yield();
  EXPECT_LE(most, 3);
}

TEST(Lanes, WhatNobodyWantsIsDropped) {
  Gate gate;
  std::promise<void> begun, done;
  std::atomic<int> dropped = 0, worked = 0;
  std::atomic<bool> is_wanted = true;
  Lanes lanes(1, 4);
  lanes.submit("a", job([&] {
                 begun.set_value();
                 gate.open.wait();
               }));
  begun.get_future().wait();
  const auto add = [&] {
    lanes.submit("a", {[&] { ++worked; }, [&] { ++dropped; }, [&] { return is_wanted.load(); }});
  };
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(lanes.has_room("a"));
    add();
  }
  EXPECT_FALSE(lanes.has_room("a"));
  EXPECT_TRUE(lanes.has_room("b"));
  is_wanted = false;
  EXPECT_TRUE(lanes.has_room("a"));
  EXPECT_EQ(dropped, 4);
  add();
  lanes.drop_unwanted();
  EXPECT_EQ(dropped, 5);
  add();  // found when its turn comes
  lanes.submit("a", job([&] { done.set_value(); }));
  gate.opened.set_value();
  done.get_future().wait();
  EXPECT_EQ(dropped, 6);
  EXPECT_EQ(worked, 0);
}

TEST(Lanes, EndsWithoutWhatHasNotBegun) {
  std::atomic<int> worked = 0;
  {
    Gate gate;
    std::promise<void> begun;
    std::jthread opens([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      gate.opened.set_value();
    });
    Lanes lanes(1, 4);
    lanes.submit("a", job([&] {
                   begun.set_value();
                   gate.open.wait();
                   ++worked;
                 }));
    begun.get_future().wait();
    lanes.submit("a", job([&] { ++worked; }));
  }
  EXPECT_EQ(worked, 1);
}

}  // namespace
}  // namespace ngforge
