// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "image/image_file.h"

namespace ngforge {

/// What a single decoded strip, tile or picture may take in memory at most.
constexpr std::uint64_t kMaxUnitBytes = 1ull << 30;
/// What a picture that is decoded row by row may be long at most: beyond it a small file could keep a machine busy for
/// hours.
constexpr std::uint64_t kMaxPictureBytes = 16ull << 30;

/// Decoded pixels: rows of interleaved samples.
struct DecodedPixels {
  const std::byte* data = nullptr;  // sample 0 of pixel (i_begin, j_begin)
  PixelBox box;                     // which pixels
  Index samples = 1;                // of each pixel
  std::size_t row_bytes = 0;        // from one row to the next
};

/// Puts the part of `from` that lies in `box` to its place in `out`: [sample][row][column] of `box` and `samples`,
/// dense, values of `value_bytes` (1, 2, 4, 8 or 16).
void separate_samples(const DecodedPixels& from, const PixelBox& box, ChannelRange samples, std::size_t value_bytes,
                      std::byte* out);

}  // namespace ngforge
