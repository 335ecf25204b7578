// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ngforge/types.h"

namespace ngforge {

// A block of 8x8x8 labels as sets of voxels: fast for the few labels that a block usually has.

inline constexpr Index kBlockSide = 8;
inline constexpr int kMostLabels = 16;

/// One bit per voxel: bit x + 8 * y of word z.
using VoxelSet = std::array<std::uint64_t, 8>;

/// The distinct labels of a block, in order of their first voxel, and where each is.
template <class T>
struct BlockLabels {
  int count = 0;
  T labels[kMostLabels];
  VoxelSet voxels[kMostLabels];
};

/// Finds the labels of the 8x8x8 block at `data` (x contiguous, strides in bytes). False, with unspecified content of
/// `found`, when there are more than kMostLabels. T is std::uint32_t or std::uint64_t. Picks the best instruction set
/// of the machine when called; the result is the same for all of them.
template <class T>
bool find_labels(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<T>& found);

/// Writes labels[code] to every voxel of the 8x8x8 block at `data`. `codes`: 512 numbers of `bits` (1, 2 or 4) bits, x
/// fastest, lowest bits first. `labels`: kMostLabels values, of which the first `count` (1..kMostLabels) have a
/// meaning. False, with unspecified values written, when a code is not below `count`. T and dispatch as above.
template <class T>
bool expand_codes(const std::byte* codes, int bits, const T* labels, std::size_t count, std::byte* data, Index stride_y,
                  Index stride_z);

}  // namespace ngforge
