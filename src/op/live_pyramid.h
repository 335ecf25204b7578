// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <memory>
#include <stop_token>
#include <vector>

#include "core/block.h"
#include "ngforge/error.h"
#include "op/once_cache.h"
#include "op/volume_plan.h"
#include "pipeline/memory_budget.h"
#include "pipeline/thread_pool.h"
#include "source/source.h"

namespace ngforge {

/// The voxels of all planned scales, made from the source when they are asked for: the same as `convert` stores. A
/// coarse block is made from the blocks of the finer scale, each once, and kept while the budget allows; finer blocks
/// are given up first, since they are made again most cheaply.
///
/// Thread-safe. A block high up in the pyramid is made by several threads. How many work at once is bounded by memory:
/// half of the budget is for blocks that are kept, half for those that are being made.
class LivePyramid {
 public:
  /// `sources`: the source, or one for each scale when the plan keeps its levels. They must allow any box. Errors:
  /// needs_decision (not even one block can be made in `memory_bytes`; the hint says which --memory would do, of which
  /// the caller gives at least half).
  static Result<std::unique_ptr<LivePyramid>> create(SourceLevels sources, const VolumePlan& plan,
                                                     std::uint64_t memory_bytes, int threads, std::stop_token stop);

  /// The least memory_bytes for create().
  static std::uint64_t least_bytes(const VolumePlan& plan);

  const VolumePlan& plan() const { return plan_; }

  /// A block that holds the chunk `cell` of a scale, which must lie in its grid; it may hold more of the scale.
  /// Errors: those of the source (concerns_source), needs_decision for a value that does not fit, cancelled.
  Result<std::shared_ptr<const Block>> block_of(std::size_t level, const GridVec& cell);
  /// Copies a box of a scale, which must lie in it, to a view of the box. Errors: as block_of().
  Result<void> read(std::size_t level, const MutableBlockView& out);

 private:
  // Blocks of one scale are `unit` voxels large, cut at the end of the scale: chunks, but at full resolution several
  // chunks along the axis that is contiguous in the source.
  struct Level {
    Box box;
    VoxelVec unit;
    std::uint64_t working_bytes = 0;  // that making one block holds, with all scales below
  };
  struct Key {
    std::size_t level = 0;
    std::array<Index, 3> unit{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Pointer = std::shared_ptr<const Block>;

  LivePyramid(SourceLevels sources, const VolumePlan& plan, std::uint64_t memory_bytes, int threads,
              std::stop_token stop);
  static std::vector<Level> plan_levels(const VolumePlan& plan, std::uint64_t read_bytes);
  static std::uint64_t most_working_bytes(const std::vector<Level>& levels);
  Key unit_at(std::size_t level, const VoxelVec& voxel) const;
  Box unit_box(const Key& key) const;
  Result<Pointer> block_of(const Key& key);
  void share_out(const Key& key);
  std::vector<Key> parts_of(const Key& key) const;
  Result<Pointer> unit(const Key& key);
  Result<Pointer> make(const Key& key);
  bool is_read(std::size_t level) const { return level < sources_.size(); }
  Result<void> read_source(std::size_t level, const MutableBlockView& out);
  Result<void> reduce(std::size_t level, const MutableBlockView& out);
  Result<void> gather(std::size_t level, const MutableBlockView& out);
  Result<void> reduce_piece(std::size_t level, const MutableBlockView& out);

  const SourceLevels sources_;
  const VolumePlan plan_;
  const std::stop_token stop_;
  std::vector<Level> levels_;
  MemoryBudget working_;
  const std::uint64_t kept_bytes_;
  OnceCache<Key, Block> blocks_;
  ThreadPool helpers_;  // the last member: its tasks use the others
};

}  // namespace ngforge
