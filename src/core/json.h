// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "ngforge/error.h"
#include "ngforge/types.h"

// Include in .cpp files only: the library's header is slow to compile.
namespace ngforge {

using Json = nlohmann::ordered_json;

/// Parses text from outside. Errors: invalid_data with the byte; limit (nested deeper than 100 levels).
Result<Json> parse_json(std::string_view text, std::string_view where);
/// Dumps with the given indent; numbers in shortest round-trip form, integral doubles without ".0", keys in insertion
/// order, invalid UTF-8 replaced, newline at the end unless indent < 0.
std::string dump_json(const Json& json, int indent = 1);

// Checked access: a value of the wrong kind or range is an error that names its path ("scales[2].size[0]").
Result<Index> json_integer(const Json& value, std::string_view path, Index low, Index high);
Result<double> json_number(const Json& value, std::string_view path);
Result<std::string> json_string(const Json& value, std::string_view path);

}  // namespace ngforge
