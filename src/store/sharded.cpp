// SPDX-License-Identifier: Apache-2.0
#include "store/sharded.h"

#include <algorithm>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// About eleven million entries in one minishard: far beyond what writers make, and still affordable.
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 53;
// Entries of a shard index that list() reads at once.
constexpr std::uint64_t kIndexPart = 4096;
// What an entry of the cache costs beside its index.
constexpr std::size_t kCacheOverhead = 160;

std::size_t cost(std::size_t entries) {
  return entries * sizeof(ShardEntry) + kCacheOverhead;
}

}  // namespace

ShardedReader::ShardedReader(std::shared_ptr<Store> store, std::string prefix, const ShardingSpec& spec,
                             std::size_t cache_bytes)
    : store_(std::move(store)), prefix_(std::move(prefix)), spec_(spec), cache_bytes_(cache_bytes) {}

Result<Bytes> ShardedReader::get(std::uint64_t key, std::uint64_t limit_bytes) {
  NGFORGE_TRY(const ShardEntry entry, find(key));
  return read(shard_place(spec_, key).shard, entry, limit_bytes);
}

Result<ShardEntry> ShardedReader::find(std::uint64_t key) {
  const ShardPlace place = shard_place(spec_, key);
  NGFORGE_TRY(const IndexPointer entries, index(place));
  const auto found = std::lower_bound(entries->begin(), entries->end(), key,
                                      [](const ShardEntry& entry, std::uint64_t wanted) { return entry.key < wanted; });
  if (found == entries->end() || found->key != key)
    return make_error(ErrorCode::not_found, "{}: expected key {}, found none", where(place.shard), key);
  return *found;
}

Result<Bytes> ShardedReader::read(std::uint64_t shard, const ShardEntry& entry, std::uint64_t limit_bytes) const {
  const std::uint64_t stored_limit = spec_.gzip_data ? limit_bytes + limit_bytes / 8 + 1024 : limit_bytes;
  if (entry.size > stored_limit)
    return make_error(ErrorCode::limit, "{}: key {}: expected at most {} bytes, found {}", where(shard), entry.key,
                      stored_limit, entry.size);
  NGFORGE_TRY(Bytes bytes, read_range(shard, {shard_index_bytes(spec_) + entry.offset, entry.size}));
  if (!spec_.gzip_data) return bytes;
  return unpack_shard_gzip(bytes, fmt::format("{}: key {}", where(shard), entry.key), limit_bytes);
}

Result<std::vector<ShardEntry>> ShardedReader::list(std::uint64_t shard, bool* has_zlib) {
  std::vector<ShardEntry> all;
  const std::uint64_t minishards = std::uint64_t{1} << spec_.minishard_bits;
  for (std::uint64_t first = 0; first < minishards; first += kIndexPart) {
    const std::uint64_t count = std::min(kIndexPart, minishards - first);
    auto part = read_range(shard, {16 * first, 16 * count});
    if (!part && part.error().code == ErrorCode::not_found) return all;
    if (!part) return std::move(part).error();
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto begin = load<std::uint64_t>(part->data() + 16 * i),
                 end = load<std::uint64_t>(part->data() + 16 * i + 8);
      NGFORGE_TRY(const Entries entries, read_index({shard, first + i}, begin, end, has_zlib));
      all.insert(all.end(), entries.begin(), entries.end());
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const ShardEntry& a, const ShardEntry& b) { return a.key < b.key; });
  return all;
}

// Two threads may read the same index at once; the second result is then dropped. No lock is held while reading.
Result<ShardedReader::IndexPointer> ShardedReader::index(const ShardPlace& place) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = cached_.find(place); found != cached_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->second;
    }
  }
  NGFORGE_TRY(Entries entries, read_index(place));
  auto pointer = std::make_shared<const Entries>(std::move(entries));
  std::lock_guard lock(mutex_);
  if (const auto found = cached_.find(place); found != cached_.end()) return found->second->second;
  recent_.emplace_front(place, pointer);
  cached_.emplace(place, recent_.begin());
  cached_bytes_ += cost(pointer->size());
  while (cached_bytes_ > cache_bytes_ && recent_.size() > 1) {
    cached_bytes_ -= cost(recent_.back().second->size());
    cached_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return IndexPointer(std::move(pointer));
}

Result<ShardedReader::Entries> ShardedReader::read_index(const ShardPlace& place) const {
  const auto entry = read_range(place.shard, {16 * place.minishard, 16});
  if (!entry) {
    // A missing shard is a shard without keys.
    if (entry.error().code == ErrorCode::not_found) return Entries{};
    return entry.error();
  }
  return read_index(place, load<std::uint64_t>(entry->data()), load<std::uint64_t>(entry->data() + 8), nullptr);
}

Result<ShardedReader::Entries> ShardedReader::read_index(const ShardPlace& place, std::uint64_t begin,
                                                         std::uint64_t end, bool* has_zlib) const {
  if (begin == end) return Entries{};
  const std::string name = fmt::format("{}: minishard {}", where(place.shard), place.minishard);
  if (begin > end || end > kMaxOffset)
    return make_error(ErrorCode::invalid_data, "{}: expected begin <= end < 2^53, found {} and {}", name, begin, end);
  if (end - begin > kMaxIndexBytes)
    return make_error(ErrorCode::limit, "{}: expected an index of at most {} bytes, found {}", name, kMaxIndexBytes,
                      end - begin);
  NGFORGE_TRY(Bytes bytes, read_range(place.shard, {shard_index_bytes(spec_) + begin, end - begin}));
  if (spec_.gzip_index) {
    if (has_zlib != nullptr) *has_zlib |= looks_like_zlib(bytes);
    NGFORGE_TRY(bytes, unpack_shard_gzip(bytes, name, kMaxIndexBytes));
  }
  NGFORGE_TRY(Entries entries, decode_minishard_index(bytes, name));
  // The viewer takes the first of equal keys and does not mind their order.
  const auto by_key = [](const ShardEntry& a, const ShardEntry& b) { return a.key < b.key; };
  if (!std::is_sorted(entries.begin(), entries.end(), by_key)) std::stable_sort(entries.begin(), entries.end(), by_key);
  return entries;
}

Result<Bytes> ShardedReader::read_range(std::uint64_t shard, ByteRange range) const {
  auto bytes = store_->get_range(shard_key(shard), range);
  // The range came from the file itself.
  if (!bytes && bytes.error().code == ErrorCode::invalid_argument)
    return make_error(ErrorCode::invalid_data, "{}", bytes.error().message);
  return bytes;
}

}  // namespace ngforge
