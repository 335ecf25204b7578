// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// How output axes come from the axes of a stored volume.
struct AxisMap {
  std::array<int, 3> source_axis{0, 1, 2};            // output axis a runs along stored axis source_axis[a] ...
  std::array<bool, 3> reversed{false, false, false};  // ... from its end to its start
  friend bool operator==(const AxisMap&, const AxisMap&) = default;
};

/// The axis map that brings a volume with this voxel-to-world affine to the orientation `code`: three letters, one of
/// each of R|L, A|P, S|I (48 codes; the direction that each output axis points to). "RAS" equals nibabel's
/// as_closest_canonical (nibabel.orientations.io_orientation: polar decomposition, then the best fitting axis in turn).
/// Errors: invalid_argument (not such a code).
Result<AxisMap> orient(const Affine& affine_ijk_to_mm, std::string_view code);
/// The letters that the stored axes i, j, k point to, for `info`: "LPS".
std::string axis_codes(const Affine& affine_ijk_to_mm);

VoxelVec reordered_size(const SourceVec& size_ijk, const AxisMap& map);
/// The same world, seen from the output's voxel-centre indices.
Affine reordered_affine(const Affine& affine_ijk_to_mm, const SourceVec& size_ijk, const AxisMap& map);
/// Output voxels (0-based, no voxel_offset) of a stored box, and back.
Box to_output(const SourceBox& box_ijk, const SourceVec& size_ijk, const AxisMap& map);
SourceBox to_source(const Box& box_vox, const SourceVec& size_ijk, const AxisMap& map);

/// Copies dense stored values [i, j, k, channel] of `box_ijk` to their place in `to`, whose box is in 0-based output
/// voxels. Voxels outside `to.box` are left out. Channels: `channels` of `from` go to the same numbers in `to`.
void copy_reordered(std::span<const std::byte> from, const SourceBox& box_ijk, ChannelRange channels,
                    const SourceVec& size_ijk, const AxisMap& map, const MutableBlockView& to);

}  // namespace ngforge
