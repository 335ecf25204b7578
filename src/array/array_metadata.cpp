// SPDX-License-Identifier: Apache-2.0
#include "array/array_metadata.h"

#include <numeric>

#include "array/shard_index.h"

namespace ngforge {

std::string ChunkKeys::key(const Extents& cell) const {
  std::string text = prefix;
  for (std::size_t a = 0; a < cell.size(); ++a) {
    if (!text.empty()) text += separator;
    text += fmt::format("{}", cell[fastest_first ? cell.size() - 1 - a : a]);
  }
  return text;
}

Extents ArrayMetadata::read_shape() const {
  // Which axis of the array the stored axes are, level by level.
  std::vector<std::size_t> axis(rank());
  std::iota(axis.begin(), axis.end(), std::size_t{0});
  Extents shape_as_stored = chunk_shape;
  for (const CodecChain* chain = &codecs; chain->sharding && chain->byte_codecs.empty();
       chain = &chain->sharding->chunk_codecs) {
    std::vector<std::size_t> next(rank());
    for (std::size_t a = 0; a < rank(); ++a) next[a] = axis[chain->order[a]];
    axis = std::move(next);
    shape_as_stored = chain->sharding->chunk_shape;
  }
  Extents result(rank());
  for (std::size_t a = 0; a < rank(); ++a) result[axis[a]] = shape_as_stored[a];
  return result;
}

std::uint64_t ArrayMetadata::index_bytes() const {
  std::uint64_t bytes = 0;
  Extents shape_as_stored = chunk_shape;
  for (const CodecChain* chain = &codecs; chain->sharding; chain = &chain->sharding->chunk_codecs) {
    const std::uint64_t chunks = chunks_in_shard(permuted(shape_as_stored, chain->order), *chain->sharding);
    bytes += shard_index_bytes(*chain->sharding, chunks) + chunks * sizeof(ByteRange);
    shape_as_stored = chain->sharding->chunk_shape;
  }
  return bytes;
}

std::uint64_t value_bytes_of(const Extents& shape, StoredType type) {
  std::uint64_t bytes = size_of(type);
  for (const Index size : shape) bytes *= static_cast<std::uint64_t>(size);
  return bytes;
}

Extents permuted(const Extents& shape, const std::vector<std::size_t>& order) {
  Extents result(shape.size());
  for (std::size_t a = 0; a < order.size(); ++a) result[a] = shape[order[a]];
  return result;
}

}  // namespace ngforge
