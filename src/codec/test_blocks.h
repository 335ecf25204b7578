// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/block.h"

namespace ngforge {

/// uint8 values that tell their voxel and channel, smooth enough for lossy encodings: another order of voxels would be
/// far off.
inline Block ramp(const VoxelVec& size, Index channels) {
  Block block(DataType::uint8, {{}, size}, channels);
  std::size_t i = 0;
  for (Index c = 0; c < channels; ++c)
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y)
        for (Index x = 0; x < size.x; ++x, ++i)
          block.bytes()[i] = static_cast<std::byte>(40 + 4 * x + 2 * y + 9 * z + 25 * c);
  return block;
}

}  // namespace ngforge
