// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/block.h"
#include "core/mesh.h"

namespace ngforge {

/// The surface of one label of a block, open where it leaves the block. Positions are in voxels from the centre of the
/// block's first voxel, multiples of 1/2 (exact): each lies midway between two neighbouring voxels of which one holds
/// the label. Triangles are counter-clockwise seen from outside. Every vertex belongs to a triangle.
struct LabelSurface {
  std::uint64_t label = 0;
  std::span<const std::array<float, 3>> positions;
  std::span<const std::array<std::uint32_t, 3>> triangles;
};

/// Marching cubes over all labels of a block at once, as marching_cubes_table.h defines the cases: labels are
/// 18-connected, their surfaces 2-manifolds. 0 is no label. Blocks that share a plane of voxels have the same contour
/// in it, with the same vertices: joined by weld() they make the surface of their union.
///
/// An object keeps its memory for the next block: 4.5 bytes for each voxel, 48 for each of two planes, 8 for each label
/// in each cube that holds several, and the result. One object per thread.
class MarchingCubes {
 public:
  MarchingCubes();
  ~MarchingCubes();
  MarchingCubes(const MarchingCubes&) = delete;
  MarchingCubes& operator=(const MarchingCubes&) = delete;

  /// The surfaces of all labels in the cubes between the voxels of `block`, of those in `wanted` (ascending) if it is
  /// given. `block`: one channel of unsigned integers, sides below 2^20, at most 2^30 voxels. A side that shall be
  /// closed needs a plane of zeros. In ascending order of labels; labels without a surface are left out. Vertices are
  /// in the order of the voxel at the lower end of their edge: z, y, axis of the edge, x. Triangles are in the order of
  /// their cube: z, y, x. Valid until the next call. Throws std::bad_alloc.
  std::span<const LabelSurface> extract(const BlockView& block,
                                        std::optional<std::span<const std::uint64_t>> wanted = std::nullopt);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

/// What MarchingCubes gives for one label, made voxel by voxel: for tests.
Mesh marching_cubes_reference(const BlockView& block, std::uint64_t label);

}  // namespace ngforge
