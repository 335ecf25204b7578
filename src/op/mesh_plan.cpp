// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_plan.h"

#include <algorithm>
#include <cmath>

#include "op/mesh_folder.h"

namespace ngforge {
namespace {

// Voxels of a node of level 0 are about this, to the third power.
constexpr double kNodeSide = 128;
constexpr double kMostErrorNm = 1e12;

// Nodes along an axis, a power of two: so that every node of a higher level is about full.
void plan_nodes(MeshPlan& plan) {
  const VoxelVec size = plan.box_vox.size();
  const auto& nm = plan.resolution_nm;
  const double side_nm = kNodeSide * std::cbrt(nm[0] * nm[1] * nm[2]);
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    const Index cells = size[a] + 1;
    const double sides = static_cast<double>(cells) * nm[i] / side_nm;
    const int power = std::max(0, static_cast<int>(std::lround(std::log2(std::max(1.0, sides)))));
    plan.nodes[a] = Index{1} << power;
    plan.node_cells[i] = ceil_div(cells, plan.nodes[a]);
    plan.nodes[a] = ceil_div(cells, plan.node_cells[i]);
    plan.root_level = std::max(plan.root_level, power);
  }
}

Result<void> take_labels(const MeshOptions& options, MeshPlan& plan) {
  plan.labels = options.labels;
  plan.excluded = options.excluded;
  for (auto* labels : {&plan.labels, &plan.excluded}) {
    std::ranges::sort(*labels);
    labels->erase(std::unique(labels->begin(), labels->end()), labels->end());
    if (!labels->empty() && labels->front() == 0)
      return make_error(ErrorCode::invalid_argument, "IDS: expected labels > 0, found 0, the background");
  }
  for (const std::uint64_t label : plan.labels)
    if (std::ranges::binary_search(plan.excluded, label))
      return make_error(ErrorCode::invalid_argument, "--exclude: expected labels that are not asked for, found {}",
                        label);
  plan.min_voxels = std::max<std::uint64_t>(1, options.min_voxels);
  if (plan.min_voxels > 1 && !plan.labels.empty())
    return make_error(ErrorCode::invalid_argument, "expected either IDS or --min-voxels, found both");
  return {};
}

Result<void> take_format(const MeshOptions& options, MeshPlan& plan) {
  NGFORGE_TRY(const MeshFolderKind kind, mesh_folder_kind(options));
  plan.format = kind.format;
  plan.is_sharded = kind.is_sharded;
  plan.has_colon_suffix = options.has_colon_suffix;
  NGFORGE_CHECK(check_colon_suffix(options, plan.format));
  plan.quantization_bits = options.quantization_bits;
  if (plan.quantization_bits != 10 && plan.quantization_bits != 16)
    return make_error(ErrorCode::invalid_argument, "--quantization-bits: expected 10 or 16, found {}",
                      plan.quantization_bits);
  return {};
}

}  // namespace

GridVec MeshPlan::grid(int level) const {
  GridVec at;
  for (int a = 0; a < 3; ++a) at[a] = ceil_div(nodes[a], Index{1} << level);
  return at;
}

Box MeshPlan::node_voxels(const GridVec& node) const {
  Box box;
  const VoxelVec size = box_vox.size();
  for (int a = 0; a < 3; ++a) {
    const Index cells = node_cells[static_cast<std::size_t>(a)];
    const Index rim = is_open ? 0 : 1;
    box.begin[a] = std::max(node[a] * cells - 1, -rim);
    box.end[a] = std::min((node[a] + 1) * cells, size[a] + rim);
  }
  return box;
}

Box MeshPlan::own_voxels(const GridVec& node) const {
  Box box;
  const VoxelVec size = box_vox.size();
  for (int a = 0; a < 3; ++a) {
    const Index cells = node_cells[static_cast<std::size_t>(a)];
    box.begin[a] = std::max<Index>(node[a] * cells - 1, 0);
    box.end[a] = std::min((node[a] + 1) * cells - 1, size[a]);
  }
  return box;
}

