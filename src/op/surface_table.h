// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// A line of a table of surfaces.
struct SurfaceRow {
  std::uint64_t label = 0;
  std::vector<std::string> names;  // of files or fragments, at least one
  std::size_t line = 0;            // from 1
};

/// Reads lines "label, name, name ..." (as link-mesh-fragments of neuroglancer-scripts takes them): cells between
/// commas or tabs, spaces around them dropped, perhaps in double quotes. A first line without a number is a header;
/// empty lines and empty cells at the end are passed over. Errors: invalid_data (with the line: no label, no name, a
/// label that stands twice).
Result<std::vector<SurfaceRow>> parse_surface_table(std::string_view text, std::string_view where);

}  // namespace ngforge
