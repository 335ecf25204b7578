// SPDX-License-Identifier: Apache-2.0
#include "op/source_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "op/volume_plan.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A level whose first voxel's centre lies at `centre_nm`.
VolumeHeader level_of(SourceVec size, std::array<double, 3> length_nm, std::array<double, 3> centre_nm) {
  VolumeHeader header;
  header.size_ijk = size;
  header.has_voxel_size = true;
  for (std::size_t a = 0; a < 3; ++a) {
    header.affine_ijk_to_mm.m[a][a] = length_nm[a] * 1e-6;
    header.affine_ijk_to_mm.m[a][3] = centre_nm[a] * 1e-6;
  }
  return header;
}

// 4 x 4 x 40 nm from a corner at 100 nm, as NGFF says it: each centre half a voxel behind the corner.
std::vector<VolumeHeader> three_levels() {
  return {level_of({101, 80, 7}, {4, 4, 40}, {102, 102, 120}), level_of({50, 40, 7}, {8, 8, 40}, {104, 104, 120}),
          level_of({26, 20, 4}, {16, 16, 80}, {108, 108, 140})};
}

VolumeOptions keeping(const std::string& crop = "") {
  VolumeOptions options;
  options.keep_scales = true;
  options.crop = crop;
  return options;
}

std::string error_of(const std::vector<VolumeHeader>& levels, const VolumeOptions& options = keeping()) {
  const auto plan = plan_volume(levels, options);
  return plan ? "no error" : plan.error().message;
}

TEST(SourceLevels, AreScalesWithTheirOwnSizes) {
  const auto plan = plan_volume(three_levels(), keeping());
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  ASSERT_EQ(plan->info.scales.size(), 3u);
  EXPECT_THAT(plan->info.scales[1].size_xyz, ElementsAre(50, 40, 7));  // not 51, as would be computed
  EXPECT_THAT(plan->info.scales[1].resolution_nm, ElementsAre(8, 8, 40));
  EXPECT_THAT(plan->info.scales[2].size_xyz, ElementsAre(26, 20, 4));
  EXPECT_EQ(plan->info.scales[2].key, "16_16_80");
  EXPECT_THAT(plan->info.scales[2].voxel_offset, ElementsAre(0, 0, 0));
  EXPECT_EQ(plan->scales[2].factor, (Factor{2, 2, 2}));
  EXPECT_THAT(plan->notices, IsEmpty());
  const VolumePlan last = plan_of_level(*plan, 2);
  EXPECT_EQ(last.size_ijk, (SourceVec{26, 20, 4}));
  ASSERT_EQ(last.info.scales.size(), 1u);
  EXPECT_EQ(last.info.scales[0].key, "16_16_80");
}

TEST(SourceLevels, AreNotLookedAtUnlessAsked) {
  const auto plan = plan_volume(three_levels(), {});
  ASSERT_TRUE(plan.has_value());
  EXPECT_THAT(plan->kept_levels, IsEmpty());
  EXPECT_EQ(plan_of_level(*plan_volume(std::vector{three_levels()[0]}, keeping()), 0).scales.size(), 1u);
}

TEST(SourceLevels, KeepTheirPlaceInTheGrid) {
  // A precomputed volume at voxel 5 of 8 nm; its cells of 16 nm begin at voxel 2 (4 of the finer ones).
  std::vector<VolumeHeader> levels{level_of({21, 8, 8}, {8, 8, 8}, {44, 4, 4}),
                                   level_of({11, 4, 4}, {16, 16, 16}, {40, 8, 8})};
  levels[0].voxel_offset_ijk = {5, 0, 0};
  levels[1].voxel_offset_ijk = {2, 0, 0};
  const auto plan = plan_volume(levels, keeping());
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_THAT(plan->info.scales[0].voxel_offset, ElementsAre(5, 0, 0));
  EXPECT_THAT(plan->info.scales[1].voxel_offset, ElementsAre(2, 0, 0));
  EXPECT_EQ(plan_of_level(*plan, 1).origin_vox, (VoxelVec{2, 0, 0}));

  VolumeOptions moved = keeping();
  moved.voxel_offset = {{105, 20, 40}};
  EXPECT_THAT(plan_volume(levels, moved)->info.scales[1].voxel_offset, ElementsAre(52, 10, 20));
  moved.voxel_offset = {{104, 20, 40}};
  EXPECT_THAT(error_of(levels, moved), HasSubstr("level 1 of the source: expected its corner at a multiple of 2"));
}

