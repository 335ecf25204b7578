// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace ngforge {

/// A number as a table has it.
struct TableNumber {
  double value = 0;         // the nearest double
  bool is_integer = false;  // and `value` is exactly it
  bool fits_float = false;  // float32 gives it back: as the same decimal number, or as the same double
  bool is_finite = true;    // false: beyond float32
};

/// Reads digits with a sign, a point and an exponent; nothing for all else, also for codes such as 007, which lose
/// their zeros as numbers.
std::optional<TableNumber> parse_table_number(std::string_view text);

/// Whether a cell says that there is no value: nothing, n/a, NA, NaN, null, none; in any case.
bool is_missing_value(std::string_view text);

}  // namespace ngforge
