// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ngforge/types.h"

namespace ngforge {

/// What a volume file says of its volume.
struct VolumeImage {
  VoxelVec size_vox;   // axes i, j, k of the file
  Index channels = 1;  // the slowest axis, or colours
  DataType type = DataType::uint8;
  bool is_rgb = false;    // uint8 with 3 or 4 channels that mean colours
  bool is_label = false;  // values are labels
  Affine affine_centre_to_mm;
};

/// A row of volume_files.def: a file that is a header and then all values [i, j, k, channel], i fastest.
struct VolumeFileDescriptor {
  const char* name;         // "nifti"
  const char* title;        // for `ngforge formats`
  const char* suffixes;     // ".nii .nii.gz"; what ends in "gz" is deflated as a whole
  bool interleaves_colors;  // colours lie voxel by voxel: [channel, i, j, k]
  bool is_big_endian;
  const char* stored_types;  // for messages: "uint8, int16, int32 and float32"
  /// The type that takes `type` without loss, labels perhaps with a check of each; nothing when none does.
  std::optional<DataType> (*stored_type)(DataType type, bool is_label);
  /// Everything that comes before the values.
  std::vector<std::byte> (*header)(const VolumeImage& image);
};

std::span<const VolumeFileDescriptor* const> all_volume_files();
/// By the suffix of a path, in any case; nullptr when it is none of them.
const VolumeFileDescriptor* find_volume_file(std::string_view path);
/// Whether the suffix says that the file is gzip.
bool is_gzip_file(std::string_view path);

}  // namespace ngforge
