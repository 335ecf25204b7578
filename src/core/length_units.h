// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace ngforge {

/// Millimetres in a unit of length as UDUNITS, OME, ImageJ and people spell it ("micrometer", "µm", "micron", "inch");
/// nothing for what is none ("pixel").
std::optional<double> millimetres_of(std::string_view unit);

}  // namespace ngforge
