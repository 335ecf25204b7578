// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layout/segment_properties.h"
#include "ngforge/error.h"
#include "ngforge/properties.h"
#include "table/table.h"

namespace ngforge {

/// Properties, and what is to be told of them.
struct NamedSegments {
  SegmentProperties properties;
  std::vector<PropertyColumn> columns;
  std::vector<std::string> notices;
};

/// What the columns of a table mean as properties: ids in ascending order without the background 0, colours as
/// "#rrggbb", numbers of the smallest type that holds them all. `where` is the table's name for messages. Errors:
/// invalid_argument, invalid_data, limit, needs_decision (naming line, column and value).
Result<NamedSegments> properties_of_table(Table table, const PropertiesOptions& options, std::string_view where);

/// The smallest type of a property for whole numbers from `low` to `high`; float32 when none holds both.
DataType integer_type(double low, double high);

/// The same properties for other ids (ascending): those that are new have no texts and tags, and `missing` for numbers.
/// Errors: needs_decision (a number is needed).
Result<SegmentProperties> with_ids(const SegmentProperties& properties, std::span<const std::uint64_t> ids,
                                   std::optional<double> missing);

/// The number that --missing names, if it does. Errors: invalid_argument (no number, or one that float32 cannot carry).
Result<std::optional<double>> missing_number(const PropertiesOptions& options);

}  // namespace ngforge
