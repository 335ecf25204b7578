// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_scratch.h"

#include <algorithm>

#include "core/block.h"
#include "mesh/label_scan.h"

namespace ngforge {
namespace {

// Nodes that are looked at: the same for all volumes that have more.
constexpr Index kMostNodes = 8;
// For each pair of different voxels there are about two vertices and four triangles, as they lie in scratch; and what
// their fragments in Draco and coarser levels add. Measured on labels of neurites, where touching voxels abound.
constexpr double kLegacyBytes = 72, kMultiresBytes = 100;

}  // namespace

Result<std::uint64_t> estimate_mesh_scratch(const PrecomputedVolume& volume, const MeshPlan& plan,
                                            const std::stop_token& stop) {
  const Index nodes = plan.nodes.product(), looks = std::min(nodes, kMostNodes);
  double crossings = 0, voxels = 0;
  Buffer values;
  LabelScan scan;
  for (Index look = 0; look < looks; ++look) {
    if (stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    const Index number = (2 * look + 1) * nodes / (2 * looks), row = number / plan.nodes.x;
    const Box own = plan.own_voxels({number % plan.nodes.x, row % plan.nodes.y, row / plan.nodes.y});
    if (own.volume() == 0) continue;
    ensure(values, static_cast<std::size_t>(own.volume()) * size_of(plan.type));
    const VoxelVec corner = plan.box_vox.begin;
    const MutableBlockView view = dense_view(values.data(), plan.type, {own.begin + corner, own.end + corner}, 1);
    NGFORGE_CHECK(volume.read(plan.scale, view.box, view));
    scan_labels(view, view.box, scan);
    crossings += static_cast<double>(scan.crossings);
    voxels += static_cast<double>(own.volume());
  }
  const double bytes = plan.format == MeshFormat::legacy ? kLegacyBytes : kMultiresBytes;
  double all = voxels > 0 ? crossings / voxels * static_cast<double>(plan.box_vox.volume()) : 0;
  const VoxelVec size = plan.box_vox.size();
  // At the border of the volume surfaces are closed.
  if (!plan.is_open) all += 2.0 * static_cast<double>(size.x * size.y + size.y * size.z + size.z * size.x);
  return static_cast<std::uint64_t>(all * bytes);
}

}  // namespace ngforge
