// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "array/array_metadata.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Where the chunks of a shard lie, in the order of its grid (last axis fastest); nothing for those that are absent.
struct ShardIndex {
  std::uint64_t shard_bytes = 0;
  std::vector<ByteRange> ranges;  // length 0: absent
};

std::uint64_t chunks_in_shard(const Extents& shape, const Sharding& sharding);
/// Bytes of the encoded index of a shard with so many chunks.
std::uint64_t shard_index_bytes(const Sharding& sharding, std::uint64_t chunks);
/// Decodes an index. Errors: invalid_data (checksum, a range that leaves the shard, wrong size).
Result<ShardIndex> decode_shard_index(std::span<const std::byte> encoded, const Sharding& sharding,
                                      std::uint64_t chunks, std::uint64_t shard_bytes, std::string_view where);

/// Keeps the indices that were used last. Safe to use from any number of threads.
class ShardIndexCache {
 public:
  using Pointer = std::shared_ptr<const ShardIndex>;
  explicit ShardIndexCache(std::size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}
  /// Null when it is not there.
  Pointer find(const std::string& shard);
  void add(const std::string& shard, Pointer index);

 private:
  using Entry = std::pair<std::string, Pointer>;
  const std::size_t capacity_bytes_;
  std::mutex mutex_;  // guards all below
  std::list<Entry> recent_;
  std::map<std::string, std::list<Entry>::iterator> by_shard_;
  std::size_t used_bytes_ = 0;
};

}  // namespace ngforge
