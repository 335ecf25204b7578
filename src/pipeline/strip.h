// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "core/block.h"
#include "ngforge/error.h"
#include "pipeline/scratch_file.h"

namespace ngforge {

/// Where a strip keeps its values: `bytes` in memory, or a region of a scratch file.
struct StripPlace {
  ScratchFile* scratch = nullptr;  // null: memory
  std::uint64_t scratch_offset = 0;
};

/// One layer of chunks ("bricks") of one scale, one chunk thick along one axis. Bricks are numbered with x fastest and
/// lie brick after brick, each dense in [x, y, z, channel] order, so that a brick is the raw encoding of its chunk.
/// Nothing is kept per brick: there may be millions.
///
/// On disk a strip is the list of what was appended to it, since a scattered write per row would be slow. Writes of
/// disjoint parts are safe from any number of threads; so are loads, once the strip is complete.
class Strip {
 public:
  /// `box` is cut into bricks of `brick_size` from its beginning; the last along each axis may be smaller.
  /// `memory` is used when it is large enough.
  Strip(DataType type, Index channels, const Box& box, const VoxelVec& brick_size, const StripPlace& place,
        Buffer memory = {});
  /// Gives the memory back, for the next strip; this one is at its end.
  Buffer take_memory() { return std::move(memory_); }

  const Box& box() const { return box_; }
  Index brick_count() const { return bricks_.product(); }
  Box brick_box(Index brick) const;
  /// The brick that holds a voxel of the strip.
  Index brick_at(const VoxelVec& voxel) const { return number_of(cell_at(voxel)); }
  /// Calls visit(brick, part) for every brick that shares voxels with `box`, in their order. Ends with the first error.
  template <class Visit>
  Result<void> visit_bricks(const Box& box, const Visit& visit) const;
  /// The two parts of a box that shares voxels with several bricks, as even as their borders allow.
  std::optional<std::array<Box, 2>> halves(const Box& box) const;
  bool in_memory() const { return place_.scratch == nullptr; }
  /// Values over all bricks and channels.
  Index value_count() const { return box_.volume() * channels_; }

  /// The brick in memory, to be filled in place. Only when in_memory().
  MutableBlockView brick_view(Index brick);
  /// Copies the part of `view` that lies in brick `brick` to its place; view channel 0 is strip channel
  /// `first_channel`. Only when in_memory().
  void write(Index brick, const BlockView& view, Index first_channel);
  /// Appends a box of the strip, `channels` channels from `first_channel`: brick after brick as visit_bricks() has
  /// them, each part dense. Only on disk. Errors: io.
  Result<void> append(const Box& box, Index first_channel, Index channels, std::span<const std::byte> bytes);
  /// Notes that `values` more values are in place; true when this completes the strip.
  bool add_written(Index values) {
    const Index all = value_count();  // whoever completes the strip may end it before this thread reads on
    return (written_ += values) == all;
  }

  /// A brick of the complete strip: in memory where it lies; from disk in `space`, which is grown as needed.
  /// `part_space` is scratch for the parts. Errors: io.
  Result<BlockView> load(Index brick, Buffer& space, Buffer& part_space) const;

  /// What a strip on disk keeps in memory: for each box that was appended, for each group of bricks, and for each
  /// group that shares voxels with a box.
  static constexpr std::uint64_t kBytesPerBox = 72, kBytesPerGroup = 48, kBytesPerMention = 8;
  /// So many bricks are searched together for what was appended to them.
  static constexpr Index kGroupBricks = 64;

 private:
  struct Appended {
    Box box;
    std::int32_t first_channel, channels;
    std::uint64_t offset;
  };

  VoxelVec cell_at(const VoxelVec& voxel) const {
    const VoxelVec at = voxel - box_.begin;
    return {at.x / brick_size_.x, at.y / brick_size_.y, at.z / brick_size_.z};
  }
  Index number_of(const VoxelVec& cell) const { return cell.x + bricks_.x * (cell.y + bricks_.y * cell.z); }

  const DataType type_;
  const Index channels_;
  const Box box_;
  const VoxelVec brick_size_, bricks_;
  const StripPlace place_;
  Buffer memory_;
  std::atomic<Index> written_ = 0;
  std::mutex mutex_;  // guards what is below while it grows
  std::deque<Appended> appended_;
  std::vector<std::vector<std::uint32_t>> groups_;  // numbers in appended_
  std::uint64_t scratch_used_ = 0;
};

template <class Visit>
Result<void> Strip::visit_bricks(const Box& box, const Visit& visit) const {
  const Box shared = box.intersect(box_);
  if (shared.empty()) return {};
  const VoxelVec first = cell_at(shared.begin), last = cell_at(shared.end - VoxelVec::all(1));
  for (Index z = first.z; z <= last.z; ++z)
    for (Index y = first.y; y <= last.y; ++y)
      for (Index x = first.x; x <= last.x; ++x) {
        const Index brick = number_of({x, y, z});
        NGFORGE_CHECK(visit(brick, brick_box(brick).intersect(shared)));
      }
  return {};
}

}  // namespace ngforge
