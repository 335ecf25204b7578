// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ngforge/types.h"

namespace ngforge {

/// Connected components of the voxels whose bit is 0, found from the runs that these form in rows along x. Keeps its
/// memory when it is cleared.
class Components {
 public:
  /// Columns [begin, end) of a row.
  struct Run {
    std::uint32_t begin, end;
  };

  void clear();
  /// Appends the row of `count` voxels (at most 2^32 - 1, like all runs together) with these bits.
  void add_row(const std::uint64_t* bits, Index count);
  /// Joins runs of two rows that were added (numbers from 0) where they share a column.
  void join(std::size_t row, std::size_t other);
  /// Gives components numbers from 0 in the order of their first runs; returns how many there are.
  std::size_t number();

  std::size_t rows() const { return row_begins_.size() - 1; }
  /// Places of a row's first run and of the one behind its last.
  std::size_t begin_of(std::size_t row) const { return row_begins_[row]; }
  std::size_t end_of(std::size_t row) const { return row_begins_[row + 1]; }
  const Run& run(std::size_t at) const { return runs_[at]; }
  /// The component of a run; after number().
  std::uint32_t number_of(std::size_t at) const { return numbers_[at]; }
  bool is_first(std::size_t at) const { return parents_[at] == at; }

 private:
  std::uint32_t root(std::uint32_t at);

  std::vector<Run> runs_;
  std::vector<std::size_t> row_begins_{0};
  std::vector<std::uint32_t> parents_;  // a run of the same component, not behind it
  std::vector<std::uint32_t> numbers_;
};

}  // namespace ngforge
