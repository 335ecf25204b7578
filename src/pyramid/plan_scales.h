// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"
#include "pyramid/downsample.h"

namespace ngforge {

/// One scale as planned, before any encoding.
struct ScaleGeometry {
  std::string key;  // "<rx>_<ry>_<rz>" of resolution_nm; unique, as every step enlarges some axis
  Box box_vox;      // voxel_offset .. voxel_offset + size of this scale
  std::array<double, 3> resolution_nm{};
  std::array<Index, 3> chunk_size_xyz{};
  Factor factor{1, 1, 1};  // from the scale before; 1,1,1 for the first
};

struct ScaleRequest {
  Box box_vox;  // full resolution
  std::array<double, 3> resolution_nm{};
  DataType type = DataType::uint8;
  Index channels = 1;
  std::optional<std::array<Index, 3>> chunk_size_xyz;  // all scales; default by the rule of COMMANDS.md, per scale
  std::vector<Factor> factors;                         // empty: auto; else one per step, the last one repeats
  std::optional<int> scales;  // how many; default: until one chunk holds the volume or no axis is longer than its chunk
};

/// One scale: its key, and its chunk as the request asks or by the rule.
ScaleGeometry make_scale(const ScaleRequest& request, const Box& box_vox, const std::array<double, 3>& resolution_nm,
                         const Factor& factor);

/// Plans all scales, finest first (COMMANDS.md: --factor, --scales, --chunk-size; "Downsampling, defined").
/// Stops before a step that would leave the volume as it is, even when more scales were asked for.
/// Errors: invalid_argument (scales < 1, factor outside 1..64 or all ones, voxel size not positive, chunk size < 1).
Result<std::vector<ScaleGeometry>> plan_scales(const ScaleRequest& request);

/// The default chunk: powers of two, product 64^3 (less when x*y*z*channels*bytes would pass 4 MiB), sides 32..128,
/// least elongated in nm; ties: larger x, then larger y. Sides go below 32 only where 32^3 voxels would pass 4 MiB.
std::array<Index, 3> default_chunk_size(const std::array<double, 3>& resolution_nm, DataType type, Index channels);

/// The factor that halves the axes which make voxels most isotropic (longest over shortest side, over axes longer than
/// one voxel); ties to more axes, so cubes are halved in all three. Never an axis of a single voxel: 1,1,1 when there
/// is no other.
Factor automatic_factor(const std::array<double, 3>& resolution_nm, const VoxelVec& size_vox);

/// A length in nm in its shortest round-trip decimal form, as used in keys and `info`: 1000000, 0.5.
std::string shortest_number(double value);

}  // namespace ngforge
