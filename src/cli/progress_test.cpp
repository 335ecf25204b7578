// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Work at 1000 a second, noted ten times a second.
Pace steady(double seconds) {
  Pace pace;
  for (int tick = 0; tick <= seconds * 10; ++tick) pace.note(tick * 0.1, static_cast<std::uint64_t>(tick) * 100);
  return pace;
}

TEST(Pace, SaysNothingBeforeItKnows) {
  Pace pace;
  EXPECT_FALSE(pace.rate());
  pace.note(0, 0);
  pace.note(0.5, 500);
  EXPECT_FALSE(pace.rate());
  EXPECT_FALSE(pace.seconds_left(1000));
  pace.note(1, 1000);
  EXPECT_NEAR(*pace.rate(), 1000, 1e-9);
  Pace idle;
  idle.note(0, 0);
  idle.note(60, 0);
  EXPECT_FALSE(idle.rate());
}

TEST(Pace, SteadyWorkEndsWhenItIsDone) {
  const Pace pace = steady(20);
  EXPECT_NEAR(*pace.rate(), 1000, 1e-6);
  EXPECT_NEAR(*pace.seconds_left(50000), 30, 1e-6);
}

// What was there before the first look (a resumed run) is no work.
TEST(Pace, CountsFromTheFirstLook) {
  Pace pace;
  pace.note(0, 1000000);
  pace.note(2, 1000200);
  EXPECT_DOUBLE_EQ(*pace.rate(), 100);
  EXPECT_DOUBLE_EQ(*pace.seconds_left(1000300), 1);
}

TEST(Pace, FollowsAChangeWithinAMinute) {
  Pace pace = steady(60);
  for (int tick = 1; tick <= 600; ++tick) pace.note(60 + tick * 0.1, 60000 + static_cast<std::uint64_t>(tick) * 10);
  EXPECT_NEAR(*pace.rate(), 100, 30);
  // And a short pause changes little.
  Pace paused = steady(60);
  paused.note(63, 60000);
  EXPECT_NEAR(*paused.rate(), 1000, 300);
}

TEST(DurationText, AsPeopleSayIt) {
  EXPECT_EQ(duration_text(0.2), "1 s");
  EXPECT_EQ(duration_text(59.1), "1 min 00 s");
  EXPECT_EQ(duration_text(83), "1 min 23 s");
  EXPECT_EQ(duration_text(7500), "2 h 05 min");
  EXPECT_EQ(duration_text(86400 * 3 - 5), "3 days");
  EXPECT_EQ(duration_text(1e300), "more than a year");
}

TEST(ProgressText, HasEverything) {
  const Progress half{"converting", 10000, 20000, "voxels"};
  EXPECT_EQ(progress_text(half, steady(10), 79),
            "converting [================>                ]  50 %  1.0 k voxels/s  10 s left");
  EXPECT_EQ(progress_text({"unpacking", 3 << 20, 8 << 20, "bytes"}, Pace(), 40),
            "unpacking [========>             ]  37 %");
}

TEST(ProgressText, FitsAnyTerminal) {
  const Progress half{"converting", 10000, 20000, "voxels"};
  for (int width = 0; width <= 200; ++width) {
    const std::string text = progress_text(half, steady(10), width);
    EXPECT_LE(text.size(), width);
    if (width >= 16) {
      EXPECT_THAT(text, HasSubstr(" 50 %")) << width;
    }
    if (width >= 28) {
      EXPECT_THAT(text, EndsWith("  10 s left")) << width;
    }
  }
  EXPECT_THAT(progress_text(half, steady(10), 39), Not(HasSubstr("voxels/s")));
}

TEST(ProgressText, TheBarIsFullAtTheEndOnly) {
  EXPECT_THAT(progress_text({"writing", 999, 1000, "voxels"}, Pace(), 79), HasSubstr("=>]  99 %"));
  EXPECT_THAT(progress_text({"writing", 1000, 1000, "voxels"}, Pace(), 79), HasSubstr("==] 100 %"));
  EXPECT_THAT(progress_text({"writing", 0, 1000, "voxels"}, Pace(), 79), HasSubstr("[>  "));
}

TEST(ProgressText, AnUnknownTotalHasNoPercent) {
  const std::string text = progress_text({"reading", 5 << 20, 0, "bytes"}, steady(10), 79);
  EXPECT_THAT(text, StartsWith("reading  5.0 MiB"));
  EXPECT_THAT(text, Not(HasSubstr("%")));
  EXPECT_THAT(text, Not(HasSubstr("left")));
}

}  // namespace
}  // namespace ngforge::cli
