// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// Bits of a compressed Morton code over `grid_shape` (spec 2.5), 0..64+; more than 64 cannot be coded.
int morton_bits(const GridVec& grid_shape);
/// Compressed Morton code of a cell inside `grid_shape`.
std::uint64_t encode_morton(const GridVec& cell, const GridVec& grid_shape);
/// The inverse. Codes that no cell has give a cell outside the grid.
GridVec decode_morton(std::uint64_t code, const GridVec& grid_shape);

/// MurmurHash3_x86_128, seed 0, over the key's 8 little-endian bytes; the first 8 bytes of the result.
std::uint64_t murmurhash3_x86_128_low(std::uint64_t key);

/// Where a key lives (spec 2.2).
struct ShardPlace {
  std::uint64_t shard = 0, minishard = 0;
  friend bool operator==(const ShardPlace&, const ShardPlace&) = default;
};
ShardPlace shard_place(const ShardingSpec& spec, std::uint64_t key);
/// "0a.shard": lowercase hex, padded to ceil(shard_bits / 4) digits.
std::string shard_file_name(const ShardingSpec& spec, std::uint64_t shard);
/// Bytes of the shard index at the front of a shard file: 16 << minishard_bits.
std::uint64_t shard_index_bytes(const ShardingSpec& spec);

/// One value in a shard.
struct ShardEntry {
  std::uint64_t key = 0;
  std::uint64_t offset = 0;  // from the end of the shard index
  std::uint64_t size = 0;    // as stored
  friend bool operator==(const ShardEntry&, const ShardEntry&) = default;
};
/// Encodes a minishard index: entries in ascending key order, 24 bytes each, not yet gzipped (spec 2.3).
Bytes encode_minishard_index(std::span<const ShardEntry> entries);
/// Decodes an (already gunzipped) minishard index in any key order. Errors: invalid_data (length, overflow).
Result<std::vector<ShardEntry>> decode_minishard_index(std::span<const std::byte> bytes, std::string_view where);

/// Whether bytes begin like a zlib stream (RFC 1950).
bool looks_like_zlib(std::span<const std::byte> bytes);
/// Undoes "gzip" of a value or minishard index. What neuroglancer-scripts 1.2.0 writes under that name, zlib streams,
/// is taken too. Errors: invalid_data (neither, corrupt or cut off), limit (more than `limit_bytes`).
Result<Bytes> unpack_shard_gzip(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes);

/// Derives the bits for a grid (COMMANDS.md, --shard-size; as tensorstore: preshift at most 9 bits).
/// `shard_bytes`: uncompressed voxels a shard may hold; `chunk_bytes`: of one whole chunk.
/// Errors: limit (more than 64 bits).
Result<ShardingSpec> plan_sharding(const GridVec& grid_shape, std::uint64_t chunk_bytes, std::uint64_t shard_bytes,
                                   bool gzip_data);

}  // namespace ngforge
