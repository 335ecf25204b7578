// SPDX-License-Identifier: Apache-2.0
#include "server/lazy_value.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(LazyValue, IsMadeOnceWhenItIsAskedFor) {
  std::atomic<int> made = 0;
  LazyValue store("v.png", {[&] {
                              ++made;
                              std::this_thread::sleep_for(std::chrono::milliseconds(20));
                              return Result<Bytes>(bytes_of("value"));
                            },
                            bytes_of("none"), [](const Error&) { FAIL(); }});
  EXPECT_EQ(made, 0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(store.get("v.png").value(), bytes_of("value")); });
  }
  EXPECT_EQ(store.stat("v.png").value().size, 5u);
  EXPECT_EQ(store.get_range("v.png", {1, 3}).value(), bytes_of("alu"));
  EXPECT_EQ(made, 1);
  EXPECT_EQ(store.get_range("v.png", {1, 5}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store.get("other").error().code, ErrorCode::not_found);
  EXPECT_THAT(store.list("").value(), ::testing::ElementsAre("v.png"));
  EXPECT_EQ(made, 1);
}

TEST(LazyValue, AnotherStandsForOneThatCannotBeMade) {
  int tries = 0;
  std::vector<std::string> told;
  LazyValue store("v.png", {[&]() -> Result<Bytes> {
                              ++tries;
                              return make_error(ErrorCode::io, "the disk is gone");
                            },
                            bytes_of("none"), [&](const Error& error) { told.push_back(error.message); }});
  const std::string tag = store.stat("v.png").value().etag;
  EXPECT_EQ(store.get("v.png").value(), bytes_of("none"));
  EXPECT_EQ(store.stat("v.png").value().etag, tag);
  EXPECT_EQ(tries, 1) << "not for each question of one request";
  EXPECT_THAT(told, ::testing::ElementsAre("the disk is gone"));
}

TEST(LazyValue, TheTagChangesWithTheValue) {
  const auto tag = [](std::string_view value) {
    LazyValue store("v", {[&] { return Result<Bytes>(bytes_of(value)); }, {}, [](const Error&) {}});
    return store.stat("v").value().etag;
  };
  EXPECT_NE(tag("one"), tag("two"));
  EXPECT_EQ(tag("one"), tag("one"));
}

}  // namespace
}  // namespace ngforge
