// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "array/array_reader.h"
#include "source/source.h"

// What the sources of arrays (Zarr, N5) share.
namespace ngforge {

/// Which axes of an array are those of a volume.
struct VolumeAxes {
  std::array<std::optional<std::size_t>, 3> ijk;  // x, y, z; nothing: one voxel thick
  std::optional<std::size_t> time;
  std::vector<std::size_t> channels;  // all others, fastest first
};

/// Finds x, y, z, time and channels by the names of the axes (any case), one for each axis. Without names for space the
/// last three axes are z, y, x.
VolumeAxes find_axes(const std::vector<std::string>& names, std::size_t rank);

/// Where an array lies in space, one number per axis of the array. Without a voxel size the lengths are voxels of the
/// finest level instead, so that levels can be compared.
struct ArrayGeometry {
  std::vector<double> scale_mm, first_centre_mm;  // centre of the first voxel
  bool has_voxel_size = false;
};

/// A header for the array: sizes, channels, type, affine and chunks; texts and `known_type` are left to the caller.
VolumeHeader make_array_header(const ArrayMetadata& array, const VolumeAxes& axes, const ArrayGeometry& geometry);

/// Reads coarser level `level` >= 1.
using LevelOpener = std::function<Result<std::unique_ptr<VolumeSource>>(std::size_t level)>;

/// A volume that is an array. `level_count` and `open_level`: as those of VolumeSource; what is opened is compared with
/// the header.
std::unique_ptr<VolumeSource> make_array_source(std::shared_ptr<const ArrayReader> reader, const VolumeAxes& axes,
                                                VolumeHeader header, std::size_t level_count, LevelOpener open_level);

/// A text file of a dataset, or nothing. Errors: those of the store but not_found; limit.
Result<std::optional<std::string>> read_text(Store& store, const std::string& key);
/// A place without '/' at its end.
std::string without_slash(std::string place);

}  // namespace ngforge
