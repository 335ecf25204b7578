// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>

#include "ngforge/types.h"

namespace ngforge {

/// a after b.
Affine multiply(const Affine& a, const Affine& b);
/// Nothing when the 3x3 part is singular or not finite.
std::optional<Affine> inverse(const Affine& affine);
/// The image of a point. (Not `apply`: overload resolution would prefer std::apply for an array.)
std::array<double, 3> transform_point(const Affine& affine, const std::array<double, 3>& point);
/// Lengths of the three direction columns: the voxel size when the affine maps voxel indices.
std::array<double, 3> column_lengths(const Affine& affine);

/// T of transform.json (COMMANDS.md, "Geometry, said once"): corner coordinates times resolution_nm to world nm.
/// Columns are directions without voxel size; translation in nm with the half voxel, so that T x [(i+.5, j+.5, k+.5) *
/// resolution_nm, 1] = 1e6 x affine_centre_to_mm x [i, j, k, 1].
Affine corner_nm_transform(const Affine& affine_centre_to_mm, const std::array<double, 3>& resolution_nm);
/// The inverse of corner_nm_transform: voxel-centre indices to mm.
Affine centre_mm_affine(const Affine& corner_nm_to_world_nm, const std::array<double, 3>& resolution_nm);

}  // namespace ngforge
