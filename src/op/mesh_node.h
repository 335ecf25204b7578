// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/block.h"
#include "core/mesh.h"
#include "mesh/contour.h"
#include "mesh/label_scan.h"
#include "mesh/marching_cubes.h"
#include "mesh/simplify.h"
#include "ngforge/error.h"
#include "op/mesh_plan.h"

namespace ngforge {

/// Reads the labels of a box of the plan's scale, in voxels of that scale, into a view of the box.
using ReadLabels = std::function<Result<void>(const Box& box_vox, const MutableBlockView& out)>;

/// At most what surfaces, and work on the largest of them, take beside the voxels of their node, by what scan_labels()
/// says of triangles.
std::uint64_t surface_bytes(const LabelScan& scan);

/// Memory for each triangle while a mesh is simplified or encoded.
inline constexpr std::uint64_t kSimplifyBytes = 290;

/// Makes the surfaces of nodes of level 0, one node after the other, and keeps its memory for the next: what
/// MeshPlan::block_bytes() and surface_bytes() say. One object per thread.
class NodeMesher {
 public:
  /// `plan` must outlive the object.
  explicit NodeMesher(const MeshPlan& plan) : plan_(&plan) {}

  /// Reads the voxels of a node. The view's box counts from the volume's corner; what lies outside of the volume is
  /// zero. Valid until the next call. Errors: those of `read`.
  Result<BlockView> read(const GridVec& node, const ReadLabels& read);
  /// The surfaces of the node that was read: of `wanted` labels (ascending), or of all. Valid until the next read().
  std::span<const LabelSurface> extract(std::optional<std::span<const std::uint64_t>> wanted);
  /// One of them, simplified as the plan wants it, in voxels from the node's corner. The caller may change it; valid
  /// until the next call.
  Mesh& simplified(const LabelSurface& surface);

  /// For other meshes, between the calls above.
  Simplifier& simplifier() { return *simplifier_; }

 private:
  const MeshPlan* plan_;
  std::unique_ptr<MarchingCubes> cubes_ = std::make_unique<MarchingCubes>();
  std::unique_ptr<Simplifier> simplifier_ = std::make_unique<Simplifier>();
  Contours contours_;
  Buffer voxels_;
  BlockView block_;
  std::array<float, 3> offset_{};  // of the block's first voxel from the node's corner
  Mesh mesh_;
};

/// Simplification may place a vertex a little beyond a face of its node, where another node begins: moves it back.
void keep_inside(Mesh& mesh, const std::array<float, 3>& extent);

}  // namespace ngforge
