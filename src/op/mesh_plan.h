// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "layout/mesh_info.h"
#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/types.h"

namespace ngforge {

/// Everything about meshes that is decided before the first voxel is read.
///
/// The surface lies in cells, the cubes between eight voxel centres; cell (0, 0, 0) has the centre of voxel (-1, -1,
/// -1) of the volume as its lower corner, since what is outside counts as background. A node of level 0 is a box of
/// cells; one of level k + 1 is eight of level k, down to single nodes, which go on doubling.
struct MeshPlan {
  std::size_t scale = 0;
  Box box_vox;  // of the scale
  std::array<double, 3> resolution_nm{};
  DataType type = DataType::uint32;
  bool is_open = false;  // at the border of the volume
  MeshFormat format = MeshFormat::multires;
  bool is_sharded = true, has_colon_suffix = true;
  int quantization_bits = 16;
  double max_error_nm = 0;
  std::vector<std::uint64_t> labels, excluded;  // ascending; `labels` empty: all
  std::uint64_t min_voxels = 1;

  std::array<Index, 3> node_cells{};  // of level 0
  GridVec nodes;                      // of level 0; powers of two
  int root_level = 0;                 // the first with a single node

  /// Nodes of a level.
  GridVec grid(int level) const;
  /// Voxels whose centres are corners of cells of a node of level 0, counted from the volume's corner: from -1 to its
  /// size, of those that exist if the border is open.
  Box node_voxels(const GridVec& node) const;
  /// The part of them that no other node of level 0 has, inside of the volume.
  Box own_voxels(const GridVec& node) const;
  /// Side of a node in level-0 voxels; and from its corner, the half.
  std::array<float, 3> node_extent(int level) const;
  /// How far simplification may move the surface of the level below (of level 0: that of marching cubes).
  double step_error_nm(int level) const;
  /// How far a level may be from marching cubes: all steps together.
  double error_nm(int level) const;
  /// The scale that a viewer is told, about the resolution of a level.
  double lod_scale_nm(int level) const;
  std::array<float, 3> chunk_shape_nm() const;
  std::array<float, 3> grid_origin_nm() const;
  /// nm in the dataset's frame of a position in voxels from the corner of node (0, 0, 0), the centre of voxel (-1, -1,
  /// -1).
  std::array<float, 3> to_nm(const std::array<float, 3>& position) const;
  /// Memory for the voxels of a node while they are read and meshed, beside the surfaces.
  std::uint64_t block_bytes(std::uint64_t chunk_bytes) const;
};

/// Errors: invalid_argument (an option's value), unsupported (not labels).
Result<MeshPlan> plan_meshes(const VolumeInfo& info, const MeshOptions& options);

}  // namespace ngforge
