// SPDX-License-Identifier: Apache-2.0
#include "ngforge/text.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace ngforge {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The unit of lengths of which this is the least, and its nanometres.
std::pair<const char*, double> unit_for(double length_nm) {
  return length_nm >= 1e5 ? std::pair("mm", 1e6) : length_nm >= 1e3 ? std::pair("um", 1e3) : std::pair("nm", 1.0);
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool ends_with_any_case(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() &&
         std::ranges::equal(name.substr(name.size() - suffix.size()), suffix, {}, lower, lower);
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string length_text(double length_nm) {
  const auto [unit, nm] = unit_for(length_nm);
  return fmt::format("{:.7g} {}", length_nm / nm, unit);
}

std::string lengths_text(const std::array<double, 3>& lengths_nm) {
  const auto [unit, nm] = unit_for(*std::ranges::min_element(lengths_nm));
  return fmt::format("{:.7g} x {:.7g} x {:.7g} {}", lengths_nm[0] / nm, lengths_nm[1] / nm, lengths_nm[2] / nm, unit);
}

std::string percent_encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c != 0 && std::strchr("-._~/", c) != nullptr);
    if (is_plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace ngforge
