// SPDX-License-Identifier: Apache-2.0
#include "surface/ply_header.h"

#include <array>
#include <utility>

#include "surface/text_reader.h"

namespace ngforge {
namespace {

std::optional<DataType> parse_type(std::string_view name) {
  constexpr std::pair<std::string_view, DataType> kOldNames[] = {
      {"char", DataType::int8},     {"uchar", DataType::uint8},   {"short", DataType::int16},
      {"ushort", DataType::uint16}, {"int", DataType::int32},     {"uint", DataType::uint32},
      {"float", DataType::float32}, {"double", DataType::float64}};
  for (const auto& [old_name, type] : kOldNames)
    if (name == old_name) return type;
  return parse_data_type(name);
}

Result<DataType> take_type(std::string_view& line, const TextReader& reader) {
  const std::string_view word = take_word(line);
  if (const auto type = parse_type(word)) return *type;
  return reader.wrong("a type: char, uchar, short, ushort, int, uint, float, double", word);
}

Result<PlyProperty> take_property(std::string_view line, const TextReader& reader) {
  PlyProperty property;
  std::string_view probe = line;
  if (take_word(probe) == "list") {
    line = probe;
    NGFORGE_TRY(const DataType count_type, take_type(line, reader));
    if (!is_integer(count_type)) return reader.wrong("a list with whole numbers as its count", name_of(count_type));
    property.count_type = count_type;
  }
  NGFORGE_TRY(property.type, take_type(line, reader));
  property.name = take_word(line);
  if (property.name.empty()) return reader.wrong("the name of a property", {});
  return property;
}

Result<PlyElement> take_element(std::string_view line, const TextReader& reader) {
  PlyElement element;
  element.name = take_word(line);
  const std::string_view word = take_word(line);
  const auto count = parse_whole(word);
  if (!count || *count < 0) return reader.wrong("how many elements there are", word);
  element.count = static_cast<std::uint64_t>(*count);
  return element;
}

Result<PlyHeader::Format> take_format(std::string_view line, const TextReader& reader) {
  const std::string_view word = take_word(line);
  if (word == "ascii") return PlyHeader::Format::ascii;
  if (word == "binary_little_endian") return PlyHeader::Format::little;
  if (word == "binary_big_endian") return PlyHeader::Format::big;
  return reader.wrong("ascii, binary_little_endian or binary_big_endian", word);
}

}  // namespace

std::optional<std::size_t> PlyElement::find(std::string_view property) const {
  for (std::size_t i = 0; i < properties.size(); ++i)
    if (properties[i].name == property) return i;
  return std::nullopt;
}

Result<PlyHeader> read_ply_header(std::string_view text, std::string_view place) {
  PlyHeader header;
  TextReader reader(text, place);
  auto line = reader.line();
  if (!line || take_word(*line) != "ply") return reader.wrong("ply", line.value_or(""));
  bool has_format = false;
  while (true) {
    line = reader.line();
    if (!line) return reader.wrong("end_header", {});
    const std::string_view keyword = take_word(*line);
    if (keyword == "end_header") break;
    if (keyword == "format") {
      NGFORGE_TRY(header.format, take_format(*line, reader));
      has_format = true;
    } else if (keyword == "element") {
      NGFORGE_TRY(header.elements.emplace_back(), take_element(*line, reader));
    } else if (keyword == "property") {
      if (header.elements.empty()) return reader.wrong("an element before its properties", keyword);
      NGFORGE_TRY(header.elements.back().properties.emplace_back(), take_property(*line, reader));
    } else if (keyword == "comment" || keyword == "obj_info") {
      header.comments.append(*line) += '\n';
    } else if (!keyword.empty()) {
      return reader.wrong("format, element, property, comment or end_header", keyword);
    }
  }
  if (!has_format) return reader.wrong("a format before end_header", "end_header");
  header.end = reader.position();
  header.end_lines = reader.line_number();
  return header;
}

}  // namespace ngforge
