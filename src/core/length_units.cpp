// SPDX-License-Identifier: Apache-2.0
#include "core/length_units.h"

#include <algorithm>
#include <utility>

namespace ngforge {

std::optional<double> millimetres_of(std::string_view unit) {
  // The micro sign comes as UTF-8 (of two characters that look alike), Latin-1 or ImageJ's escape.
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"m", 1e3},
      {"meter", 1e3},
      {"metre", 1e3},
      {"decimeter", 1e2},
      {"dm", 1e2},
      {"cm", 10},
      {"centimeter", 10},
      {"mm", 1},
      {"millimeter", 1},
      {"millimetre", 1},
      {"um", 1e-3},
      {"\u00b5m", 1e-3},
      {"\u03bcm", 1e-3},
      {"micron", 1e-3},
      {"microns", 1e-3},
      {"micrometer", 1e-3},
      {"micrometre", 1e-3},
      {"nm", 1e-6},
      {"nanometer", 1e-6},
      {"nanometre", 1e-6},
      {"pm", 1e-9},
      {"picometer", 1e-9},
      {"femtometer", 1e-12},
      {"attometer", 1e-15},
      {"zeptometer", 1e-18},
      {"yoctometer", 1e-21},
      {"dekameter", 1e4},
      {"hectometer", 1e5},
      {"km", 1e6},
      {"kilometer", 1e6},
      {"megameter", 1e9},
      {"gigameter", 1e12},
      {"terameter", 1e15},
      {"petameter", 1e18},
      {"exameter", 1e21},
      {"zettameter", 1e24},
      {"yottameter", 1e27},
      {"angstrom", 1e-7},
      {"inch", 25.4},
      {"foot", 304.8},
      {"yard", 914.4},
      {"mile", 1609344},
      {"parsec", 3.0856775814913673e19},
      {"\u00c5", 1e-7},
      {"\xb5m", 1e-3},
      {"\\u00B5m", 1e-3},
      {"in", 25.4},
      {"\\u00b5m", 1e-3},
  };
  const auto* const found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
  return found == std::end(kUnits) ? std::nullopt : std::optional(found->second);
}

}  // namespace ngforge
