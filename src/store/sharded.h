// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "layout/sharding.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Reads values out of neuroglancer_uint64_sharded_v1 files (spec 2) that lie under `prefix` ("" or "folder/") of a
/// store. Minishard indices are kept, the most recently used ones, up to `cache_bytes` (the one in use may be larger).
/// Safe to call from any number of threads.
class ShardedReader {
 public:
  ShardedReader(std::shared_ptr<Store> store, std::string prefix, const ShardingSpec& spec,
                std::size_t cache_bytes = std::size_t{16} << 20);

  /// The value of a key, with data_encoding undone.
  /// Errors: not_found (no such key or shard), invalid_data (an index or value that cannot be), limit (a value of more
  /// than `limit_bytes`), those of the store.
  Result<Bytes> get(std::uint64_t key, std::uint64_t limit_bytes);
  /// Where the value of a key is, for those that keep bytes in front of it. Errors: as get().
  Result<ShardEntry> find(std::uint64_t key);
  /// The value of an entry of a shard; get() is find() and this. Errors: as get().
  Result<Bytes> read(std::uint64_t shard, const ShardEntry& entry, std::uint64_t limit_bytes) const;
  /// All values of one shard, by ascending key; empty when the shard does not exist. `has_zlib` becomes true when an
  /// index is zlib where the specification says gzip, as unpack_shard_gzip() takes it; may be null. Errors: as get().
  Result<std::vector<ShardEntry>> list(std::uint64_t shard, bool* has_zlib = nullptr);

  const ShardingSpec& spec() const { return spec_; }
  /// Store key of a shard's file.
  std::string shard_key(std::uint64_t shard) const { return prefix_ + shard_file_name(spec_, shard); }

 private:
  using Entries = std::vector<ShardEntry>;  // by ascending key
  using IndexPointer = std::shared_ptr<const Entries>;
  struct PlaceHash {
    std::size_t operator()(const ShardPlace& place) const {
      return static_cast<std::size_t>((place.shard * 0x9e3779b97f4a7c15u) ^ (place.minishard * 0xc2b2ae3d27d4eb4fu));
    }
  };

  std::string where(std::uint64_t shard) const { return store_->describe() + "/" + shard_key(shard); }
  Result<IndexPointer> index(const ShardPlace& place);
  Result<Entries> read_index(const ShardPlace& place) const;
  Result<Entries> read_index(const ShardPlace& place, std::uint64_t begin, std::uint64_t end, bool* has_zlib) const;
  Result<Bytes> read_range(std::uint64_t shard, ByteRange range) const;

  const std::shared_ptr<Store> store_;
  const std::string prefix_;
  const ShardingSpec spec_;
  const std::size_t cache_bytes_;

  std::mutex mutex_;                                       // guards all below
  std::list<std::pair<ShardPlace, IndexPointer>> recent_;  // most recently used first
  std::unordered_map<ShardPlace, decltype(recent_)::iterator, PlaceHash> cached_;
  std::size_t cached_bytes_ = 0;
};

}  // namespace ngforge
