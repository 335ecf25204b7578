// SPDX-License-Identifier: Apache-2.0
#include "op/surface_table.h"

#include <charconv>
#include <map>
#include <optional>

namespace ngforge {
namespace {

constexpr std::string_view kSpace = " \r\n";

std::string_view without_space(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// The next cell of `line`, which loses it with the comma or tab behind it. In quotes, two of them mean one.
std::string take_cell(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  std::string cell;
  if (line.starts_with('"')) {
    line.remove_prefix(1);
    while (!line.empty() && (line.front() != '"' || line.starts_with("\"\""))) {
      if (line.front() == '"') line.remove_prefix(1);
      cell += line.front();
      line.remove_prefix(1);
    }
    line.remove_prefix(std::min(line.find_first_of(",\t"), line.size()));
  } else {
    const auto end = std::min(line.find_first_of(",\t"), line.size());
    cell = without_space(line.substr(0, end));
    line.remove_prefix(end);
  }
  if (!line.empty()) line.remove_prefix(1);
  return cell;
}

std::optional<std::uint64_t> label_of(const std::string& cell) {
  std::uint64_t label = 0;
  const char* const end = cell.data() + cell.size();
  const auto parsed = std::from_chars(cell.data(), end, label);
  if (cell.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return label;
}

}  // namespace

Result<std::vector<SurfaceRow>> parse_surface_table(std::string_view text, std::string_view where) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<SurfaceRow> rows;
  std::map<std::uint64_t, std::size_t> line_of_label;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = without_space(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const std::string first = take_cell(line);
    const auto label = label_of(first);
    if (!label && number == 1) continue;
    if (!label)
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected a label, a whole number below 2^64, found {:?}",
                        where, number, first);
    SurfaceRow row{*label, {}, number};
    while (!line.empty())
      if (std::string name = take_cell(line); !name.empty()) row.names.push_back(std::move(name));
    if (row.names.empty())
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected files behind label {}, found none", where,
                        number, *label);
    const auto [found, is_new] = line_of_label.try_emplace(*label, number);
    if (!is_new)
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected each label once, found {} in line {} too",
                        where, number, *label, found->second);
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return make_error(ErrorCode::invalid_data, "{}: expected lines \"label,file\", found none", where);
  return rows;
}

}  // namespace ngforge
