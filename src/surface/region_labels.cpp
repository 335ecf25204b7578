// SPDX-License-Identifier: Apache-2.0
// FreeSurfer annotations (.annot), big-endian: i32 vertices, then i32 vertex and i32 value for each; i32 1 and a colour
// table: i32 entries, text, then for each text and i32 red, green, blue, transparency; or i32 -2, i32 numbers in use,
// text, i32 entries, then the same with i32 number in front of each. Text: i32 length, characters. A vertex has the
// value red + 256 green + 65536 blue of its region.
#include "surface/region_labels.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <pugixml.hpp>

#include "core/byte_cursor.h"
#include "surface/gifti_file.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr std::int32_t kHasColorTable = 1, kTableVersion = 2;

std::array<std::uint8_t, 3> color_of(pugi::xml_node label) {
  std::array<std::uint8_t, 3> rgb{};
  constexpr const char* kNames[] = {"Red", "Green", "Blue"};
  for (std::size_t i = 0; i < 3; ++i) {
    const float value = parse_float(label.attribute(kNames[i]).value()).value_or(0);
    rgb[i] = static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255));
  }
  return rgb;
}

Result<RegionLabels> read_gifti_labels(const SurfaceInput& input) {
  pugi::xml_document document;
  NGFORGE_CHECK(parse_gifti(input, document));
  const auto array = find_gifti_array(document, "NIFTI_INTENT_LABEL");
  if (!array)
    return make_error(ErrorCode::invalid_data, "{}: expected an array of NIFTI_INTENT_LABEL, found none", input.place);
  RegionLabels labels;
  NGFORGE_TRY(labels.of_vertex, read_gifti_wholes(array, input));
  NGFORGE_TRY(const std::uint64_t columns, gifti_dimension(array, 1, input));
  if (columns != 1)
    return make_error(ErrorCode::invalid_data, "{}: NIFTI_INTENT_LABEL: expected one column, found {}", input.place,
                      columns);
  for (std::int64_t& label : labels.of_vertex) label = std::max(label, RegionLabels::kNone);
  for (const auto element : document.child("GIFTI").child("LabelTable").children("Label")) {
    // "Index" in files from before 2010.
    const auto key = element.attribute("Key") ? element.attribute("Key") : element.attribute("Index");
    const auto number = parse_whole(key.value());
    if (!number)
      return make_error(ErrorCode::invalid_data, "{}: LabelTable: expected a whole number as Key, found {:?}",
                        input.place, key.value());
    labels.names.push_back({*number, element.child_value(), color_of(element)});
  }
  return labels;
}

class Annotation {
 public:
  explicit Annotation(const SurfaceInput& input)
      : place_(input.place), cursor_(input.bytes, input.place, std::endian::big) {}

  Result<RegionLabels> read() {
    NGFORGE_TRY(const auto count, cursor_.read<std::int32_t>());
    if (count < 0 || static_cast<std::size_t>(count) > cursor_.remaining() / 8)
      return make_error(ErrorCode::invalid_data, "{}: expected a count of vertices and 8 bytes for each, found {}",
                        place_, count);
    std::vector<std::int32_t> values(static_cast<std::size_t>(count));
    for (std::int32_t i = 0; i < count; ++i) {
      NGFORGE_TRY(const auto vertex, cursor_.read<std::int32_t>());
      if (vertex < 0 || vertex >= count)
        return make_error(ErrorCode::invalid_data, "{}: expected vertices below {}, found {}", place_, count, vertex);
      NGFORGE_TRY(values[static_cast<std::size_t>(vertex)], cursor_.read<std::int32_t>());
    }
    NGFORGE_CHECK(read_colors());
    for (const std::int32_t value : values) {
      const auto found = number_of_value_.find(value);
      labels_.of_vertex.push_back(found == number_of_value_.end() ? RegionLabels::kNone : found->second);
    }
    return std::move(labels_);
  }

 private:
  Result<std::string> text() {
    NGFORGE_TRY(const auto length, cursor_.read<std::int32_t>());
    if (length < 0)
      return make_error(ErrorCode::invalid_data, "{}: expected the length of a name, found {}", place_, length);
    NGFORGE_TRY(const auto bytes, cursor_.take(static_cast<std::size_t>(length)));
    const std::string_view characters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::string(characters.substr(0, characters.find('\0')));
  }

  Result<void> read_colors() {
    NGFORGE_TRY(const auto tag, cursor_.read<std::int32_t>());
    if (tag != kHasColorTable)
      return make_error(ErrorCode::invalid_data, "{}: expected a colour table behind the vertices, found the tag {}",
                        place_, tag);
    NGFORGE_TRY(std::int32_t entries, cursor_.read<std::int32_t>());
    const bool has_numbers = entries < 0;
    if (has_numbers) {
      if (entries != -kTableVersion)
        return make_error(ErrorCode::unsupported, "{}: expected a colour table of version 2, found {}", place_,
                          -std::int64_t{entries});
      NGFORGE_CHECK(cursor_.read<std::int32_t>());
    }
    NGFORGE_CHECK(text());
    if (has_numbers) {
      NGFORGE_TRY(entries, cursor_.read<std::int32_t>());
    }
    for (std::int32_t i = 0; i < entries; ++i) {
      std::int32_t number = i;
      if (has_numbers) {
        NGFORGE_TRY(number, cursor_.read<std::int32_t>());
      }
      NGFORGE_CHECK(read_entry(number));
    }
    return {};
  }

  Result<void> read_entry(std::int32_t number) {
    if (number < 0)
      return make_error(ErrorCode::invalid_data, "{}: colour table: expected numbers from 0 on, found {}", place_,
                        number);
    NGFORGE_TRY(std::string name, text());
    RegionName region{number, std::move(name), {}};
    std::int32_t value = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      NGFORGE_TRY(const auto color, cursor_.read<std::int32_t>());
      region.rgb[c] = static_cast<std::uint8_t>(color);
      value |= region.rgb[c] << (8 * c);
    }
    NGFORGE_CHECK(cursor_.read<std::int32_t>());
    number_of_value_.try_emplace(value, number);
    labels_.names.push_back(std::move(region));
    return {};
  }

  std::string_view place_;
  ByteCursor cursor_;
  RegionLabels labels_;
  std::unordered_map<std::int32_t, std::int64_t> number_of_value_;
};

bool is_xml(std::span<const std::byte> bytes) {
  constexpr std::size_t kHeadBytes = 1024;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kHeadBytes));
  return head.find("<?xml") != std::string_view::npos || head.find("<GIFTI") != std::string_view::npos;
}

}  // namespace

bool looks_like_region_labels(std::span<const std::byte> bytes) {
  constexpr std::size_t kCountBytes = 4, kVertexBytes = 8;
  if (is_xml(bytes)) return true;
  if (bytes.size() < 2 * kCountBytes) return false;
  const std::uint64_t vertices = load<std::uint32_t, std::endian::big>(bytes.data());
  const std::uint64_t end = kCountBytes + vertices * kVertexBytes;
  if (vertices == 0 || end + kCountBytes > bytes.size()) return false;
  // Vertices are counted from 0, and the tag of a colour table follows the last.
  return load<std::int32_t, std::endian::big>(bytes.data() + kCountBytes) == 0 &&
         load<std::int32_t, std::endian::big>(bytes.data() + end) == kHasColorTable;
}

Result<RegionLabels> read_region_labels(const SurfaceInput& input) {
  auto labels = is_xml(input.bytes) ? read_gifti_labels(input) : Annotation(input).read();
  if (!labels) return std::move(labels).error().of_source();
  return labels;
}

}  // namespace ngforge
