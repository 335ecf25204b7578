// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "ngforge/types.h"

namespace ngforge {

__extension__ typedef __int128 Int128;

/// sum / count rounded half to even, for any signed integer type and count > 0.
template <class Sum>
constexpr Sum divide_half_even(Sum sum, Sum count) {
  Sum quotient = sum / count;
  Sum rest = sum % count;
  if (rest < 0) {
    rest += count;
    --quotient;
  }
  const Sum other = count - rest;
  return rest > other || (rest == other && (quotient & 1) != 0) ? quotient + 1 : quotient;
}

/// sum / 2^shift rounded half to even, for any signed integer type.
template <class Sum>
constexpr Sum shift_half_even(Sum sum, int shift) {
  const Sum quotient = sum >> shift;
  const Sum rest = sum - (quotient << shift);
  const Sum half = (Sum{1} << shift) >> 1;
  return quotient + (shift > 0 && (rest > half || (rest == half && (quotient & 1) != 0)) ? 1 : 0);
}

/// The nearest value of type T: rounded half to even and clamped for integers (NaN becomes 0).
template <class T>
T nearest_value(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    const double rounded = std::nearbyint(value);
    if (std::isnan(rounded)) return 0;
    // max() of a 64-bit type rounds up to a power of two as a double, so the comparison must not be strict.
    if (rounded >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (rounded <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<T>(rounded);
  }
}

}  // namespace ngforge
