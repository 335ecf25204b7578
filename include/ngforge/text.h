// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ngforge {

/// ASCII letters in lower case; other bytes as they are.
std::string lower_case(std::string_view text);
/// Whether a name has a suffix, and something before it.
bool ends_with_any_case(std::string_view name, std::string_view suffix);

/// "1.5 MiB".
std::string bytes_text(std::uint64_t bytes);
/// A length in the largest of nm, um and mm that suits it: "40 nm".
std::string length_text(double length_nm);
/// Lengths along x, y and z in the largest of nm, um and mm that suits the least of them: "8 x 8 x 40 nm".
std::string lengths_text(const std::array<double, 3>& lengths_nm);

/// A path as it stands in a URL: all but letters, digits and "-._~/" as %XX.
std::string percent_encoded(std::string_view path);
/// The bytes that a percent-encoded text means; nothing when an escape is not one.
std::optional<std::string> percent_decoded(std::string_view text);
/// 0 to 15, or -1.
int hex_value(char digit);

}  // namespace ngforge
