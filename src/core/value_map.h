// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "core/stored_type.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

enum class ComplexPart : std::uint8_t { none, abs, phase, real, imag };

/// How stored values become output values (COMMANDS.md: --dtype, --window, --nan, --complex, --ignore-scaling).
struct ValueMap {
  StoredType from = StoredType::uint8;
  double slope = 1, intercept = 0;
  ComplexPart complex_part = ComplexPart::none;
  DataType to = DataType::uint8;
  /// Values lo..hi become the whole range of an integer `to` (float: 0..1), clamped.
  std::optional<std::array<double, 2>> window = std::nullopt;
  /// What NaN becomes. Without it NaN stays (float `to`) or is an error (integer `to`).
  std::optional<double> nan = std::nullopt;
  /// False: a value outside `to` is an error (labels, unchanged integers); true: it is rounded half to even and clamped
  /// (--dtype).
  bool clamps = false;

  /// True when map_values is a copy.
  bool is_identity() const;
};

/// A value that does not fit, found by map_values.
struct BadValue {
  std::size_t index = 0;  // of the first such value
  std::string text;       // "-3", "nan"
};

/// Maps out.size() / size_of(map.to) dense values. Integers without scaling are converted exactly (never through
/// double). Returns the first value that `map` has no place for, or nothing. The caller knows its voxel and names the
/// option.
std::optional<BadValue> map_values(const ValueMap& map, std::span<const std::byte> in, std::span<std::byte> out);

}  // namespace ngforge
