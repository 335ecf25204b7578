// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ngforge/types.h"

namespace ngforge {

// Rows of voxels along x as bits, 64 to a word, the first voxel lowest.

inline constexpr Index kRowWordBits = 64;

/// Words that the bits of `count` voxels take.
constexpr Index row_words(Index count) {
  return ceil_div(count, kRowWordBits);
}

/// Values that find_boundaries() may read from the beginning of each row, whatever they are.
constexpr Index readable_values(Index count) {
  return kRowWordBits * row_words(count) + 1;
}

/// Sets bit x of `bits` where value x of `row` differs from value x + 1, or, unless `below` is null, from value x of
/// that. Bits of `count` and more are zero. T is an unsigned integer. Picks the best instruction set of the machine
/// when called; the result is the same for all of them.
template <class T>
void find_boundaries(const T* row, const T* below, Index count, std::uint64_t* bits);

}  // namespace ngforge
