// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/block.h"

namespace ngforge {

/// What a block of labels holds.
struct LabelScan {
  struct Count {
    std::uint64_t label = 0, voxels = 0;
    friend bool operator==(const Count&, const Count&) = default;
  };
  std::vector<Count> counts;         ///< of `counted`, each label but 0 that is there, in ascending order
  std::uint64_t most_voxels = 0;     ///< of one label but 0 in the block
  std::uint64_t crossings = 0;       ///< pairs of neighbouring voxels (6 neighbours) of different values in the block
  std::uint64_t most_crossings = 0;  ///< such pairs of one label but 0

  void clear() {
    counts.clear();
    most_voxels = crossings = most_crossings = 0;
  }
};

/// Counts the voxels of each label in `counted`, which lies in the block, and what tells how large surfaces can be:
/// marching cubes makes at most two vertices and six triangles for each pair, over all labels (three for one label),
/// and 16 triangles for each voxel. `block`: one channel of unsigned integers. `scan` is overwritten. Throws
/// std::bad_alloc.
void scan_labels(const BlockView& block, const Box& counted, LabelScan& scan);
/// The same as if no other label than `label` were in the block, all of which is counted.
void scan_label(const BlockView& block, std::uint64_t label, LabelScan& scan);

}  // namespace ngforge
