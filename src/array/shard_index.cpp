// SPDX-License-Identifier: Apache-2.0
// The index of sharding_indexed (zarr-specs, v3/codecs/sharding-indexed): offset and length of every chunk, all ones
// for one that is absent.
#include "array/shard_index.h"

#include "compress/crc32c.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kAbsent = ~std::uint64_t{0};
constexpr std::uint64_t kEntryBytes = 16, kChecksumBytes = 4;
// What an entry of the cache costs beside its ranges.
constexpr std::size_t kOverhead = 200;

std::size_t cost(const ShardIndex& index) {
  return index.ranges.size() * sizeof(ByteRange) + kOverhead;
}

template <std::endian Order>
ByteRange entry_at(const std::byte* p) {
  return {load<std::uint64_t, Order>(p), load<std::uint64_t, Order>(p + 8)};
}

}  // namespace

std::uint64_t chunks_in_shard(const Extents& shape, const Sharding& sharding) {
  std::uint64_t chunks = 1;
  for (std::size_t a = 0; a < shape.size(); ++a)
    chunks *= static_cast<std::uint64_t>(shape[a] / sharding.chunk_shape[a]);
  return chunks;
}

std::uint64_t shard_index_bytes(const Sharding& sharding, std::uint64_t chunks) {
  return chunks * kEntryBytes + static_cast<std::uint64_t>(sharding.index_checksums) * kChecksumBytes;
}

Result<ShardIndex> decode_shard_index(std::span<const std::byte> encoded, const Sharding& sharding,
                                      std::uint64_t chunks, std::uint64_t shard_bytes, std::string_view where) {
  if (encoded.size() != shard_index_bytes(sharding, chunks))
    return make_error(ErrorCode::invalid_data, "{}: expected a shard index of {} bytes, found {}", where,
                      shard_index_bytes(sharding, chunks), encoded.size());
  for (int i = 0; i < sharding.index_checksums; ++i) {
    const auto stored = load<std::uint32_t>(encoded.data() + encoded.size() - kChecksumBytes);
    encoded = encoded.first(encoded.size() - kChecksumBytes);
    if (const auto found = crc32c(encoded); found != stored)
      return make_error(ErrorCode::invalid_data, "{}: expected a shard index with checksum {:08x}, found {:08x}", where,
                        stored, found);
  }
  ShardIndex index{shard_bytes, {}};
  index.ranges.resize(static_cast<std::size_t>(chunks));
  for (std::uint64_t i = 0; i < chunks; ++i) {
    const std::byte* const p = encoded.data() + i * kEntryBytes;
    const ByteRange range =
        sharding.index_endian == std::endian::big ? entry_at<std::endian::big>(p) : entry_at<std::endian::little>(p);
    if (range.offset == kAbsent && range.length == kAbsent) continue;
    if (range.offset > shard_bytes || range.length > shard_bytes - range.offset || range.length == 0)
      return make_error(ErrorCode::invalid_data,
                        "{}: shard index: expected chunk {} inside the shard's {} bytes, found {} bytes at {}", where,
                        i, shard_bytes, range.length, range.offset);
    index.ranges[static_cast<std::size_t>(i)] = range;
  }
  return index;
}

ShardIndexCache::Pointer ShardIndexCache::find(const std::string& shard) {
  const std::lock_guard lock(mutex_);
  const auto found = by_shard_.find(shard);
  if (found == by_shard_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->second;
}

void ShardIndexCache::add(const std::string& shard, Pointer index) {
  const std::lock_guard lock(mutex_);
  if (by_shard_.contains(shard)) return;
  used_bytes_ += cost(*index);
  recent_.emplace_front(shard, std::move(index));
  by_shard_.emplace(shard, recent_.begin());
  while (used_bytes_ > capacity_bytes_ && recent_.size() > 1) {
    used_bytes_ -= cost(*recent_.back().second);
    by_shard_.erase(recent_.back().first);
    recent_.pop_back();
  }
}

}  // namespace ngforge
