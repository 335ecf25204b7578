// SPDX-License-Identifier: Apache-2.0
#include "table/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "ngforge/text.h"

namespace ngforge {
namespace {

constexpr double kExactInteger = 9007199254740992.0;  // below, doubles hold every integer

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Sign, digits without zeros around them, and the power of ten of the last: equal for equal numbers.
struct Decimal {
  bool is_negative = false;
  std::string digits;
  long exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// Of a text that has the form of a number.
Decimal decimal_of(std::string_view text) {
  Decimal decimal;
  bool is_behind_point = false;
  std::size_t i = 0;
  if (text[0] == '-' || text[0] == '+') decimal.is_negative = text[i++] == '-';
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      is_behind_point = true;
      continue;
    }
    decimal.digits += text[i];
    if (is_behind_point) --decimal.exponent;
  }
  if (i < text.size()) {
    ++i;
    if (i < text.size() && text[i] == '+') ++i;
    long exponent = 0;
    std::from_chars(text.data() + i, text.data() + text.size(), exponent);
    decimal.exponent += std::clamp(exponent, -1000000L, 1000000L);
  }
  decimal.digits.erase(0, std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size()));
  while (!decimal.digits.empty() && decimal.digits.back() == '0') {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  if (decimal.digits.empty()) return {};
  return decimal;
}

bool has_form_of_number(std::string_view text) {
  std::size_t i = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const auto skip_digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  const std::size_t begin = i, whole = skip_digits();
  if (whole > 1 && text[begin] == '0') return false;
  std::size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = skip_digits();
  }
  if (whole + fraction == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (skip_digits() == 0) return false;
  }
  return i == text.size();
}

bool gives_back(float value, const Decimal& decimal) {
  std::array<char, 48> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return decimal_of({text.data(), static_cast<std::size_t>(end - text.data())}) == decimal;
}

}  // namespace

std::optional<TableNumber> parse_table_number(std::string_view text) {
  if (!has_form_of_number(text)) return std::nullopt;
  const Decimal decimal = decimal_of(text);
  if (text.front() == '+') text.remove_prefix(1);
  TableNumber number;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number.value);
  // Out of range means too small as well.
  if (parsed.ec == std::errc::result_out_of_range)
    number.value = decimal.exponent < 0 ? 0 : std::numeric_limits<double>::infinity();
  if (decimal.digits.empty()) number.value = 0;  // no negative zero
  const auto value = static_cast<float>(number.value);
  number.is_finite = std::isfinite(value);
  number.is_integer = decimal.exponent >= 0 && std::abs(number.value) < kExactInteger;
  number.fits_float = number.is_finite &&
                      (gives_back(value, decimal) || (static_cast<double>(value) == number.value && number.value != 0));
  return number;
}

bool is_missing_value(std::string_view text) {
  if (text.size() > 4) return false;
  const std::string lower = lower_case(text);
  return std::ranges::any_of(std::array{"", "n/a", "na", "nan", "null", "none"},
                             [&](const char* word) { return lower == word; });
}

}  // namespace ngforge
