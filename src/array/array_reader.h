// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "array/array_metadata.h"
#include "array/shard_index.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Reads boxes of an array that lies in a store. Safe to use from any number of threads.
class ArrayReader {
 public:
  /// `folder`: "" or the key of the array's folder with '/' behind it.
  ArrayReader(std::shared_ptr<Store> store, std::string folder, ArrayMetadata metadata);

  const ArrayMetadata& metadata() const { return metadata_; }
  /// Reads the box that begins at `begin`, which must lie in the array: value (i, j, ...) of it, counted from its
  /// corner, goes to out + i * strides[0] + j * strides[1] ... (bytes), in the machine's byte order. Chunks that are
  /// absent are the fill value. Errors: invalid_data (a chunk that does not decode, or to another shape), unsupported
  /// (an N5 block that is not plain), those of the store.
  Result<void> read(const Extents& begin, const Extents& shape, std::byte* out, const Extents& strides) const;

 private:
  /// A box inside a chunk and where its values go.
  struct Piece {
    Extents begin, shape;
    std::byte* to = nullptr;
    Extents strides;
  };
  /// Encoded bytes that are to be read: a value of the store, or a part of it, or bytes that are at hand.
  struct Encoded {
    std::string key;
    std::optional<ByteRange> range;
    std::shared_ptr<const Bytes> held;  // the whole value or a shard that was packed as a whole
  };
  template <class Function>
  Result<void> for_each_chunk(const Extents& chunk_shape, const Piece& piece, const Function& function) const;
  Result<void> read_chunk(const CodecChain& chain, const Extents& shape, Encoded encoded, Piece piece) const;
  Result<void> read_values(const CodecChain& chain, const Extents& shape, const Encoded& encoded,
                           const Piece& piece) const;
  Result<void> read_shard(const CodecChain& chain, const Extents& shape, Encoded encoded, const Piece& piece) const;
  Result<ShardIndexCache::Pointer> shard_index(const Sharding& sharding, const Extents& shape, Encoded& encoded) const;
  Result<std::optional<Bytes>> fetch(const Encoded& encoded, std::uint64_t limit_bytes) const;
  void fill(const Piece& piece) const;
  std::string where(const Encoded& encoded) const;

  std::shared_ptr<Store> store_;
  const std::string folder_;
  const ArrayMetadata metadata_;
  mutable ShardIndexCache indices_;
};

/// The values of a chunk whose encoded bytes are at hand.
struct DecodedChunk {
  Extents shape;  // as stored; an N5 block at the border may be smaller than others
  Bytes values;   // dense, last axis fastest, in the chain's byte order
};
/// Undoes the codecs of a chunk without shards. `shape`: as stored. Errors: invalid_data, unsupported, limit.
Result<DecodedChunk> decode_chunk(const CodecChain& chain, const Extents& shape, StoredType type, Bytes encoded,
                                  std::string_view where);

}  // namespace ngforge
