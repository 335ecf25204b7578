// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "ngforge/error.h"

namespace ngforge::cli::nine {

/// Three significant characters with a binary prefix: "512 ", "9.3 Gi", to be followed by a unit.
std::string readable_count(std::uint64_t count);
/// "1,234,567".
std::string with_commas(std::uint64_t count);
/// The shortest decimal that means this number, as Python and JSON write floats: "1.0", "1e-05", "1e+16".
std::string float_text(double value);

/// A length in the coarsest unit of km, m, mm, um, nm and pm that tells it from its double, which all keys of a pyramid
/// share. Errors: invalid_data (a length that is not positive, or below a picometre).
Result<std::string> unit_for_keys(double resolution_nm);
/// "1mm", "20um": rounded to a whole number of the unit, half to even.
std::string length_text(double length_nm, const std::string& unit);

}  // namespace ngforge::cli::nine
