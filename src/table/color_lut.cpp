// SPDX-License-Identifier: Apache-2.0
// FreeSurfer's colour lookup tables (FreeSurferColorLUT.txt, *.ctab), and 3D Slicer's, which look alike. Lines of
// numbers and words between spaces:
//   label name red green blue [alpha or transparency]
// Colours are 0 to 255; lines that begin with '#' are comments.
#include <algorithm>
#include <array>

#include "table/table.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxColor = 255;

struct LutLine {
  std::uint64_t id = 0;
  std::string_view name;
  std::array<std::uint64_t, 3> rgb{};
};

// What is wrong with the line, or "".
std::string read_line(std::string_view line, LutLine& values) {
  const auto words = words_of(line);
  if (words.size() != 5 && words.size() != 6)
    return fmt::format("expected label, name, red, green, blue and perhaps alpha, found {} words", words.size());
  const auto id = whole_number(words[0]);
  if (!id) return fmt::format("expected a label, found \"{}\"", words[0]);
  values = {*id, words[1], {}};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto color = whole_number(words[2 + c]);
    if (!color || *color > kMaxColor)
      return fmt::format("expected a colour from 0 to {}, found \"{}\"", kMaxColor, words[2 + c]);
    values.rgb[c] = *color;
  }
  return {};
}

bool matches(std::string_view text) {
  LutLine ignored;
  return read_line(first_line_of_values(text), ignored).empty();
}

Result<Table> parse(std::string_view text, std::string_view where) {
  Table table{.format = "colour lookup table", .has_names = true, .is_palette = true, .columns = {}, .lines = {}};
  table.columns = {{"id", {}}, {"label", {}}, {"color", {}}};
  TableLines lines(text);
  for (std::string_view line; lines.next(line);) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    LutLine values;
    if (const std::string fault = read_line(line, values); !fault.empty())
      return make_error(ErrorCode::invalid_data, "{}: line {}: {}", where, lines.number(), fault);
    table.lines.push_back(lines.number());
    table.columns[0].cells.push_back(fmt::format("{}", values.id));
    table.columns[1].cells.push_back(values.name);
    table.columns[2].cells.push_back(color_text(values.rgb));
  }
  return table;
}

}  // namespace

extern const TableDescriptor color_lut_table;
const TableDescriptor color_lut_table{
    .name = "lut", .title = "colour lookup tables of FreeSurfer and 3D Slicer", .matches = matches, .parse = parse};

}  // namespace ngforge
