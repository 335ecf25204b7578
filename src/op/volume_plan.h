// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "compress/compressor.h"
#include "core/orientation.h"
#include "core/value_map.h"
#include "layout/ome_zarr.h"
#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/source_levels.h"
#include "pyramid/downsample.h"
#include "pyramid/plan_scales.h"
#include "source/source.h"

namespace ngforge {

/// What a volume can become; a file of one (sink/volume_file.h) has no scales and may have types that datasets have
/// not.
enum class DatasetKind : std::uint8_t { precomputed, ome_zarr, file };

/// Everything that is decided before the first voxel is read. `convert` and the live view use the same plan, so that
/// both show the same voxels.
struct VolumePlan {
  SourceVec size_ijk;                  // of the whole source
  AxisMap axis_map;                    // source axes to output axes
  std::vector<Index> source_channels;  // output channel c is source channel source_channels[c]
  ValueMap values;

  bool is_segmentation = false;
  bool is_rgb = false;  // channels mean colours
  DataType type = DataType::uint8;
  Index channels = 1;
  /// Output voxel of the source's corner: output coordinate = origin_vox + 0-based reordered coordinate.
  VoxelVec origin_vox;
  std::vector<ScaleGeometry> scales;   // finest first; scales[0].box_vox is what is kept after a crop
  std::vector<KeptLevel> kept_levels;  // of each scale that is a level of the source (--scales keep); else empty

  Downsampling method = Downsampling::average;
  Outside outside;
  const CodecDescriptor* codec = nullptr;
  CodecOptions codec_options;
  Layout layout = Layout::sharded;
  const CompressorDescriptor* compressor = nullptr;  // of encoded chunks; nullptr: none
  int level = 0;
  bool keep_empty = false;
  std::uint64_t index_bytes = 0;  // VolumeHeader::index_bytes, the most of all levels

  /// transform.json: corner coordinates times resolution_nm of scale 0 to world nm. Nothing when the source has no
  /// world.
  std::optional<Affine> transform_nm;
  VolumeInfo info;  // also of what is no precomputed volume: sizes, chunks and keys of its scales
  /// What an OME-Zarr image is beside; nothing for a precomputed volume. Chunks are then padded to their full shape.
  std::optional<OmeZarr> ome_zarr;
  std::vector<std::string> notices;  // choices that a user should see

  /// The 0-based reordered box (the space of to_source) of output voxels, and back.
  Box to_reordered(const Box& box_vox) const { return {box_vox.begin - origin_vox, box_vox.end - origin_vox}; }
  Box from_reordered(const Box& box) const { return {box.begin + origin_vox, box.end + origin_vox}; }
};

/// Plans a volume from its header and the options (COMMANDS.md: options of convert, "Geometry, said once").
/// Errors: needs_decision (names the option that decides), invalid_argument (an option's value), unsupported.
Result<VolumePlan> plan_volume(const VolumeHeader& header, const VolumeOptions& options,
                               DatasetKind kind = DatasetKind::precomputed);
/// The same with the headers of all levels, as --scales keep needs them; the finest first.
Result<VolumePlan> plan_volume(std::span<const VolumeHeader> levels, const VolumeOptions& options,
                               DatasetKind kind = DatasetKind::precomputed);

/// Of a plan with kept levels: how one of them becomes a scale, as if it were a volume of that scale alone.
VolumePlan plan_of_level(const VolumePlan& plan, std::size_t level);

/// The error for a value that the plan has no place for, with its voxel and the option that decides. `index` counts
/// dense values of `box_ijk` x channels.
Error bad_value_error(const VolumePlan& plan, const BadValue& bad, const SourceBox& box_ijk);

}  // namespace ngforge
