// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// neuroglancer_uint64_sharded_v1 parameters (spec 2.1). Bits: each 0..64, minishard_bits + shard_bits <= 64.
struct ShardingSpec {
  int preshift_bits = 0;
  bool is_murmur = false;  // murmurhash3_x86_128, else identity
  int minishard_bits = 0;
  int shard_bits = 0;
  bool gzip_index = false;
  bool gzip_data = false;
  friend bool operator==(const ShardingSpec&, const ShardingSpec&) = default;
};

/// One member of `scales`.
struct ScaleInfo {
  std::string key;
  std::array<Index, 3> size_xyz{};
  std::array<Index, 3> voxel_offset{};
  std::array<double, 3> resolution_nm{};
  std::vector<std::array<Index, 3>> chunk_sizes;
  std::string encoding = "raw";
  std::array<Index, 3> block_size_xyz{8, 8, 8};  // compressed_segmentation only
  std::optional<ShardingSpec> sharding;

  Box box_vox() const {
    return {{voxel_offset[0], voxel_offset[1], voxel_offset[2]},
            {voxel_offset[0] + size_xyz[0], voxel_offset[1] + size_xyz[1], voxel_offset[2] + size_xyz[2]}};
  }
  const std::array<Index, 3>& chunk_size() const { return chunk_sizes.front(); }
  /// ceil(size / chunk_size) (spec 1.2).
  GridVec grid_shape() const;
  /// Voxels of one cell, cut at the upper edges.
  Box chunk_box(const GridVec& cell) const;
};

/// The `info` of a volume (spec 1.1).
struct VolumeInfo {
  bool is_segmentation = false;
  DataType type = DataType::uint8;
  Index channels = 1;
  std::vector<ScaleInfo> scales;
  std::string mesh, skeletons, segment_properties;  // "" when absent
};

/// Parses and checks an `info` (enum strings in any case, integers as spec 0.1 tolerates). `where` begins messages.
/// Errors: invalid_data naming the JSON path, what was expected and found; unsupported (another @type, unknown
/// encoding).
Result<VolumeInfo> parse_volume_info(std::string_view json, std::string_view where);
/// Writes `info`: fixed member order, indent 1, shortest numbers, newline at the end.
std::string write_volume_info(const VolumeInfo& info);

/// "x0-x1_y0-y1_z0-z1" (spec 1.2).
std::string chunk_name(const Box& box_vox);
/// "x0-x1/y0-y1/z0-z1", the deep layout of neuroglancer-scripts.
std::string deep_chunk_name(const Box& box_vox);
/// The box of a flat chunk name (negative numbers allowed), or nothing.
std::optional<Box> parse_chunk_name(std::string_view name);

/// How chunks become objects.
enum class Layout : std::uint8_t { sharded, flat, deep };
std::string_view name_of(Layout layout);

}  // namespace ngforge
