// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "layout/sharding.h"
#include "ngforge/error.h"
#include "sink/chunk_sink.h"

namespace ngforge {

/// What a format's shards are: which chunks lie in one, and what tells where they lie in it. Thread-safe.
class ShardFormat {
 public:
  /// Writes bytes at an offset of the file.
  using Write = std::function<Result<void>(std::uint64_t offset, std::span<const std::byte> bytes)>;

  virtual ~ShardFormat() = default;
  /// Number of the shard that a chunk lies in.
  virtual std::uint64_t shard(const GridVec& cell) const = 0;
  /// What a chunk is called in the index of its shard.
  virtual std::uint64_t key(const GridVec& cell) const = 0;
  /// File of a shard; may contain '/'.
  virtual std::string file_name(std::uint64_t shard) const = 0;
  /// Bytes in front of the values, which come one after the other.
  virtual std::uint64_t values_begin() const = 0;
  /// Writes the index of a shard whose values are `values_bytes` long, in front of them or behind. `entries`: chunks
  /// that are stored, with offsets from values_begin(), in any order; may be sorted. Returns the bytes of the file that
  /// are no values. Errors: those of `write`.
  virtual Result<std::uint64_t> write_index(std::vector<ShardEntry>& entries, std::uint64_t values_bytes,
                                            const Write& write) const = 0;
};

/// A sink for the shards of a format below `folder`, which is made. Values lie in a shard in sequence order, so that
/// each file is written once; it takes its name when it is complete, and shards without a chunk are not written.
/// However many shards grow at once, few files are open. Chunks wait for their turn in
/// `room`.
/// Errors: permission, io.
Result<std::unique_ptr<ChunkSink>> make_shard_sink(const std::string& folder, const GridVec& grid,
                                                   std::unique_ptr<const ShardFormat> format, bool resume,
                                                   std::shared_ptr<WaitingRoom> room);
/// What it knows of all chunks and shards at most, in bytes.
std::uint64_t shard_table_bytes(std::uint64_t chunks, std::uint64_t shards);

}  // namespace ngforge
