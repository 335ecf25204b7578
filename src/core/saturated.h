// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace ngforge {

// Sums and products of numbers of bytes that stop at the largest number: what a header claims may be of any size.
// Arguments are not negative.

inline std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? ~std::uint64_t{0} : sum;
}

template <class... Factors>
std::uint64_t times(Factors... factors) {
  std::uint64_t product = 1;
  const auto multiply = [&](std::uint64_t factor) {
    if (__builtin_mul_overflow(product, factor, &product)) product = ~std::uint64_t{0};
  };
  (multiply(static_cast<std::uint64_t>(factors)), ...);
  return product;
}

}  // namespace ngforge
