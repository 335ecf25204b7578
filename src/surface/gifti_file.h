// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <pugixml.hpp>

#include "surface/surface.h"

// Include in .cpp files only.
namespace ngforge {

/// Parses a GIfTI file. Errors: invalid_data (no XML, with the byte; no GIFTI element).
Result<void> parse_gifti(const SurfaceInput& input, pugi::xml_document& document);
/// The first data array of an intent ("NIFTI_INTENT_POINTSET"); an empty node when there is none.
pugi::xml_node find_gifti_array(const pugi::xml_document& document, std::string_view intent);
/// The number of an array along a dimension, 1 where it has none.
Result<std::uint64_t> gifti_dimension(pugi::xml_node array, std::size_t dimension, const SurfaceInput& input);

/// The values of an array, row by row. Errors: invalid_data, unsupported (complex numbers and other types).
Result<std::vector<float>> read_gifti_reals(pugi::xml_node array, const SurfaceInput& input);
/// The same for whole numbers; other types are invalid_data.
Result<std::vector<std::int64_t>> read_gifti_wholes(pugi::xml_node array, const SurfaceInput& input);

}  // namespace ngforge
