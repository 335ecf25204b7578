// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// Pixels of the picture that a chunk becomes.
struct ImageShape {
  Index width = 0, height = 0;
};

/// The picture whose pixels, row by row, are the voxels of a chunk in the order x, y, z. Its rows are whole rows along
/// x, and what is above another pixel is its neighbour in y or z, as far as `longest_side` allows. Errors: limit (no
/// width makes both sides at most `longest_side`; `encoding` begins the message).
Result<ImageShape> image_shape(std::string_view encoding, const VoxelVec& size, Index longest_side);

/// Copies voxels [first, first + count) in the order x, y, z of a dense block to pixels: the channels of a voxel side
/// by side, 16-bit values big-endian as PNG has them. Values of 1 or 2 bytes, 1 to 4 channels.
void gather_pixels(const BlockView& view, std::size_t first, std::size_t count, std::byte* pixels);
/// The other way round.
void scatter_pixels(const std::byte* pixels, std::size_t first, std::size_t count, const MutableBlockView& view);

}  // namespace ngforge
