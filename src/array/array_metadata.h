// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compress/unpack.h"
#include "core/stored_type.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// One number per axis of an array, the slowest axis first (N5, which begins with the fastest, is turned round).
using Extents = std::vector<Index>;

/// A codec from bytes to bytes.
struct ByteCodec {
  std::string name;
  Unpack* unpack = nullptr;  // nullptr: a CRC-32C of the bytes stands behind them
};

struct Sharding;

/// How the values of one chunk become bytes.
struct CodecChain {
  std::vector<std::size_t> order;            // axis a as stored is axis order[a] of the chunk; one for each axis
  std::endian endian = std::endian::little;  // of values, unless there are shards
  std::shared_ptr<const Sharding> sharding;  // instead of values the chunk holds smaller chunks and an index
  std::vector<ByteCodec> byte_codecs;        // in the order of writing
  bool has_n5_header = false;                // mode and shape stand before the encoded bytes
};

/// sharding_indexed (Zarr v3). Axes are those of the chunk as stored, behind `order`.
struct Sharding {
  Extents chunk_shape;
  CodecChain chunk_codecs;
  std::endian index_endian = std::endian::little;
  int index_checksums = 0;  // CRC-32C's behind the index
  bool index_at_end = true;
};

/// How chunks are called.
struct ChunkKeys {
  std::string prefix;  // "c" (then a separator), or nothing
  char separator = '/';
  bool fastest_first = false;
  std::string key(const Extents& cell) const;
};

/// An array of Zarr v2, Zarr v3 or N5. All sizes are >= 1, of equal count, and small enough to be multiplied.
struct ArrayMetadata {
  Extents shape, chunk_shape;
  StoredType type = StoredType::uint8;
  Bytes fill;  // one value in the machine's byte order
  ChunkKeys keys;
  CodecChain codecs;
  std::vector<std::string> axis_names;  // one for each axis (some may be empty), or none at all
  std::string codec_names;              // for people: "transpose, bytes, zstd"

  std::size_t rank() const { return shape.size(); }
  /// What is decoded as a whole: the smallest chunk of nested shards, in the array's axes.
  Extents read_shape() const;
  /// Of the shard indices that are held while a chunk is read: as they lie there, and taken apart.
  std::uint64_t index_bytes() const;
};

/// Parses zarr.json of an array. Errors: invalid_data, unsupported (a codec or extension by its name), limit (chunks or
/// shard indices that are too large).
Result<ArrayMetadata> parse_zarr3_array(std::string_view text, std::string_view where);
/// Parses .zarray; `attributes` is .zattrs or empty.
Result<ArrayMetadata> parse_zarr2_array(std::string_view text, std::string_view attributes, std::string_view where);
/// Parses attributes.json of an N5 dataset.
Result<ArrayMetadata> parse_n5_array(std::string_view text, std::string_view where);

/// The bytes of a chunk's values. Sizes must have been checked.
std::uint64_t value_bytes_of(const Extents& shape, StoredType type);
/// `shape` with the axes of `order`: result[a] = shape[order[a]].
Extents permuted(const Extents& shape, const std::vector<std::size_t>& order);

}  // namespace ngforge
