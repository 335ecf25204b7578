// SPDX-License-Identifier: Apache-2.0
#include "table/table_colors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ngforge/text.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

std::optional<std::string> parse_hex(std::string_view digits) {
  if (!std::ranges::all_of(digits, [](char digit) { return hex_value(digit) >= 0; })) return std::nullopt;
  if (digits.size() == 6 || digits.size() == 8) return fmt::format("#{}", lower_case(digits.substr(0, 6)));
  if (digits.size() != 3) return std::nullopt;
  std::string doubled = "#";
  for (const char digit : lower_case(digits)) doubled.append(2, digit);
  return doubled;
}

std::optional<std::string> parse_numbers(std::string_view text) {
  constexpr std::string_view kBetween = ", \t[]()";
  constexpr std::uint64_t kMaxColor = 255;
  std::array<std::uint64_t, 3> rgb{};
  std::size_t count = 0;
  if (lower_case(text.substr(0, 3)) == "rgb") text.remove_prefix(3);
  for (auto at = text.find_first_not_of(kBetween); at < text.size(); at = text.find_first_not_of(kBetween, at)) {
    const auto end = std::min(text.find_first_of(kBetween, at), text.size());
    const auto number = whole_number(text.substr(at, end - at));
    if (!number || *number > kMaxColor || count == rgb.size()) return std::nullopt;
    rgb[count++] = *number;
    at = end;
  }
  if (count != rgb.size()) return std::nullopt;
  return color_text(rgb);
}

}  // namespace

std::optional<std::string> parse_color(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('#')) return parse_hex(text.substr(1));
  if (const auto color = parse_hex(text)) return color;
  return parse_numbers(text);
}

}  // namespace ngforge
