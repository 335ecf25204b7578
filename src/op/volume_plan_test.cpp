// SPDX-License-Identifier: Apache-2.0
// The tables of COMMANDS.md: what becomes of which type, which option is asked for, where the corner of the world lies.
#include "op/volume_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

VolumeHeader scan(StoredType type) {
  VolumeHeader header;
  header.size_ijk = {100, 80, 60};
  header.type = type;
  header.has_voxel_size = header.is_anatomical = true;
  return header;
}

struct TypeRow {
  StoredType stored;
  bool scaled;
  const char* option;    // --type
  const char* expected;  // output type, or the option that the error names
};

TEST(VolumePlan, ChoosesTypesAsDocumented) {
  const TypeRow rows[] = {
      {StoredType::boolean, false, "", "image uint8"},
      {StoredType::uint8, false, "", "image uint8"},
      {StoredType::int8, false, "", "image int8"},
      {StoredType::int16, false, "", "image int16"},
      {StoredType::uint16, false, "", "image uint16"},
      {StoredType::int32, false, "", "segmentation uint32"},
      {StoredType::uint32, false, "", "segmentation uint32"},
      {StoredType::int64, false, "", "segmentation uint64"},
      {StoredType::uint64, false, "", "segmentation uint64"},
      {StoredType::float32, false, "", "image float32"},
      {StoredType::float16, false, "", "image float32"},
      {StoredType::float64, false, "", "--dtype"},
      {StoredType::float128, false, "", "--dtype"},
      {StoredType::complex64, false, "", "--complex"},
      {StoredType::int16, true, "", "image float32"},
      {StoredType::int32, true, "", "image float32"},
      {StoredType::float64, true, "", "image float32"},
      {StoredType::int64, false, "image", "--dtype"},
      {StoredType::int32, false, "image", "image int32"},
      {StoredType::uint64, false, "image", "image uint64"},
      {StoredType::uint8, false, "segmentation", "segmentation uint8"},
      {StoredType::uint16, false, "segmentation", "segmentation uint16"},
      {StoredType::int8, false, "segmentation", "segmentation uint32"},
      {StoredType::int16, false, "segmentation", "segmentation uint32"},
      {StoredType::float32, false, "segmentation", "--dtype"},
      {StoredType::int16, true, "segmentation", "--ignore-scaling"},
  };
  for (const TypeRow& row : rows) {
    VolumeHeader header = scan(row.stored);
    if (row.scaled) header.slope = 2;
    VolumeOptions options;
    options.type = row.option;
    const auto plan = plan_volume(header, options);
    const std::string what =
        fmt::format("{}{} --type {}", name_of(row.stored), row.scaled ? " scaled" : "", row.option);
    if (row.expected[0] == '-') {
      ASSERT_FALSE(plan.has_value()) << what;
      EXPECT_EQ(plan.error().code, ErrorCode::needs_decision) << what;
      EXPECT_THAT(plan.error().hint, HasSubstr(row.expected)) << what;
    } else {
      ASSERT_TRUE(plan.has_value()) << what << ": " << plan.error().message;
      EXPECT_EQ(fmt::format("{} {}", plan->is_segmentation ? "segmentation" : "image", name_of(plan->type)),
                row.expected)
          << what;
    }
  }
}

TEST(VolumePlan, LabelIntentMakesASegmentation) {
  VolumeHeader header = scan(StoredType::uint8);
  header.has_label_intent = true;
  const auto plan = plan_volume(header, {});
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->is_segmentation);
  EXPECT_STREQ(plan->codec->name, "raw");
  EXPECT_EQ(plan->method, Downsampling::majority);
  ASSERT_EQ(plan->notices.size(), 1u);
  EXPECT_THAT(plan->notices[0], HasSubstr("--type image"));
}

TEST(VolumePlan, PutsTheCornerHalfAVoxelBeforeTheCentre) {
  VolumeHeader header = scan(StoredType::uint8);
  // i points left with 2 mm, j anterior 1 mm, k superior 1.5 mm; voxel (0, 0, 0) centred at (90, -126, -72) mm.
  header.affine_ijk_to_mm.m = {{{-2, 0, 0, 90}, {0, 1, 0, -126}, {0, 0, 1.5, -72}, {0, 0, 0, 1}}};
  const auto plan = plan_volume(header, {});
  ASSERT_TRUE(plan.has_value());
  EXPECT_THAT(plan->scales[0].resolution_nm, ElementsAre(2e6, 1e6, 1.5e6));
  EXPECT_THAT(plan->axis_map.reversed, ElementsAre(true, false, false));
  // The leftmost voxel, i = 99, is centred at 90 - 198 = -108 mm: its corner lies at -109 mm.
  ASSERT_TRUE(plan->transform_nm.has_value());
  const auto& t = plan->transform_nm->m;
  EXPECT_DOUBLE_EQ(t[0][3], -109e6);
  EXPECT_DOUBLE_EQ(t[1][3], -126.5e6);
  EXPECT_DOUBLE_EQ(t[2][3], -72.75e6);
  EXPECT_DOUBLE_EQ(t[0][0], 1);
  EXPECT_DOUBLE_EQ(t[2][2], 1);
}

