// SPDX-License-Identifier: Apache-2.0
// neuroglancer_uint64_sharded_v1 (precomputed specification, section 2): which shard holds a key, and the bytes of the
// indices.
#include "layout/sharding.h"

#include <algorithm>
#include <bit>

#include "compress/gzip.h"
#include "compress/unpack.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// As tensorstore: 512 neighbours in Morton order share a minishard.
constexpr int kMaxPreshiftBits = 9;
constexpr std::uint64_t kEntryBytes = 24;

std::uint64_t low_bits(int bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}
std::uint64_t shift_right(std::uint64_t value, int bits) {
  return bits >= 64 ? 0 : value >> bits;
}

std::uint32_t mix(std::uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

}  // namespace

int morton_bits(const GridVec& grid_shape) {
  int bits = 0;
  for (int a = 0; a < 3; ++a) bits += static_cast<int>(std::bit_width(static_cast<std::uint64_t>(grid_shape[a] - 1)));
  return bits;
}

std::uint64_t encode_morton(const GridVec& cell, const GridVec& grid_shape) {
  std::uint64_t code = 0;
  int j = 0;
  for (int i = 0; i < 64 && j < 64; ++i)
    for (int a = 0; a < 3; ++a)
      if ((static_cast<std::uint64_t>(grid_shape[a] - 1) >> i) != 0 && j < 64)
        code |= ((static_cast<std::uint64_t>(cell[a]) >> i) & 1) << j++;
  return code;
}

GridVec decode_morton(std::uint64_t code, const GridVec& grid_shape) {
  GridVec cell;
  int j = 0;
  for (int i = 0; i < 63 && j < 64; ++i)
    for (int a = 0; a < 3; ++a)
      if ((static_cast<std::uint64_t>(grid_shape[a] - 1) >> i) != 0 && j < 64)
        cell[a] |= static_cast<Index>((code >> j++) & 1) << i;
  // Bits beyond the code belong to no cell.
  if (j < 64 && (code >> j) != 0) return grid_shape;
  return cell;
}

std::uint64_t murmurhash3_x86_128_low(std::uint64_t key) {
  // MurmurHash3_x86_128 by Austin Appleby (public domain); eight bytes of input reach only its tail and its end.
  constexpr std::uint32_t c1 = 0x239b961b, c2 = 0xab0e9789, c3 = 0x38b34ae5;
  std::uint32_t h1 = 0, h2 = 0, h3 = 0, h4 = 0;
  std::uint32_t k2 = static_cast<std::uint32_t>(key >> 32);
  k2 *= c2;
  k2 = std::rotl(k2, 16);
  k2 *= c3;
  h2 ^= k2;
  std::uint32_t k1 = static_cast<std::uint32_t>(key);
  k1 *= c1;
  k1 = std::rotl(k1, 15);
  k1 *= c2;
  h1 ^= k1;
  for (std::uint32_t* h : {&h1, &h2, &h3, &h4}) *h ^= 8;
  h1 += h2 + h3 + h4;
  h2 += h1;
  h3 += h1;
  h4 += h1;
  for (std::uint32_t* h : {&h1, &h2, &h3, &h4}) *h = mix(*h);
  h1 += h2 + h3 + h4;
  h2 += h1;
  return h1 | (static_cast<std::uint64_t>(h2) << 32);
}

ShardPlace shard_place(const ShardingSpec& spec, std::uint64_t key) {
  const std::uint64_t shifted = shift_right(key, spec.preshift_bits);
  const std::uint64_t hash = spec.is_murmur ? murmurhash3_x86_128_low(shifted) : shifted;
  return {shift_right(hash, spec.minishard_bits) & low_bits(spec.shard_bits), hash & low_bits(spec.minishard_bits)};
}

std::string shard_file_name(const ShardingSpec& spec, std::uint64_t shard) {
  return fmt::format("{:0{}x}.shard", shard, std::max(1, (spec.shard_bits + 3) / 4));
}

std::uint64_t shard_index_bytes(const ShardingSpec& spec) {
  return std::uint64_t{16} << spec.minishard_bits;
}

Bytes encode_minishard_index(std::span<const ShardEntry> entries) {
  const std::size_t n = entries.size();
  Bytes bytes(n * kEntryBytes);
  std::uint64_t key = 0, end = 0;
  for (std::size_t i = 0; i < n; ++i) {
    store(bytes.data() + 8 * i, entries[i].key - key);
    store(bytes.data() + 8 * (n + i), entries[i].offset - end);
    store(bytes.data() + 8 * (2 * n + i), entries[i].size);
    key = entries[i].key;
    end = entries[i].offset + entries[i].size;
  }
  return bytes;
}

Result<std::vector<ShardEntry>> decode_minishard_index(std::span<const std::byte> bytes, std::string_view where) {
  if (bytes.size() % kEntryBytes != 0)
    return make_error(ErrorCode::invalid_data, "{}: expected a multiple of {} bytes, found {}", where, kEntryBytes,
                      bytes.size());
  const std::size_t n = bytes.size() / kEntryBytes;
  std::vector<ShardEntry> entries(n);
  // Deltas wrap around: a foreign writer may list keys and values in any order.
  std::uint64_t key = 0, end = 0;
  for (std::size_t i = 0; i < n; ++i) {
    ShardEntry& entry = entries[i];
    entry.key = key += load<std::uint64_t>(bytes.data() + 8 * i);
    entry.offset = end + load<std::uint64_t>(bytes.data() + 8 * (n + i));
    entry.size = load<std::uint64_t>(bytes.data() + 8 * (2 * n + i));
    if (entry.offset >> 53 != 0 || entry.size >> 53 != 0)
      return make_error(ErrorCode::invalid_data, "{}: entry {}: expected a place below 2^53, found offset {} size {}",
                        where, i, entry.offset, entry.size);
    end = entry.offset + entry.size;
  }
  return entries;
}

bool looks_like_zlib(std::span<const std::byte> bytes) {
  if (bytes.size() < 2) return false;
  const auto first = std::to_integer<unsigned>(bytes[0]), second = std::to_integer<unsigned>(bytes[1]);
  constexpr unsigned kDeflate = 8, kPresetDictionary = 0x20;
  return (first & 15) == kDeflate && (first * 256 + second) % 31 == 0 && (second & kPresetDictionary) == 0;
}

Result<Bytes> unpack_shard_gzip(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes) {
  return looks_like_zlib(bytes) ? unpack_zlib(bytes, where, limit_bytes) : gunzip(bytes, where, limit_bytes);
}

Result<ShardingSpec> plan_sharding(const GridVec& grid_shape, std::uint64_t chunk_bytes, std::uint64_t shard_bytes,
                                   bool gzip_data) {
  const int total = morton_bits(grid_shape);
  if (total > 64)
    return make_error(ErrorCode::limit, "sharding: expected a grid of at most 64 bits, found {} x {} x {} chunks",
                      grid_shape.x, grid_shape.y, grid_shape.z);
  const std::uint64_t chunks = std::max<std::uint64_t>(1, shard_bytes / std::max<std::uint64_t>(1, chunk_bytes));
  const int in_shard = std::min(total, static_cast<int>(std::bit_width(chunks)) - 1);
  ShardingSpec spec;
  spec.preshift_bits = std::min(in_shard, kMaxPreshiftBits);
  spec.minishard_bits = in_shard - spec.preshift_bits;
  spec.shard_bits = total - in_shard;
  spec.gzip_index = true;
  spec.gzip_data = gzip_data;
  return spec;
}

}  // namespace ngforge
