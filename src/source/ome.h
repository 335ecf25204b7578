// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "ngforge/error.h"
#include "source/array_source.h"

// Attributes of Zarr groups and arrays that place them in space. Include in .cpp files only.
namespace ngforge {

struct OmeLevel {
  std::string path;  // folder of the array, below the group; a valid key
  ArrayGeometry geometry;
};

/// The first image of `multiscales` (NGFF).
struct OmeImage {
  std::string version;  // "0.4", "0.5"
  std::vector<std::string> axis_names;
  std::vector<OmeLevel> levels;  // the finest first; at least one
  bool is_label = false;
  bool is_anatomical = false;  // its axes have a unit of length and an anatomical direction each (NGFF's RFC 4)
  /// From where the transformations lead to the world (RAS+, mm): the attribute ngforge.transform (layout/ome_zarr.h),
  /// else what the directions say.
  std::optional<Affine> placed_to_world_mm;
};

/// Parses the attributes of a group (.zattrs, or `attributes` of zarr.json). Nothing when they speak of no image.
/// Versions 0.1 to 0.3 are read too; what they do not say is not known. Errors: invalid_data, unsupported (another kind
/// of transformation).
Result<std::optional<OmeImage>> parse_ome(const std::string& attributes, std::string_view where);

/// The lengths in the attribute `dimension_units` ("4 nm", "um"), one for each axis where there is one.
std::vector<std::optional<double>> parse_dimension_units(const Json& attributes, std::size_t rank);

}  // namespace ngforge