TEST(VolumePlan, CropAndOffsetKeepTheWorldInPlace) {
  VolumeHeader header = scan(StoredType::uint8);
  VolumeOptions options;
  options.crop = "10:50,20:80,0:60";
  const auto cropped = plan_volume(header, options);
  const auto whole = plan_volume(header, {});
  ASSERT_TRUE(cropped.has_value() && whole.has_value());
  EXPECT_EQ(cropped->scales[0].box_vox, (Box{{10, 20, 0}, {50, 80, 60}}));
  EXPECT_EQ(*cropped->transform_nm, *whole->transform_nm);
  // Moving the corner to voxel (1000, 0, 0) moves T back by as much.
  options = {};
  options.voxel_offset = {{1000, 0, 0}};
  const auto moved = plan_volume(header, options);
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(moved->scales[0].box_vox.begin, (VoxelVec{1000, 0, 0}));
  EXPECT_DOUBLE_EQ(moved->transform_nm->m[0][3], whole->transform_nm->m[0][3] - 1000e6);
}

TEST(VolumePlan, ChoosesTimeAndChannel) {
  VolumeHeader header = scan(StoredType::int16);
  header.channels = 6;
  header.channel_axes = {3, 2};  // three time points, two components
  VolumeOptions options;
  EXPECT_THAT(plan_volume(header, options)->source_channels, ElementsAre(0, 1, 2, 3, 4, 5));
  options.time = 1;
  EXPECT_THAT(plan_volume(header, options)->source_channels, ElementsAre(1, 4));
  options.channel = "1";
  EXPECT_THAT(plan_volume(header, options)->source_channels, ElementsAre(4));
  options.time = 3;
  EXPECT_EQ(plan_volume(header, options).error().code, ErrorCode::invalid_argument);
  header.channels = 200;
  header.channel_axes = {200};
  const auto many = plan_volume(header, {});
  ASSERT_FALSE(many.has_value());
  EXPECT_THAT(many.error().hint, HasSubstr("--time"));
  options.time = 17;
  options.channel = "17";
  EXPECT_THAT(plan_volume(header, options)->source_channels, ElementsAre(17));
  options.channel = "5";
  EXPECT_THAT(plan_volume(header, options).error().message, HasSubstr("a single further axis"));
}

TEST(VolumePlan, OrientationIsForAnatomicalAxes) {
  VolumeHeader header = scan(StoredType::uint8);
  VolumeOptions options;
  options.orientation = "LPS";
  EXPECT_TRUE(plan_volume(header, options).has_value());
  header.is_anatomical = false;
  EXPECT_THAT(plan_volume(header, options).error().message, HasSubstr("anatomical axes"));
  options.orientation = "XYZ";
  EXPECT_THAT(plan_volume(header, options).error().message, HasSubstr("XYZ"));
}

TEST(VolumePlan, ASegmentationHasOneChannel) {
  VolumeHeader header = scan(StoredType::int32);
  header.channels = 2;
  header.channel_axes = {2};
  const auto plan = plan_volume(header, {});
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, ErrorCode::needs_decision);
}

TEST(VolumePlan, AsksForAVoxelSize) {
  VolumeHeader header = scan(StoredType::uint8);
  header.has_voxel_size = false;
  const auto plan = plan_volume(header, {});
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().hint, HasSubstr("--voxel-size"));
}

TEST(VolumePlan, RefusesWrongValuesOfOptions) {
  const auto fails = [](auto set) {
    VolumeOptions options;
    set(options);
    const auto plan = plan_volume(scan(StoredType::uint8), options);
    return !plan.has_value() && plan.error().code == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.encoding = "webp"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.encoding = "compressed_segmentation"; }));  // not for uint8
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.layout = "round"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.downsample = "mode"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.factor = "2,2"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.crop = "0:200,0:10,0:10"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.crop = "5:5,0:10,0:10"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.sharding = "1,2"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.sharding = "1,2,63"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.outside = "256"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.dtype = "float64"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.orientation = "RAX"; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.level = 13; }));
  EXPECT_TRUE(fails([](VolumeOptions& o) { o.window = {{2, 1}}; }));
}

TEST(VolumePlan, NamesTheVoxelOfABadValue) {
  const auto plan = plan_volume(scan(StoredType::int32), {});
  ASSERT_TRUE(plan.has_value());
  // Value 7 of a box of 3 x 2 x 2 from (10, 20, 30): (10 + 1, 20 + 0, 30 + 1).
  const Error error = bad_value_error(*plan, {7, "-3"}, {{10, 20, 30}, {13, 22, 32}});
  EXPECT_THAT(error.message, HasSubstr("found -3 at voxel (11, 20, 31)"));
  EXPECT_EQ(error.code, ErrorCode::needs_decision);
}

}  // namespace
}  // namespace ngforge
