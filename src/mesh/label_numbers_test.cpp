// SPDX-License-Identifier: Apache-2.0
#include "mesh/label_numbers.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using testing::ElementsAre;

TEST(LabelNumbers, CountInTheOrderOfMeeting) {
  LabelNumbers numbers;
  numbers.reset(std::nullopt);
  EXPECT_EQ(numbers.number_of(70), 1u);
  EXPECT_EQ(numbers.number_of(1ull << 63), 2u);
  EXPECT_EQ(numbers.number_of(70), 1u);
  EXPECT_EQ(numbers.number_of(0), 0u);
  EXPECT_THAT(numbers.labels(), ElementsAre(70u, 1ull << 63));
  numbers.reset(std::nullopt);
  EXPECT_EQ(numbers.number_of(1ull << 63), 1u);
}

TEST(LabelNumbers, LeaveOutWhatNobodyWants) {
  LabelNumbers numbers;
  const std::vector<std::uint64_t> wanted = {0, 5, 9};
  numbers.reset(wanted);
  EXPECT_EQ(numbers.number_of(7), 0u);
  EXPECT_EQ(numbers.number_of(9), 1u);
  EXPECT_EQ(numbers.number_of(0), 0u);
  EXPECT_EQ(numbers.number_of(7), 0u);
  EXPECT_EQ(numbers.number_of(5), 2u);
  EXPECT_THAT(numbers.labels(), ElementsAre(9u, 5u));
}

TEST(LabelNumbers, StayWhenTheyBecomeMany) {
  LabelNumbers numbers;
  numbers.reset(std::nullopt);
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 1; i <= 20000; ++i) ASSERT_EQ(numbers.number_of(i % 7 << 60 | i), i);
    numbers.reset(std::nullopt);
  }
}

}  // namespace
}  // namespace ngforge