std::array<float, 3> MeshPlan::node_extent(int level) const {
  std::array<float, 3> extent;
  for (std::size_t a = 0; a < 3; ++a) extent[a] = std::ldexp(static_cast<float>(node_cells[a]), level);
  return extent;
}

double MeshPlan::lod_scale_nm(int level) const {
  return std::ldexp(std::max(max_error_nm, *std::ranges::min_element(resolution_nm)), level);
}

double MeshPlan::step_error_nm(int level) const {
  return level == 0 ? max_error_nm : lod_scale_nm(level);
}

double MeshPlan::error_nm(int level) const {
  double error_nm = 0;
  for (int below = 0; below <= level; ++below) error_nm += step_error_nm(below);
  return error_nm;
}

std::array<float, 3> MeshPlan::chunk_shape_nm() const {
  std::array<float, 3> shape;
  for (std::size_t a = 0; a < 3; ++a)
    shape[a] = static_cast<float>(static_cast<double>(node_cells[a]) * resolution_nm[a]);
  return shape;
}

std::array<float, 3> MeshPlan::grid_origin_nm() const {
  std::array<float, 3> origin;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    origin[i] = static_cast<float>((static_cast<double>(box_vox.begin[a]) - 0.5) * resolution_nm[i]);
  }
  return origin;
}

std::array<float, 3> MeshPlan::to_nm(const std::array<float, 3>& position) const {
  std::array<float, 3> nm;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    const double voxels = static_cast<double>(box_vox.begin[a]) - 0.5 + static_cast<double>(position[i]);
    nm[i] = static_cast<float>(voxels * resolution_nm[i]);
  }
  return nm;
}

std::uint64_t MeshPlan::block_bytes(std::uint64_t chunk_bytes) const {
  std::uint64_t voxels = 1, planes = 2;
  for (const Index cells : node_cells) voxels *= static_cast<std::uint64_t>(cells + 1);
  planes *= static_cast<std::uint64_t>((node_cells[0] + 1) * (node_cells[1] + 1));
  // What MarchingCubes takes, and a chunk while it is decoded.
  return voxels * size_of(type) + voxels * 9 / 2 + 48 * planes + 2 * chunk_bytes + (std::uint64_t{4} << 20);
}

Result<MeshPlan> plan_meshes(const VolumeInfo& info, const MeshOptions& options) {
  if (!info.is_segmentation)
    return make_error(ErrorCode::unsupported, "expected a segmentation, found an image")
        .with_hint("convert it with --type segmentation");
  if (info.channels != 1 || !is_integer(info.type) || is_signed(info.type))
    return make_error(ErrorCode::unsupported, "expected one channel of unsigned labels, found {} of {}", info.channels,
                      name_of(info.type));
  MeshPlan plan;
  if (options.scale < 0 || static_cast<std::size_t>(options.scale) >= info.scales.size())
    return make_error(ErrorCode::invalid_argument, "--scale: expected 0 to {}, found {}", info.scales.size() - 1,
                      options.scale);
  plan.scale = static_cast<std::size_t>(options.scale);
  const ScaleInfo& scale = info.scales[plan.scale];
  plan.box_vox = scale.box_vox();
  plan.resolution_nm = scale.resolution_nm;
  plan.type = info.type;
  plan.is_open = options.is_open;
  plan.max_error_nm = options.max_error_nm.value_or(*std::ranges::max_element(plan.resolution_nm));
  if (!(plan.max_error_nm >= 0 && plan.max_error_nm <= kMostErrorNm))
    return make_error(ErrorCode::invalid_argument, "--max-error: expected at most 1 km, found {} nm",
                      plan.max_error_nm);
  NGFORGE_CHECK(take_format(options, plan));
  NGFORGE_CHECK(take_labels(options, plan));
  plan_nodes(plan);
  return plan;
}

}  // namespace ngforge
