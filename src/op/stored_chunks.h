// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"
#include "op/finding_list.h"

namespace ngforge {

/// What a store holds of one scale.
struct StoredChunks {
  bool has_files = false;
  bool is_deep = false;        // some chunks have names of the deep layout
  bool is_incomplete = false;  // something could not be listed: chunks may be there that are not in `cells`
  bool was_listed = true;      // false: the store lists no folders, so that names were asked for one by one
  std::vector<Index> cells;    // numbers in the grid (cell_number), ascending
  std::vector<Index> damaged;  // those of them whose place in the shard is wrong, ascending
  std::uint64_t files = 0, bytes = 0;

  bool has(Index cell) const { return std::binary_search(cells.begin(), cells.end(), cell); }
  bool is_damaged(Index cell) const { return std::binary_search(damaged.begin(), damaged.end(), cell); }
};

/// x + grid.x * (y + grid.y * z), and back.
Index cell_number(const GridVec& cell, const GridVec& grid_shape);
GridVec cell_of_number(Index number, const GridVec& grid_shape);

/// Lists the chunks of a scale without reading them: from the names of chunk files, or from the indices of shards. Adds
/// a finding for what cannot be read, for names that are not on the grid and for indices that contradict themselves,
/// the file or the grid. Where the store lists no folders, every name is asked for, on a few connections at once. Holds
/// at most 24 bytes per chunk of the scale and 24 per chunk of one shard; the names of a folder only where the store
/// cannot give them one by one (Store::visit_names). Errors: cancelled, internal.
Result<StoredChunks> list_stored_chunks(Store& store, const ScaleInfo& scale, int scale_number, FindingList& findings,
                                        const std::stop_token& stop);

}  // namespace ngforge
