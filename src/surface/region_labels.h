// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "surface/surface.h"

namespace ngforge {

/// What a file calls a region.
struct RegionName {
  std::int64_t number = 0;
  std::string name;
  std::array<std::uint8_t, 3> rgb{};
};

/// The region of each vertex of a surface.
struct RegionLabels {
  static constexpr std::int64_t kNone = -1;
  std::vector<std::int64_t> of_vertex;  // kNone: of no region
  std::vector<RegionName> names;        // in the order of the file
};

/// Reads a GIfTI label file (.label.gii: the first NIFTI_INTENT_LABEL array and the LabelTable) or a FreeSurfer
/// annotation (.annot, with either kind of colour table; regions are numbered as in it). Errors: invalid_data,
/// unsupported; all have concerns_source.
Result<RegionLabels> read_region_labels(const SurfaceInput& input);
/// Whether bytes begin as one of these files: as GIfTI, or with as many vertices as the file has room for.
bool looks_like_region_labels(std::span<const std::byte> bytes);

}  // namespace ngforge
