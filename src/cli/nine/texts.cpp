// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/texts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ngforge::cli::nine {
namespace {

struct Unit {
  std::string_view name;
  double per_nm;
};
constexpr std::array<Unit, 6> kUnits{{{"km", 1e-12}, {"m", 1e-9}, {"mm", 1e-6}, {"um", 1e-3}, {"nm", 1}, {"pm", 1e3}}};

}  // namespace

std::string readable_count(std::uint64_t count) {
  constexpr std::size_t kMostDigits = 3;
  std::string text = fmt::format("{}", count);
  if (text.size() <= kMostDigits) return text + ' ';
  double factor = 1;
  for (const std::string_view prefix : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei"}) {
    factor *= 1024;
    const double value = static_cast<double>(count) / factor;
    text = fmt::format("{:.{}f}", value, static_cast<double>(count) >= 10 * factor ? 0 : 1);
    if (text.size() <= kMostDigits) return fmt::format("{} {}", text, prefix);
  }
  return fmt::format("{} Ei", with_commas(static_cast<std::uint64_t>(static_cast<double>(count) / factor)));
}

std::string with_commas(std::uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string float_text(double value) {
  constexpr int kLeastExponent = -4, kMostExponent = 16;
  const int exponent =
      value == 0 || !std::isfinite(value) ? 0 : static_cast<int>(std::floor(std::log10(std::abs(value))));
  std::string text = fmt::format("{}", value);
  if (exponent < kLeastExponent || exponent >= kMostExponent || !std::isfinite(value)) return text;
  if (text.find('e') != std::string::npos) text = fmt::format("{:.0f}", value);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

Result<std::string> unit_for_keys(double resolution_nm) {
  for (const auto& [unit, per_nm] : kUnits) {
    const std::string name(unit);
    if (std::nearbyint(resolution_nm * per_nm) != 0 &&
        length_text(resolution_nm, name) != length_text(resolution_nm * 2, name))
      return name;
  }
  return make_error(ErrorCode::invalid_data, "resolution: expected a length of at least a picometre, found {} nm",
                    resolution_nm);
}

std::string length_text(double length_nm, const std::string& unit) {
  const auto* const found = std::ranges::find(kUnits, unit, &Unit::name);
  return fmt::format("{:.0f}{}", length_nm * found->per_nm, unit);
}

}  // namespace ngforge::cli::nine
