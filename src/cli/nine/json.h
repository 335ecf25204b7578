// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge::cli::nine {

using Json = nlohmann::json;  // members are written in the order of their names

// Reading what a user may have edited. Errors: invalid_data with `where`, the member, what was expected and found.
Result<Json> parse(std::string_view text, std::string_view where);
Result<const Json*> member(const Json& object, const char* name, std::string_view where);
Result<std::string> text_member(const Json& object, const char* name, std::string_view where);
/// A whole number from `low` on.
Result<Index> integer_member(const Json& object, const char* name, Index low, std::string_view where);
/// Three whole numbers from `low` on.
Result<std::array<Index, 3>> integers_member(const Json& object, const char* name, Index low, std::string_view where);
/// Three numbers above zero.
Result<std::array<double, 3>> lengths_member(const Json& object, const char* name, std::string_view where);
/// The member `scales`: at least `least` objects.
Result<const Json*> scales_member(const Json& info, std::size_t least, std::string_view where);

}  // namespace ngforge::cli::nine