TEST(SourceLevels, MayAllSayTheSameCentre) {
  auto levels = three_levels();
  for (VolumeHeader& level : levels)
    for (std::size_t a = 0; a < 3; ++a) level.affine_ijk_to_mm.m[a][3] = 0;
  const auto plan = plan_volume(levels, keeping());
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_THAT(plan->info.scales[2].voxel_offset, ElementsAre(0, 0, 0));
  ASSERT_EQ(plan->notices.size(), 1u);
  EXPECT_THAT(plan->notices[0], HasSubstr("the same corner"));
}

TEST(SourceLevels, AreTurnedWithTheFinest) {
  // Stored from right to left: the corner that all levels share is behind their last voxels.
  std::vector<VolumeHeader> levels{level_of({8, 8, 8}, {8, 8, 8}, {0, 4, 4}),
                                   level_of({4, 4, 4}, {16, 16, 16}, {-4, 8, 8})};
  for (VolumeHeader& level : levels) {
    level.is_anatomical = true;
    level.affine_ijk_to_mm.m[0][0] *= -1;
  }
  const auto plan = plan_volume(levels, keeping());
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_TRUE(plan->axis_map.reversed[0]);
  EXPECT_THAT(plan->info.scales[1].voxel_offset, ElementsAre(0, 0, 0));
  EXPECT_THAT(plan->notices, IsEmpty());
}

TEST(SourceLevels, AreCutWhereTheirVoxelsEnd) {
  const auto plan = plan_volume(three_levels(), keeping("8:101,0:80,2:7"));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_THAT(plan->info.scales[1].voxel_offset, ElementsAre(4, 0, 2));
  EXPECT_THAT(plan->info.scales[1].size_xyz, ElementsAre(46, 40, 5));
  EXPECT_THAT(plan->info.scales[2].voxel_offset, ElementsAre(2, 0, 1));
  EXPECT_THAT(plan->info.scales[2].size_xyz, ElementsAre(24, 20, 3));
  EXPECT_EQ(error_of(three_levels(), keeping("0:100,0:80,1:7")),
            "--crop: expected multiples of 2 along z, which level 2 of the source needs, found 1:7");
  EXPECT_THAT(error_of(three_levels(), keeping("0:6,:,:")), HasSubstr("multiples of 4 along x"));
  // Level 1 has no voxel for the last one.
  EXPECT_THAT(error_of(three_levels(), keeping("100:101,:,:")), HasSubstr("a part that level 1 of the source has"));
}

