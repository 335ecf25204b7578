// SPDX-License-Identifier: Apache-2.0
#include "op/strip_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

VolumeHeader large() {
  VolumeHeader header;
  header.size_ijk = {4096, 2048, 1024};
  header.type = StoredType::uint16;
  header.has_voxel_size = header.is_anatomical = true;
  return header;
}

TEST(StripPlan, SpillsTheLargestStripsFirst) {
  const VolumeHeader header = large();
  const auto volume = plan_volume(header, {});
  ASSERT_TRUE(volume.has_value());
  // 64 planes of 4096 x 2048 uint16 are 1 GiB.
  const auto roomy = plan_strips(*volume, header, Access::once, 8ull << 30, 2);
  ASSERT_TRUE(roomy.has_value());
  EXPECT_EQ(roomy->levels[0].strip_bytes, 1ull << 30);
  EXPECT_TRUE(roomy->levels[0].in_memory);
  EXPECT_EQ(roomy->scratch_bytes, 0u);
  const auto tight = plan_strips(*volume, header, Access::once, 512ull << 20, 2);
  ASSERT_TRUE(tight.has_value());
  EXPECT_FALSE(tight->levels[0].in_memory);
  EXPECT_TRUE(tight->levels.back().in_memory);
  EXPECT_LE(tight->peak_bytes, 512ull << 20);
  EXPECT_GE(tight->scratch_bytes, 2ull << 30);
}

TEST(StripPlan, SaysTheLeastMemoryThatWouldDo) {
  const VolumeHeader header = large();
  const auto volume = plan_volume(header, {});
  ASSERT_TRUE(volume.has_value());
  const auto none = plan_strips(*volume, header, Access::once, 1 << 20, 2);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::needs_decision);
  // What the message names does do.
  std::uint64_t least = 0;
  ASSERT_EQ(std::sscanf(none.error().hint.c_str(), "use --memory %luMiB", &least), 1) << none.error().hint;
  EXPECT_TRUE(plan_strips(*volume, header, Access::once, least << 20, 2).has_value());
}

TEST(StripPlan, HoldsAStreamWhoseChannelsComeLast) {
  VolumeHeader header = large();
  header.size_ijk = {64, 64, 64};
  header.channels = 10;
  header.channel_axes = {10};
  const auto volume = plan_volume(header, {});
  ASSERT_TRUE(volume.has_value());
  EXPECT_TRUE(plan_strips(*volume, header, Access::once, 1ull << 30, 2)->holds_whole_volume);
  EXPECT_FALSE(plan_strips(*volume, header, Access::any_box, 1ull << 30, 2)->holds_whole_volume);
}

TEST(StripPlan, FollowsTheSlowestAxisOfTheSource) {
  VolumeHeader header = large();
  // k points left: it becomes output x, reversed.
  header.affine_ijk_to_mm.m = {{{0, 0, -1, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}}};
  const auto volume = plan_volume(header, {});
  ASSERT_TRUE(volume.has_value());
  const auto plan = plan_strips(*volume, header, Access::once, 1ull << 30, 1);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->axis, 0);
  EXPECT_TRUE(plan->descending);
  const StripRange first = strip_range(volume->info.scales[0], *plan, 0);
  EXPECT_EQ(first.end, 1024);
  EXPECT_EQ(first.begin, 1024 - volume->info.scales[0].chunk_size()[0]);
}

TEST(StripPlan, FrontsAreWhatWholeCellsNeed) {
  // 10 voxels from -3, chunks of 4: strips [-3,1) [1,5) [5,7). Cells of 2 lie at even numbers.
  VolumeHeader header = large();
  header.size_ijk = {10, 10, 10};
  VolumeOptions options;
  options.chunk_size_xyz = {{4, 4, 4}};
  options.voxel_offset = {{-3, -3, -3}};
  options.factor = "2,2,2";
  options.scales = 2;
  const auto volume = plan_volume(header, options);
  ASSERT_TRUE(volume.has_value());
  const ScaleInfo& scale = volume->info.scales[0];
  StripPlan plan;
  EXPECT_EQ(complete_strips(scale, plan, -3), 0);
  EXPECT_EQ(complete_strips(scale, plan, 1), 1);
  EXPECT_EQ(complete_strips(scale, plan, 7), 3);
  EXPECT_EQ(next_front(*volume, plan, 0, 1), 0);  // voxel 1 of cell 0 is missing
  EXPECT_EQ(next_front(*volume, plan, 0, 5), 2);  // voxel 5 of cell 2 is missing
  EXPECT_EQ(next_front(*volume, plan, 0, 7), 4);  // the end
  plan.descending = true;
  EXPECT_EQ(complete_strips(scale, plan, 7), 0);
  EXPECT_EQ(complete_strips(scale, plan, 5), 1);
  EXPECT_EQ(next_front(*volume, plan, 0, 5), 3);  // voxel 4 of cell 2 is missing
  EXPECT_EQ(next_front(*volume, plan, 0, -3), -2);
}

}  // namespace
}  // namespace ngforge
