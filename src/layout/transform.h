// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// transform.json beside `info`: a nested 4x4 matrix, corner coordinates in nm to world nm (COMMANDS.md, "Geometry,
/// said once").
std::string write_transform(const Affine& corner_nm_to_world_nm);
/// Errors: invalid_data (not 4x4 numbers, last row other than 0 0 0 1, singular).
Result<Affine> parse_transform(std::string_view json, std::string_view where);

}  // namespace ngforge
