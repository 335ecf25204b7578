// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/orientation.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "pyramid/plan_scales.h"
#include "source/source.h"

// The resolutions that a source has of its own (--scales keep).
namespace ngforge {

/// A source, the finest level first; with --scales keep all of its levels, else that one alone.
using SourceLevels = std::vector<std::unique_ptr<VolumeSource>>;

/// Errors: those of VolumeSource::open_level; limit (more than 64 levels). They have concerns_source.
Result<SourceLevels> open_levels(std::unique_ptr<VolumeSource> source, const VolumeOptions& options);
std::vector<VolumeHeader> headers_of(const SourceLevels& levels);

/// A level of the source that is a scale of the result.
struct KeptLevel {
  SourceVec size_ijk;       // of the whole level
  VoxelVec origin_vox;      // output voxel of the level's corner, in voxels of this scale
  std::string fingerprint;  // of the level's header
};

struct KeptScales {
  std::vector<ScaleGeometry> scales;  // finest first
  std::vector<KeptLevel> levels;      // of each scale
  std::vector<std::string> notices;
};

/// Plans one scale for each level. `axis_map` and `origin_vox` are those of the finest, `request.box_vox` is what is
/// kept of it; factors and number of scales are not looked at.
///
/// Each level is made with whole factors. A voxel is as many times as long, or as the quotient of the sizes says where
/// the level's affine does: 511 voxels that became 255 are then 511 / 255 voxels long, so that both levels end at the
/// same place. Scales are placed as their levels are, within half a voxel of the finest.
///
/// A level's place is that of its affine. Where all levels have the same first voxel centre (writers that say no
/// translation) the same corner is meant, which a notice says.
/// Errors, each with the level: unsupported (no whole factor, or none that is a multiple of that of the level before;
/// another direction; a corner between voxels of its own grid), invalid_argument (a crop that cuts voxels of
/// the level, or leaves none of them).
Result<KeptScales> plan_kept_scales(std::span<const VolumeHeader> levels, const AxisMap& axis_map,
                                    const VoxelVec& origin_vox, const ScaleRequest& request);

}  // namespace ngforge
