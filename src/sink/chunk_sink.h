// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
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

/// Layout flat or deep: a file per chunk, `NAME.gz` when `gzip`. `folder` is the dataset's; the scale's key is made
/// below it. Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> open_file_sink(const std::string& folder, const ScaleInfo& scale, Layout layout,
                                                  bool gzip, bool resume);

/// Layout sharded (scale.sharding). Values lie in a shard in sequence order, minishard indices behind them, so that
/// each file is written once and takes its name when it is complete. However many shards grow at once, few files are
/// open. At most `window` chunks wait for their turn. Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> open_shard_sink(const std::string& folder, const ScaleInfo& scale, bool resume,
                                                   Index window);
/// The memory that such a sink takes at most, beside the chunks that wait: 24 bytes per chunk in unfinished shards,
/// what it knows of each shard, and the minishard indices that `threads` threads write at once. For at most 2^32
/// chunks.
std::uint64_t shard_sink_bytes(const ScaleInfo& scale, int threads);

}  // namespace ngforge