TEST(SourceLevels, AreRefusedWhereTheyAreNoScales) {
  auto levels = three_levels();
  levels[1] = level_of({34, 27, 7}, {12.1, 12, 40}, {106, 106, 120});
  EXPECT_EQ(error_of(levels),
            "--scales keep: level 1 of the source: expected a whole factor along x, found voxels 3.025 times as long "
            "as those of level 0, 34 of them for 101");
  levels[1] = level_of({34, 27, 7}, {12, 12, 40}, {106, 106, 120});
  EXPECT_THAT(error_of(levels), HasSubstr("level 2 of the source: expected voxels a whole number of times as long as "
                                          "those of level 1, found 4 and 3"));
  levels = three_levels();
  levels[2] = levels[1];
  EXPECT_THAT(error_of(levels), HasSubstr("expected longer voxels than those of level 1"));
  levels = three_levels();
  levels[1].affine_ijk_to_mm.m[0][3] += 1e-6;
  EXPECT_THAT(error_of(levels), HasSubstr("at a multiple of 2 voxels of the finest level along x, found it at 0.25"));
  levels = three_levels();
  levels[1].affine_ijk_to_mm.m[1][0] = 4e-6;
  EXPECT_THAT(error_of(levels), HasSubstr("found turned ones"));
  levels[1].affine_ijk_to_mm.m[0][0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(error_of(levels), HasSubstr("level 1"));
}

// One axis of `size` voxels of 1 nm, which the others are made of, all of them `size` long from the same corner.
std::vector<VolumeHeader> stretched(Index size, std::vector<Index> others) {
  std::vector<VolumeHeader> levels{level_of({size, 8, 8}, {1, 1, 1}, {0.5, 0.5, 0.5})};
  for (const Index n : others) {
    const double length = static_cast<double>(size) / static_cast<double>(n);
    levels.push_back(level_of({n, 8, 8}, {length, 1, 1}, {length / 2, 0.5, 0.5}));
  }
  return levels;
}

TEST(SourceLevels, MayBeStretchedOverWholeVoxels) {
  const auto plan = plan_volume(stretched(511, {255, 128, 63, 1}), keeping());
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  const std::vector<Index> factors{1, 2, 2, 2, 63};  // 504 is the largest multiple of 8 up to 511
  for (std::size_t k = 0; k < 5; ++k) {
    const ScaleInfo& scale = plan->info.scales[k];
    EXPECT_DOUBLE_EQ(static_cast<double>(scale.size_xyz[0]) * scale.resolution_nm[0], 511) << k;
    EXPECT_EQ(scale.voxel_offset[0], 0) << k;
    EXPECT_EQ(plan->scales[k].factor[0], factors[k]) << k;
  }
  EXPECT_EQ(plan->info.scales[1].key, "2.003921568627451_1_1");
  EXPECT_THAT(plan->notices, IsEmpty());
}

TEST(SourceLevels, AreStretchedOnlyWhereTheySaySo) {
  // Half a voxel of the finest at the end is what few digits may cost; 2 is said to be 2.
  auto levels = stretched(511, {255});
  levels[1].affine_ijk_to_mm.m[0][0] = 2.0021e-6;
  EXPECT_DOUBLE_EQ(plan_volume(levels, keeping())->info.scales[1].resolution_nm[0], 511.0 / 255);
  levels[1].affine_ijk_to_mm.m[0][0] = 2.0018e-6;
  EXPECT_THAT(error_of(levels), HasSubstr("expected a whole factor along x, found voxels 2.0018 times as long as "
                                          "those of level 0, 255 of them for 511"));
  levels[1].affine_ijk_to_mm.m[0][0] = 2e-6;
  levels[1].affine_ijk_to_mm.m[0][3] = 1e-6;
  EXPECT_EQ(plan_volume(levels, keeping())->info.scales[1].resolution_nm[0], 2);
  EXPECT_THAT(error_of(stretched(511, {254})), HasSubstr("found voxels 2.01181 times"));
  EXPECT_THAT(error_of(stretched(511, {255, 170})), HasSubstr("level 2 of the source: expected a whole factor"));
}

TEST(SourceLevels, AreCutWhereStretchedVoxelsEnd) {
  // Level 1 has 100 voxels of 2.01: borders at 100.5, 102.51 ...
  const auto levels = stretched(201, {100});
  const auto plan = plan_volume(levels, keeping("100:201,:,:"));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->info.scales[1].voxel_offset[0], 50);
  EXPECT_EQ(plan->info.scales[1].size_xyz[0], 50);
  EXPECT_THAT(error_of(levels, keeping("102:201,:,:")), HasSubstr("expected multiples of 2.01 along x, which level 1"));
}

TEST(SourceLevels, AreNotComputed) {
  VolumeOptions options = keeping();
  options.factor = "2,2,1";
  EXPECT_THAT(error_of(three_levels(), options), HasSubstr("--factor: means nothing with --scales keep"));
  options = keeping();
  options.downsample = "min";
  EXPECT_THAT(error_of(three_levels(), options), HasSubstr("--downsample"));
}

}  // namespace
}  // namespace ngforge
