// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Counts of one scale, complete after finish().
struct ChunkCounts {
  std::atomic<std::uint64_t> stored = 0, empty = 0, bytes = 0, files = 0;
};

/// Places for encoded chunks that wait for their turn, shared by all sinks of a run. Thread-safe.
class WaitingRoom {
 public:
  explicit WaitingRoom(Index places) : places_(places), free_(places) {}
  Index places() const { return places_; }
  /// Takes a place; false when there is none.
  bool enter() {
    Index free = free_;
    while (free > 0)
      if (free_.compare_exchange_weak(free, free - 1)) return true;
    return false;
  }
  void leave() { ++free_; }

 private:
  const Index places_;
  std::atomic<Index> free_;
};

/// Takes the encoded chunks of one scale and makes files of them. Thread-safe.
///
/// Every chunk of the grid is handed over exactly once, under its sequence number in the plan (0 .. chunks-1). What is
/// written depends on that order, never on the order of the calls.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  /// True when the chunk's file was finished by an earlier run: it is then handed over with pass() and stays untouched.
  virtual bool is_finished(const GridVec& cell) const = 0;
  /// Stores an encoded chunk. May wait for chunks with lower numbers.
  virtual Result<void> put(Index sequence, const GridVec& cell, std::span<const std::byte> bytes) = 0;
  /// Notes a chunk that is not stored: empty, or in a finished file.
  virtual Result<void> pass(Index sequence, const GridVec& cell) = 0;
  /// Ends all waiting after a failure elsewhere.
  virtual void abandon() = 0;

  ChunkCounts& counts() { return counts_; }

 protected:
  ChunkCounts counts_;
};

/// A file per chunk, `name(cell)` below `folder`, which is made. Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> open_file_sink(const std::string& folder,
                                                  std::function<std::string(const GridVec&)> name, bool resume);

/// Precomputed shards (scale.sharding) in the folder of the scale's key below `folder`: shard_sink.h says how they are
/// written. Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> open_shard_sink(const std::string& folder, const ScaleInfo& scale, bool resume,
                                                   std::shared_ptr<WaitingRoom> room);
/// The memory that such a sink takes at most, beside the chunks that wait: 24 bytes per chunk in unfinished shards,
/// what it knows of each shard, and the minishard indices that `threads` threads write at once. For at most 2^32
/// chunks.
std::uint64_t shard_sink_bytes(const ScaleInfo& scale, int threads);

/// Shards of a Zarr v3 array, in the folder of the array. `grid` counts chunks, all channels in each. A shard is
/// written likewise, its index at the end. Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> open_zarr_shard_sink(const std::string& folder, const GridVec& grid,
                                                        const std::array<Index, 3>& shard_chunks_xyz, Index channels,
                                                        bool resume, std::shared_ptr<WaitingRoom> room);
/// The memory that such a sink takes at most, beside the chunks that wait.
std::uint64_t zarr_shard_sink_bytes(const GridVec& grid, const std::array<Index, 3>& shard_chunks_xyz, int threads);

}  // namespace ngforge
