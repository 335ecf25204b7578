// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_plan.h"

#include <gtest/gtest.h>

namespace ngforge {
namespace {

VolumeInfo info_of(std::array<Index, 3> size, std::array<Index, 3> offset, std::array<double, 3> resolution_nm) {
  VolumeInfo info;
  info.is_segmentation = true;
  info.type = DataType::uint32;
  ScaleInfo scale;
  scale.key = "s0";
  scale.size_xyz = size;
  scale.voxel_offset = offset;
  scale.resolution_nm = resolution_nm;
  scale.chunk_sizes = {{64, 64, 64}};
  info.scales = {scale};
  return info;
}

std::string message(const VolumeInfo& info, const MeshOptions& options) {
  const auto plan = plan_meshes(info, options);
  return plan.has_value() ? "" : plan.error().message;
}

// 513 cells; the side of a node is about 128 * cbrt(32 * 32 * 40) = 4412 nm, of which 513 * 32 nm are 3.7 and 513 * 40
// nm are 4.7: four nodes along each axis, of ceil(513 / 4) = 129 cells.
TEST(MeshPlan, DividesTheVolumeIntoFullNodes) {
  const auto plan = plan_meshes(info_of({512, 512, 512}, {10, -20, 0}, {32, 32, 40}), {});
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->node_cells, (std::array<Index, 3>{129, 129, 129}));
  EXPECT_EQ(plan->nodes, (GridVec{4, 4, 4}));
  EXPECT_EQ(plan->root_level, 2);
  EXPECT_EQ(plan->grid(1), (GridVec{2, 2, 2}));
  EXPECT_EQ(plan->grid(2), (GridVec{1, 1, 1}));
  EXPECT_EQ(plan->grid(5), (GridVec{1, 1, 1}));
  // The border is closed: from voxel -1 to voxel 512. Neighbours share a plane of voxels.
  EXPECT_EQ(plan->node_voxels({0, 1, 3}), (Box{{-1, 128, 386}, {129, 258, 513}}));
  EXPECT_EQ(plan->own_voxels({0, 1, 3}), (Box{{0, 128, 386}, {128, 257, 512}}));
  EXPECT_EQ(plan->chunk_shape_nm(), (std::array<float, 3>{4128, 4128, 5160}));
  EXPECT_EQ(plan->grid_origin_nm(), (std::array<float, 3>{304, -656, -20}));
  EXPECT_EQ(plan->max_error_nm, 40);
  EXPECT_EQ(plan->step_error_nm(2), 160);
  EXPECT_EQ(plan->error_nm(2), 40 + 80 + 160);
  EXPECT_EQ(plan->node_extent(1), (std::array<float, 3>{258, 258, 258}));
}

TEST(MeshPlan, LeavesAnOpenBorderOut) {
  MeshOptions options;
  options.is_open = true;
  options.max_error_nm = 0;
  const auto plan = plan_meshes(info_of({100, 50, 1}, {}, {8, 8, 8}), options);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->nodes, (GridVec{1, 1, 1}));
  EXPECT_EQ(plan->root_level, 0);
  EXPECT_EQ(plan->node_voxels({0, 0, 0}), (Box{{0, 0, 0}, {100, 50, 1}}));
  // Without simplification the levels above are as coarse as the voxel asks for.
  EXPECT_EQ(plan->error_nm(0), 0);
  EXPECT_EQ(plan->error_nm(1), 16);
  EXPECT_EQ(plan->lod_scale_nm(0), 8);
}

TEST(MeshPlan, CountsEveryVoxelOnce) {
  const auto plan = plan_meshes(info_of({700, 333, 190}, {}, {8, 8, 8}), {});
  ASSERT_TRUE(plan.has_value());
  Index voxels = 0;
  for (Index z = 0; z < plan->nodes.z; ++z)
    for (Index y = 0; y < plan->nodes.y; ++y)
      for (Index x = 0; x < plan->nodes.x; ++x) voxels += plan->own_voxels({x, y, z}).volume();
  EXPECT_EQ(voxels, 700 * 333 * 190);
}

TEST(MeshPlan, SaysWhatIsWrong) {
  const VolumeInfo info = info_of({10, 10, 10}, {}, {8, 8, 8});
  MeshOptions options;
  options.format = "obj";
  EXPECT_EQ(message(info, options), "--format: expected multires or legacy, found \"obj\"");
  options = {};
  options.format = "legacy";
  options.layout = "sharded";
  EXPECT_EQ(message(info, options),
            "--layout: expected flat with --format legacy, which has no shards, found \"sharded\"");
  options = {};
  options.quantization_bits = 12;
  EXPECT_EQ(message(info, options), "--quantization-bits: expected 10 or 16, found 12");
  options = {};
  options.scale = 1;
  EXPECT_EQ(message(info, options), "--scale: expected 0 to 0, found 1");
  options = {};
  options.labels = {0};
  EXPECT_EQ(message(info, options), "IDS: expected labels > 0, found 0, the background");
  options.labels = {3};
  options.excluded = {3};
  EXPECT_EQ(message(info, options), "--exclude: expected labels that are not asked for, found 3");
  VolumeInfo image = info;
  image.is_segmentation = false;
  EXPECT_EQ(message(image, {}), "expected a segmentation, found an image");
  VolumeInfo negative = info;
  negative.type = DataType::int32;
  EXPECT_EQ(message(negative, {}), "expected one channel of unsigned labels, found 1 of int32");
}

}  // namespace
}  // namespace ngforge
