// SPDX-License-Identifier: Apache-2.0
#include "pyramid/plan_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ScaleRequest request_of(VoxelVec size, std::array<double, 3> resolution_nm) {
  ScaleRequest request;
  request.box_vox = {{0, 0, 0}, size};
  request.resolution_nm = resolution_nm;
  return request;
}

std::vector<std::string> keys_of(const std::vector<ScaleGeometry>& scales) {
  std::vector<std::string> keys;
  for (const auto& scale : scales) keys.push_back(scale.key);
  return keys;
}

TEST(ShortestNumber, IsFixedAndRoundTrips) {
  EXPECT_EQ(shortest_number(1000000), "1000000");
  EXPECT_EQ(shortest_number(0.5), "0.5");
  EXPECT_EQ(shortest_number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(shortest_number(1e22), "10000000000000000000000");
  EXPECT_EQ(shortest_number(937500), "937500");
}

TEST(DefaultChunkSize, IsLeastElongated) {
  EXPECT_THAT(default_chunk_size({1, 1, 1}, DataType::uint8, 1), ElementsAre(64, 64, 64));
  // 128,64,32 x 4,4,40 nm: 1280/256 = 5; 128,128,.. is not possible with a side of 16; 64,64,64: 10.
  EXPECT_THAT(default_chunk_size({4, 4, 40}, DataType::uint8, 1), ElementsAre(128, 64, 32));
  EXPECT_THAT(default_chunk_size({40, 4, 4}, DataType::uint8, 1), ElementsAre(32, 128, 64));
  // Twice as thick: 64^3 gives 2, so does 128,64,32 (256, 128... no: 128,64,64 nm = 2): the larger x wins.
  EXPECT_THAT(default_chunk_size({1, 1, 2}, DataType::uint8, 1), ElementsAre(128, 64, 32));
}

TEST(DefaultChunkSize, StaysBelow4MiB) {
  EXPECT_THAT(default_chunk_size({1, 1, 1}, DataType::uint64, 2), ElementsAre(64, 64, 64));
  EXPECT_THAT(default_chunk_size({1, 1, 1}, DataType::uint64, 4), ElementsAre(64, 64, 32));
  // 64 float32 channels: 256 bytes a voxel leave 2^14 voxels, less than 32^3.
  EXPECT_THAT(default_chunk_size({1, 1, 1}, DataType::float32, 64), ElementsAre(32, 32, 16));
}

TEST(AutomaticFactor, MakesVoxelsIsotropic) {
  EXPECT_THAT(automatic_factor({1e6, 1e6, 1e6}, {10, 10, 10}), ElementsAre(2, 2, 2));
  EXPECT_THAT(automatic_factor({4, 4, 40}, {100, 100, 100}), ElementsAre(2, 2, 1));
  EXPECT_THAT(automatic_factor({32, 32, 40}, {100, 100, 100}), ElementsAre(2, 2, 2));
  EXPECT_THAT(automatic_factor({8, 1, 8}, {100, 100, 100}), ElementsAre(1, 2, 1));
}

TEST(AutomaticFactor, LeavesSingleVoxelsAloneAndOutOfTheComparison) {
  EXPECT_THAT(automatic_factor({1, 1, 1}, {100, 100, 1}), ElementsAre(2, 2, 1));
  // z says nothing about a plane: x is halved towards y.
  EXPECT_THAT(automatic_factor({1, 2, 100}, {100, 100, 1}), ElementsAre(2, 1, 1));
  EXPECT_THAT(automatic_factor({1, 1, 1}, {1, 1, 1}), ElementsAre(1, 1, 1));
}

TEST(PlanScales, HalvesUntilOneChunkHoldsTheVolume) {
  const auto scales = plan_scales(request_of({181, 217, 181}, {1e6, 1e6, 1e6}));
  ASSERT_TRUE(scales.has_value());
  EXPECT_THAT(keys_of(*scales),
              ElementsAre("1000000_1000000_1000000", "2000000_2000000_2000000", "4000000_4000000_4000000"));
  EXPECT_EQ((*scales)[1].box_vox, (Box{{0, 0, 0}, {91, 109, 91}}));
  EXPECT_EQ((*scales)[2].box_vox, (Box{{0, 0, 0}, {46, 55, 46}}));
  EXPECT_THAT((*scales)[0].factor, ElementsAre(1, 1, 1));
  EXPECT_THAT((*scales)[2].factor, ElementsAre(2, 2, 2));
}

TEST(PlanScales, AnisotropicVoxelsBecomeIsotropicFirst) {
  const auto scales = plan_scales(request_of({1024, 1024, 100}, {4, 4, 40}));
  ASSERT_TRUE(scales.has_value());
  EXPECT_THAT(keys_of(*scales), ElementsAre("4_4_40", "8_8_40", "16_16_40", "32_32_40", "64_64_80"));
  EXPECT_THAT(scales->front().chunk_size_xyz, ElementsAre(128, 64, 32));
  EXPECT_THAT(scales->back().chunk_size_xyz, ElementsAre(64, 64, 64));
}

TEST(PlanScales, OffsetsLieOnTheGlobalGrid) {
  auto request = request_of({0, 0, 0}, {1, 1, 1});
  request.box_vox = {{-3, 1, 7}, {130, 8, 8}};
  request.factors = {{2, 2, 2}, {3, 1, 1}};
  request.scales = 3;
  const auto scales = plan_scales(request);
  ASSERT_TRUE(scales.has_value());
  ASSERT_EQ(scales->size(), 3u);
  EXPECT_EQ((*scales)[1].box_vox, (Box{{-2, 0, 3}, {65, 4, 4}}));
  EXPECT_EQ((*scales)[2].box_vox, (Box{{-1, 0, 3}, {22, 4, 4}}));
  EXPECT_THAT((*scales)[2].resolution_nm, ElementsAre(6, 2, 2));
}

TEST(PlanScales, EndsWhenNothingGetsSmaller) {
  auto plane = request_of({1000, 1000, 500}, {1, 1, 1});
  plane.factors = {{2, 2, 1}};
  const auto scales = plan_scales(plane);  // z stays longer than a chunk for ever
  ASSERT_TRUE(scales.has_value());
  EXPECT_EQ(scales->back().box_vox, (Box{{0, 0, 0}, {1, 1, 500}}));

  auto straddling = request_of({0, 0, 0}, {1, 1, 1});
  straddling.box_vox = {{-1, -1, -1}, {1, 1, 5}};
  straddling.scales = 100;
  const auto few = plan_scales(straddling);
  ASSERT_TRUE(few.has_value());
  // z: -1..5, -1..3, -1..2, -1..1; x and y never change.
  ASSERT_EQ(few->size(), 4u);
  EXPECT_THAT(few->back().resolution_nm, ElementsAre(1, 1, 8));
}

TEST(PlanScales, OneScaleIsFullResolution) {
  auto request = request_of({1000, 1000, 500}, {1, 1, 1});
  request.scales = 1;
  const auto scales = plan_scales(request);
  ASSERT_TRUE(scales.has_value());
  EXPECT_EQ(scales->size(), 1u);
}

TEST(PlanScales, RefusesNonsense) {
  const auto message_of = [](const ScaleRequest& request) {
    const auto scales = plan_scales(request);
    if (scales.has_value()) return std::string("no error");
    EXPECT_EQ(scales.error().code, ErrorCode::invalid_argument);
    return scales.error().message;
  };
  auto request = request_of({10, 10, 10}, {1, 1, 1});
  request.scales = 0;
  EXPECT_THAT(message_of(request), HasSubstr("found 0"));
  request = request_of({10, 10, 10}, {1, 1, 1});
  request.factors = {{1, 1, 1}};
  EXPECT_THAT(message_of(request), HasSubstr("found 1,1,1"));
  request.factors = {{2, 0, 1}};
  EXPECT_THAT(message_of(request), HasSubstr("found 2,0,1"));
  EXPECT_THAT(message_of(request_of({10, 10, 10}, {1, 0, 1})), HasSubstr("found 0 nm"));
  request = request_of({10, 10, 10}, {1, 1, 1});
  request.chunk_size_xyz = {{64, 64, 0}};
  EXPECT_THAT(message_of(request), HasSubstr("found 64,64,0"));
}

}  // namespace
}  // namespace ngforge
