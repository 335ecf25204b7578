// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/text_list.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// One property of all segments (specification, section 6): one value for each id, in their order.
struct SegmentProperty {
  enum class Kind : std::uint8_t { label, description, string, tags, number };
  Kind kind = Kind::string;
  std::string id, description;  // description "": none; tags have none
  TextList texts;               // label, description, string
  DataType type = DataType::uint8;
  std::vector<double> numbers;                // number: values that `type` holds
  std::vector<std::string> tags;              // tags: those that there are
  std::vector<std::uint32_t> tag_numbers;     // tags: of all segments, one segment's behind the other's, each ascending
  std::vector<std::size_t> tag_ends;          // tags: where in tag_numbers the tags of each segment end
  std::vector<std::string> tag_descriptions;  // tags: as many as tags, or none

  /// The numbers of a segment's tags, as a range in tag_numbers.
  std::array<std::size_t, 2> tags_of(std::size_t segment) const {
    return {segment == 0 ? 0 : tag_ends[segment - 1], tag_ends[segment]};
  }
};
std::string_view name_of(SegmentProperty::Kind kind);

/// The `info` of a folder of segment properties.
struct SegmentProperties {
  std::vector<std::uint64_t> ids;  // ascending, unique
  std::vector<SegmentProperty> properties;

  /// The property of a kind, or with this id; null when there is none.
  const SegmentProperty* find(SegmentProperty::Kind kind) const;
  const SegmentProperty* find(std::string_view id) const;
};

/// The id of the string property in which colours are kept as "#rrggbb", or "" for none: the format has no place for
/// them, and other readers show them as text.
inline constexpr const char* kColorPropertyId = "color";
/// Whether a text is "#rrggbb".
bool is_color(std::string_view text);

/// How many tags the viewer can tell apart.
inline constexpr std::size_t kMaxTags = 65536;
/// The type of a number property that the viewer takes, or nothing for others (64 bits).
bool is_property_type(DataType type);

/// Writes `info`: members in a fixed order, a property per line, shortest numbers.
std::string write_segment_properties(const SegmentProperties& properties);

/// Reads an `info` of any writer. What contradicts the specification or the viewer goes into `faults`, each naming its
/// JSON path: ids that are no numbers, unsorted or doubled, lengths, types, tags; such a property is left out, and
/// without sound ids everything is. Memory: at most some 30 times that of the text. Errors: invalid_data (no JSON, no
/// "inline"), unsupported (another @type), limit.
Result<SegmentProperties> parse_segment_properties(std::string_view json, std::string_view where,
                                                   std::vector<std::string>& faults);

}  // namespace ngforge
