// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
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

/// One layer of chunks ("bricks") of one scale, one chunk thick along one axis. Bricks lie brick after brick, each
/// dense in [x, y, z, channel] order, so that a brick is the raw encoding of its chunk.
///
/// On disk a brick is the list of the pieces that were written to it, since pieces come in all shapes and a scattered
/// write per row would be slow. Writes of disjoint parts and loads of complete bricks are safe from any number of
/// threads.
class Strip {
 public:
  /// `bricks`: the boxes, in the plan's order. They must tile a box. `memory` is used when it is large enough.
  Strip(DataType type, Index channels, std::vector<Box> bricks, const StripPlace& place, Buffer memory = {});
  /// Gives the memory back, for the next strip; this one is at its end.
  Buffer take_memory() { return std::move(memory_); }

  const std::vector<Box>& bricks() const { return bricks_; }
  bool in_memory() const { return place_.scratch == nullptr; }
  /// Values over all bricks and channels.
  Index value_count() const { return value_count_; }

  /// The brick in memory, to be filled in place. Only when in_memory().
  MutableBlockView brick_view(std::size_t brick);
  /// Copies the part of `view` that lies in brick `brick` to its place; view channel 0 is strip channel
  /// `first_channel`. Only when in_memory().
  void write(std::size_t brick, const BlockView& view, Index first_channel);
  /// Appends dense pieces, one after the other in `bytes`, each of `channels` channels from `first_channel`. Only on
  /// disk.
  struct Piece {
    std::size_t brick = 0;
    Box box;
    Index first_channel = 0, channels = 1;
  };
  Result<void> append(std::span<const Piece> pieces, std::span<const std::byte> bytes);
  /// Notes that `values` more values are in place; true when this completes the strip.
  bool add_written(Index values) {
    const Index all = value_count_;  // whoever completes the strip may end it before this thread reads on
    return (written_ += values) == all;
  }

  /// The complete brick: in memory where it lies; from disk in `space`, which is grown as needed.
  /// `piece_space` is scratch for pieces.
  Result<BlockView> load(std::size_t brick, Buffer& space, Buffer& piece_space) const;

 private:
  struct StoredPiece {
    Box box;
    Index first_channel, channels;
    std::uint64_t offset;
  };

  DataType type_;
  Index channels_;
  std::vector<Box> bricks_;
  std::vector<std::size_t> brick_offsets_;
  StripPlace place_;
  Buffer memory_;
  Index value_count_ = 0;
  std::atomic<Index> written_ = 0;
  mutable std::mutex mutex_;  // guards pieces_ and scratch_used_
  std::vector<std::vector<StoredPiece>> pieces_;
  std::uint64_t scratch_used_ = 0;
};

/// Makes `space` at least `bytes` long; its content is lost when it grows.
inline std::span<std::byte> ensure(Buffer& space, std::size_t bytes) {
  if (space.size() < bytes) space = Buffer(bytes);
  return space.span().first(bytes);
}

}  // namespace ngforge
