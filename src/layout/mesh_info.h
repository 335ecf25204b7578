// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layout/volume_info.h"
#include "ngforge/error.h"

namespace ngforge {

enum class MeshFormat : std::uint8_t { multires, legacy };

/// The `info` of a folder of meshes (spec 3). What is between `format` and `segment_properties` belongs to multires.
struct MeshInfo {
  MeshFormat format = MeshFormat::multires;
  int vertex_quantization_bits = 16;  // 10 or 16
  /// Stored positions to nm: three rows of four.
  std::array<double, 12> transform{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
  double lod_scale_multiplier = 1;
  std::optional<ShardingSpec> sharding;
  std::string segment_properties;  // "" when absent
  /// The scale that was meshed, by its number: igneous and cloud-volume want it, the viewer does not look.
  std::optional<Index> mip;
  friend bool operator==(const MeshInfo&, const MeshInfo&) = default;
};

/// Parses and checks an `info`. `where` begins messages. Errors: invalid_data naming the JSON path; unsupported
/// (another @type, other quantisation bits than the viewer takes).
Result<MeshInfo> parse_mesh_info(std::string_view json, std::string_view where);
/// Writes `info`: fixed member order, indent 1, shortest numbers, newline at the end.
std::string write_mesh_info(const MeshInfo& info);

}  // namespace ngforge
