// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// Base64 with padding, in one line (RFC 4648, section 4).
std::string base64_encoded(std::span<const std::byte> bytes);
/// The bytes of Base64 text; white space between its characters is skipped, padding may be missing, and after padding a
/// new group may begin. Errors: invalid_data (another character, a group of one character), beginning with `where`.
Result<std::vector<std::byte>> base64_decoded(std::string_view text, std::string_view where);

}  // namespace ngforge
