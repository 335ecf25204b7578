// SPDX-License-Identifier: Apache-2.0
#include "op/strip_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sink/chunk_sink.h"

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

TEST(StripPlan, CountsTheIndicesOfShardsForEachThread) {
  VolumeHeader header = large();
  header.chunk_ijk = {64, 64, 64};
  const auto peak = [&] {
    return plan_strips(*plan_volume(header, {}), header, Access::any_box, 8ull << 30, 3)->peak_bytes;
  };
  const std::uint64_t without = peak();
  header.index_bytes = 1 << 20;
  EXPECT_EQ(peak() - without, 3u << 20);
}

TEST(StripPlan, CountsTheChunksThatWaitForTheirTurnInAShard) {
  // Neither batches nor workers depend on the layout: what is left is the waiting room and what shards remember.
  const VolumeHeader header = large();
  VolumeOptions options;
  options.compress = "none";
  options.chunk_size_xyz = {{64, 64, 64}};
  constexpr std::uint64_t kChunk = 64 * 64 * 64 * 2;  // as large encoded
  for (const int threads : {1, 4, 16}) {
    options.layout = "flat";
    const auto flat = plan_strips(*plan_volume(header, options), header, Access::once, 8ull << 30, threads);
    options.layout = "sharded";
    const auto volume = plan_volume(header, options);
    const auto sharded = plan_strips(*volume, header, Access::once, 8ull << 30, threads);
    ASSERT_TRUE(flat.has_value() && sharded.has_value());
    EXPECT_EQ(sharded->window, 2 * threads + 2);
    std::uint64_t shards = 0;
    for (const ScaleInfo& scale : volume->info.scales) shards += shard_sink_bytes(scale, threads);
    // One more is in the hands of each thread.
    EXPECT_EQ(sharded->peak_bytes - flat->peak_bytes, (3 * static_cast<std::uint64_t>(threads) + 2) * kChunk + shards);
  }
}

TEST(StripPlan, HoldsAStreamWhoseChannelsComeLast) {
  VolumeHeader header = large();
  header.size_ijk = {64, 64, 640};
  header.channels = 10;
  header.channel_axes = {10};
  const auto volume = plan_volume(header, {});
  ASSERT_TRUE(volume.has_value());
  const auto held = plan_strips(*volume, header, Access::once, 1ull << 30, 2);
  EXPECT_TRUE(held->holds_whole_volume);
  // All strips of all scales are there before the first is complete.
  for (const LevelPlan& level : held->levels) EXPECT_EQ(level.slots, level.strips);
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

TEST(StripPlan, RefusesClaimsOfTooManyChunks) {
  for (const Index length : {Index{1} << 45, Index{1} << 62}) {
    VolumeHeader header = large();
    header.size_ijk = {1, 1, length};
    VolumeOptions options;
    options.layout = "flat";
    const auto volume = plan_volume(header, options);
    ASSERT_TRUE(volume.has_value());
    const auto plan = plan_strips(*volume, header, Access::once, 1ull << 30, 2);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().code, ErrorCode::needs_decision);
    EXPECT_THAT(plan.error().message, ::testing::HasSubstr("at most 4294967296 chunks"));
  }
}

TEST(StripPlan, SumsOfClaimsDoNotWrap) {
  // 2^31 strips of a stream that must be held whole, each a chunk of 2^51 bytes.
  VolumeHeader header = large();
  header.size_ijk = {1 << 16, 1 << 16, Index{1} << 42};
  header.channels = 64;
  header.channel_axes = {64};
  VolumeOptions options;
  options.chunk_size_xyz = {{2048, 2048, 2048}};
  options.layout = "flat";
  options.scales = 1;
  const auto volume = plan_volume(header, options);
  ASSERT_TRUE(volume.has_value()) << volume.error().message;
  const auto plan = plan_strips(*volume, header, Access::once, 1ull << 30, 2);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, ErrorCode::needs_decision);
}

TEST(StripPlan, ManyStripsHaveTheSlotsOfFewer) {
  for (const bool descending : {false, true})
    for (const Index chunk : {1, 3, 4, 7})
      for (const char* factor : {"1,1,2", "1,1,3", "1,1,2;1,1,5"})
        for (const Index offset : {0, 1, -5}) {
          std::vector<std::vector<Index>> slots;
          for (const Index strips : {4096, 4097}) {  // followed, and bounded without that
            VolumeHeader header = large();
            if (descending) header.affine_ijk_to_mm.m[2][2] = -1;
            header.size_ijk = {1, 1, chunk * (strips - 1) + 1};
            VolumeOptions options;
            options.chunk_size_xyz = {{1, 1, chunk}};
            options.factor = factor;
            options.voxel_offset = {{0, 0, offset}};
            options.layout = "flat";
            options.scales = 6;
            const auto volume = plan_volume(header, options);
            ASSERT_TRUE(volume.has_value()) << volume.error().message;
            const auto plan = plan_strips(*volume, header, Access::once, 1ull << 30, 2);
            ASSERT_TRUE(plan.has_value());
            EXPECT_EQ(plan->descending, descending);
            auto& of_this = slots.emplace_back();
            for (const LevelPlan& level : plan->levels) of_this.push_back(level.slots);
          }
          ASSERT_EQ(slots[0].size(), slots[1].size());
          for (std::size_t k = 0; k < slots[0].size(); ++k) {
            EXPECT_GE(slots[1][k], slots[0][k]) << chunk << " " << factor << " " << offset << " scale " << k;
            EXPECT_LE(slots[1][k], slots[0][k] + 5) << chunk << " " << factor << " " << offset << " scale " << k;
          }
        }
}

TEST(StripPlan, CountsAllChannelsOfABoxThatIsDecodedWhole) {
  VolumeHeader header = large();
  header.size_ijk = {256, 256, 256};
  header.chunk_ijk = {64, 64, 64};
  header.type = StoredType::uint8;
  header.channels = 1000;
  header.channel_axes = {1000};
  header.chunk_channels = 1000;
  VolumeOptions options;
  options.channel = "0";
  const auto volume = plan_volume(header, options);
  ASSERT_TRUE(volume.has_value());
  const auto plan = plan_strips(*volume, header, Access::any_box, 64ull << 20, 1);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, ErrorCode::needs_decision);
  // A chunk of 250 MiB as it lies in the file, and decoded.
  const auto roomy = plan_strips(*volume, header, Access::any_box, 2ull << 30, 1);
  ASSERT_TRUE(roomy.has_value());
  EXPECT_GE(roomy->peak_bytes, 500ull << 20);
}

TEST(StripPlan, CountsWhatIsKeptPerChunk) {
  VolumeHeader header = large();
  header.size_ijk = {8192, 8192, 4};
  header.type = StoredType::uint8;
  VolumeOptions options;
  options.chunk_size_xyz = {{8, 8, 8}};
  options.layout = "flat";
  const auto flat = plan_volume(header, options);
  ASSERT_TRUE(flat.has_value());
  // 2^20 chunks, and a third as many in coarser scales: the strips fit, and files of their own need no memory.
  const auto plan = plan_strips(*flat, header, Access::any_box, 64ull << 20, 2);
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_FALSE(plan->levels[0].in_memory);
  options.layout = "sharded";
  const auto sharded = plan_volume(header, options);
  ASSERT_TRUE(sharded.has_value());
  EXPECT_FALSE(plan_strips(*sharded, header, Access::any_box, 64ull << 20, 2).has_value()) << "24 bytes per chunk";
  EXPECT_TRUE(plan_strips(*sharded, header, Access::any_box, 128ull << 20, 2).has_value());
}

}  // namespace
}  // namespace ngforge
