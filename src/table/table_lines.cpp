// SPDX-License-Identifier: Apache-2.0
#include "table/table_lines.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ngforge {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool TableLines::next(std::string_view& line) {
  if (rest_.empty()) return false;
  ++number_;
  const auto end = rest_.find_first_of("\r\n");
  line = rest_.substr(0, end);
  if (end == std::string_view::npos)
    rest_ = {};
  else
    rest_.remove_prefix(end + (rest_.substr(end).starts_with("\r\n") ? 2 : 1));
  return true;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(" \t"); at < line.size(); at = line.find_first_not_of(" \t", at)) {
    std::size_t end = line.find_first_of(" \t", at);
    if (line[at] == '"')
      if (const auto quote = line.find('"', at + 1); quote != std::string_view::npos) end = quote + 1;
    end = std::min(end, line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string_view first_line_of_values(std::string_view text) {
  TableLines lines(text);
  for (std::string_view line; lines.next(line);) {
    line = trimmed(line);
    if (!line.empty() && line.front() != '#') return line;
  }
  return {};
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string color_text(const std::array<std::uint64_t, 3>& rgb) {
  return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
}

}  // namespace ngforge
