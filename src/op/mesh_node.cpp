// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_node.h"

#include <algorithm>
#include <cstring>

namespace ngforge {
namespace {

// Marching cubes: most bytes of surfaces for each pair of different neighbours, and of what becomes of them.
constexpr std::uint64_t kCrossingBytes = 160;

}  // namespace

std::uint64_t surface_bytes(const LabelScan& scan) {
  const std::uint64_t largest = std::min(3 * scan.most_crossings, 16 * scan.most_voxels);
  return scan.crossings * kCrossingBytes + largest * kSimplifyBytes;
}

Result<BlockView> NodeMesher::read(const GridVec& node, const ReadLabels& read) {
  const Box box = plan_->node_voxels(node);
  const std::size_t bytes = static_cast<std::size_t>(box.volume()) * size_of(plan_->type);
  ensure(voxels_, bytes);
  const VoxelVec corner = plan_->box_vox.begin;
  const MutableBlockView view = dense_view(voxels_.data(), plan_->type, Box{box.begin + corner, box.end + corner}, 1);
  const Box inside = view.box.intersect(plan_->box_vox);
  if (inside != view.box) std::memset(view.data, 0, bytes);
  NGFORGE_CHECK(read(inside, view.crop(inside)));
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    offset_[i] = static_cast<float>(box.begin[a] - (node[a] * plan_->node_cells[i] - 1));
  }
  block_ = view;
  block_.box = box;
  return block_;
}

std::span<const LabelSurface> NodeMesher::extract(std::optional<std::span<const std::uint64_t>> wanted) {
  return cubes_->extract(block_, wanted);
}

Mesh& NodeMesher::simplified(const LabelSurface& surface) {
  mesh_.positions.assign(surface.positions.begin(), surface.positions.end());
  mesh_.triangles.assign(surface.triangles.begin(), surface.triangles.end());
  if (offset_ != std::array<float, 3>{})
    for (auto& position : mesh_.positions)
      for (std::size_t a = 0; a < 3; ++a) position[a] += offset_[a];
  if (plan_->max_error_nm <= 0) return mesh_;
  const auto extent = plan_->node_extent(0);
  straighten_contours(mesh_, {{0, 0, 0}, extent}, plan_->resolution_nm, plan_->max_error_nm, contours_);
  simplifier_->simplify(mesh_, contours_, {plan_->resolution_nm, plan_->max_error_nm, 0});
  keep_inside(mesh_, extent);
  return mesh_;
}

void keep_inside(Mesh& mesh, const std::array<float, 3>& extent) {
  for (auto& position : mesh.positions)
    for (std::size_t a = 0; a < 3; ++a) position[a] = std::clamp(position[a], 0.0f, extent[a]);
}

}  // namespace ngforge
