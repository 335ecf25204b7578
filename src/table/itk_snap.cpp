// SPDX-License-Identifier: Apache-2.0
// ITK-SNAP's label descriptions:
//   label red green blue alpha(0..1) visibility(0|1) mesh(0|1) "name"
// Colours are 0 to 255; lines that begin with '#' are comments. The first label is 0, "Clear Label".
#include <array>
#include <string>

#include "table/table.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxColor = 255;
constexpr std::size_t kWords = 8;

bool is_quoted(std::string_view word) {
  return word.size() >= 2 && word.front() == '"' && word.back() == '"';
}

// What is wrong with the line, or "".
std::string fault_of(const std::vector<std::string_view>& words) {
  if (words.size() != kWords)
    return fmt::format("expected label, red, green, blue, alpha, visibility, mesh and \"name\", found {} words",
                       words.size());
  if (!whole_number(words[0])) return fmt::format("expected a label, found \"{}\"", words[0]);
  for (std::size_t c = 1; c <= 3; ++c)
    if (const auto color = whole_number(words[c]); !color || *color > kMaxColor)
      return fmt::format("expected a colour from 0 to {}, found \"{}\"", kMaxColor, words[c]);
  if (!is_quoted(words[7])) return fmt::format("expected a name in quotes, found {}", words[7]);
  return {};
}

bool matches(std::string_view text) {
  return fault_of(words_of(first_line_of_values(text))).empty();
}

Result<Table> parse(std::string_view text, std::string_view where) {
  Table table{
      .format = "ITK-SNAP label descriptions", .has_names = true, .is_palette = true, .columns = {}, .lines = {}};
  table.columns = {{"id", {}}, {"label", {}}, {"color", {}}};
  TableLines lines(text);
  for (std::string_view line; lines.next(line);) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    const auto words = words_of(line);
    if (const std::string fault = fault_of(words); !fault.empty())
      return make_error(ErrorCode::invalid_data, "{}: line {}: {}", where, lines.number(), fault);
    table.lines.push_back(lines.number());
    table.columns[0].cells.push_back(fmt::format("{}", *whole_number(words[0])));
    table.columns[1].cells.push_back(words[7].substr(1, words[7].size() - 2));
    table.columns[2].cells.push_back(
        color_text({*whole_number(words[1]), *whole_number(words[2]), *whole_number(words[3])}));
  }
  return table;
}

}  // namespace

extern const TableDescriptor itk_snap_table;
const TableDescriptor itk_snap_table{
    .name = "itksnap", .title = "ITK-SNAP label descriptions", .matches = matches, .parse = parse};

}  // namespace ngforge
