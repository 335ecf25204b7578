// SPDX-License-Identifier: Apache-2.0
// Shards of Zarr v3 (zarr-specs, v3/codecs/sharding-indexed): values, then an index with the offset and length of every
// chunk of the shard in C order, all ones where there is none, then its CRC-32C.
#include <memory>
#include <vector>

#include "compress/crc32c.h"
#include "core/byte_cursor.h"
#include "layout/ome_zarr.h"
#include "sink/shard_sink.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kEntryBytes = 16;

class ZarrShards final : public ShardFormat {
 public:
  ZarrShards(const GridVec& grid, const GridVec& shard_chunks, Index channels)
      : shard_chunks_(shard_chunks), channels_(channels) {
    for (int a = 0; a < 3; ++a) shards_[a] = ceil_div(grid[a], shard_chunks[a]);
  }

  std::uint64_t shard(const GridVec& cell) const override {
    return c_order({cell.x / shard_chunks_.x, cell.y / shard_chunks_.y, cell.z / shard_chunks_.z}, shards_);
  }
  std::uint64_t key(const GridVec& cell) const override {
    return c_order({cell.x % shard_chunks_.x, cell.y % shard_chunks_.y, cell.z % shard_chunks_.z}, shard_chunks_);
  }
  std::string file_name(std::uint64_t shard) const override {
    const auto number = static_cast<Index>(shard);
    return zarr_chunk_key({number % shards_.x, number / shards_.x % shards_.y, number / (shards_.x * shards_.y)},
                          channels_);
  }
  std::uint64_t values_begin() const override { return 0; }

  Result<std::uint64_t> write_index(std::vector<ShardEntry>& entries, std::uint64_t values_bytes,
                                    const Write& write) const override {
    Bytes index(zarr_shard_index_bytes({shard_chunks_.x, shard_chunks_.y, shard_chunks_.z}), std::byte{0xff});
    for (const ShardEntry& entry : entries) {
      std::byte* const at = index.data() + entry.key * kEntryBytes;
      store(at, entry.offset);
      store(at + 8, entry.size);
    }
    const auto checksum_at = static_cast<std::size_t>(shard_chunks_.product()) * kEntryBytes;
    store(index.data() + checksum_at, crc32c(std::span(index).first(checksum_at)));
    NGFORGE_CHECK(write(values_bytes, index));
    return index.size();
  }

 private:
  static std::uint64_t c_order(const GridVec& cell, const GridVec& shape) {
    return static_cast<std::uint64_t>((cell.z * shape.y + cell.y) * shape.x + cell.x);
  }

  const GridVec shard_chunks_;
  const Index channels_;
  GridVec shards_;  // along each axis
};

}  // namespace

std::uint64_t zarr_shard_sink_bytes(const GridVec& grid, const std::array<Index, 3>& shard_chunks_xyz, int threads) {
  Index shards = 1;
  for (int a = 0; a < 3; ++a) shards *= ceil_div(grid[a], shard_chunks_xyz[static_cast<std::size_t>(a)]);
  return shard_table_bytes(static_cast<std::uint64_t>(grid.product()), static_cast<std::uint64_t>(shards)) +
         static_cast<std::uint64_t>(threads) * zarr_shard_index_bytes(shard_chunks_xyz);
}

Result<std::unique_ptr<ChunkSink>> open_zarr_shard_sink(const std::string& folder, const GridVec& grid,
                                                        const std::array<Index, 3>& shard_chunks_xyz, Index channels,
                                                        bool resume, std::shared_ptr<WaitingRoom> room) {
  const GridVec shard_chunks{shard_chunks_xyz[0], shard_chunks_xyz[1], shard_chunks_xyz[2]};
  return make_shard_sink(folder, grid, std::make_unique<ZarrShards>(grid, shard_chunks, channels), resume,
                         std::move(room));
}

}  // namespace ngforge
