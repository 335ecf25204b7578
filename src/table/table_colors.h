// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ngforge {

/// "#rrggbb" of a cell: #rrggbb, #rrggbbaa (without its alpha), #rgb, with or without '#', or red, green and blue from
/// 0 to 255 between commas or spaces, perhaps in brackets. Nothing for all else.
std::optional<std::string> parse_color(std::string_view text);

}  // namespace ngforge
