// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "table/table.h"

namespace ngforge {

/// What a user says of the columns of a table; "" and nothing: found by their names.
struct ColumnChoice {
  std::string id, label, description, color;
  std::optional<std::vector<std::string>> tags,
      others;                               // others: properties of numbers or text; nothing: all that remain
  std::vector<std::string> texts, numbers;  // of these: not what their cells look like
};

enum class ColumnRole : std::uint8_t {
  id,
  label,
  description,
  tags,
  color,
  red,
  green,
  blue,
  other,
  text,
  number,
  none
};

/// What each column of a table means. Names of columns are found as they are, then in any case and with any signs
/// between their words. The labels are in a column called id, label_id, segment, index..., or in one called label
/// beside a name. Errors: invalid_argument (a column that is asked for is not there, or for two things),
/// invalid_data (no column of labels, two columns of one name).
Result<std::vector<ColumnRole>> find_column_roles(Table& table, const ColumnChoice& choice, std::string_view where);

}  // namespace ngforge
