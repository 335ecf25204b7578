// SPDX-License-Identifier: Apache-2.0
// Shards of precomputed volumes (spec 2): a shard index in front of the values, minishard indices behind them.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "sink/precomputed_shards.h"
#include "sink/shard_sink.h"

namespace ngforge {
namespace {

// Level of minishard indices: they are small, and read by everyone.
constexpr int kIndexLevel = 9;
// Indices are written together once they are this long.
constexpr std::size_t kIndexWriteBytes = 64 << 10;

// Bytes that follow each other are written together.
class PendingWrite {
 public:
  explicit PendingWrite(const ShardFormat::Write& write) : write_(write) {}

  Result<void> append(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (bytes_.empty()) offset_ = offset;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    if (bytes_.size() < kIndexWriteBytes) return {};
    return flush();
  }
  Result<void> flush() {
    if (bytes_.empty()) return {};
    NGFORGE_CHECK(write_(offset_, bytes_));
    bytes_.clear();
    return {};
  }

 private:
  const ShardFormat::Write& write_;
  std::uint64_t offset_ = 0;
  Bytes bytes_;
};

class PrecomputedShards final : public ShardFormat {
 public:
  explicit PrecomputedShards(const ScaleInfo& scale) : spec_(*scale.sharding), grid_(scale.grid_shape()) {}

  std::uint64_t key(const GridVec& cell) const override { return encode_morton(cell, grid_); }
  std::uint64_t shard(const GridVec& cell) const override { return shard_place(spec_, key(cell)).shard; }
  std::string file_name(std::uint64_t shard) const override { return shard_file_name(spec_, shard); }
  std::uint64_t values_begin() const override { return shard_index_bytes(spec_); }
  Result<std::uint64_t> write_index(std::vector<ShardEntry>& entries, std::uint64_t values_bytes,
                                    const Write& write) const override {
    return write_shard_index(spec_, entries, values_bytes, write);
  }

 private:
  const ShardingSpec spec_;
  const GridVec grid_;
};

}  // namespace

// Entries of minishards that nothing is in stay zero, and where there are many, a hole.
Result<std::uint64_t> write_shard_index(const ShardingSpec& spec, std::vector<ShardEntry>& entries,
                                        std::uint64_t values_bytes, const ShardFormat::Write& write) {
  const auto minishard = [&](const ShardEntry& entry) { return shard_place(spec, entry.key).minishard; };
  std::sort(entries.begin(), entries.end(), [&](const ShardEntry& a, const ShardEntry& b) {
    const auto ma = minishard(a), mb = minishard(b);
    return ma != mb ? ma < mb : a.key < b.key;
  });
  const std::uint64_t values_begin = shard_index_bytes(spec);
  std::uint64_t at = values_bytes, next_number = 0;
  PendingWrite front(write), tail(write);
  Bytes compressed;
  GzipCompressor gzip(kIndexLevel);
  for (auto begin = entries.begin(); begin != entries.end();) {
    const auto number = minishard(*begin);
    const auto end = std::find_if(begin, entries.end(), [&](const ShardEntry& e) { return minishard(e) != number; });
    Bytes index = encode_minishard_index({begin, end});
    if (spec.gzip_index) {
      gzip.compress(index, compressed);
      index.swap(compressed);
    }
    if (number != next_number) NGFORGE_CHECK(front.flush());
    std::array<std::byte, 16> range;
    store(range.data(), at);
    store(range.data() + 8, at + index.size());
    NGFORGE_CHECK(front.append(16 * number, range));
    NGFORGE_CHECK(tail.append(values_begin + at, index));
    at += index.size();
    next_number = number + 1;
    begin = end;
  }
  NGFORGE_CHECK(tail.flush());
  NGFORGE_CHECK(front.flush());
  return values_begin + at - values_bytes;
}

std::uint64_t shard_sink_bytes(const ScaleInfo& scale, int threads) {
  const ShardingSpec& spec = *scale.sharding;
  const GridVec grid = scale.grid_shape();
  const auto chunks = static_cast<std::uint64_t>(grid.product());
  const auto part = [&](int bits) { return bits >= 32 ? chunks : std::min(chunks, std::uint64_t{1} << bits); };
  const std::uint64_t in_minishard =
      part(std::max(spec.preshift_bits, morton_bits(grid) - spec.minishard_bits - spec.shard_bits) +
           (spec.is_murmur ? 3 : 0));  // some get several times their share
  return shard_table_bytes(chunks, part(spec.shard_bits)) +
         static_cast<std::uint64_t>(threads) * (2 * in_minishard * sizeof(ShardEntry) + 4 * kIndexWriteBytes);
}

Result<std::unique_ptr<ChunkSink>> open_shard_sink(const std::string& folder, const ScaleInfo& scale, bool resume,
                                                   std::shared_ptr<WaitingRoom> room) {
  return make_shard_sink(folder + "/" + scale.key, scale.grid_shape(), std::make_unique<PrecomputedShards>(scale),
                         resume, std::move(room));
}

}  // namespace ngforge
