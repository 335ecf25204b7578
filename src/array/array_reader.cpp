// SPDX-License-Identifier: Apache-2.0
#include "array/array_reader.h"

#include <algorithm>
#include <utility>

#include "array/copy_values.h"
#include "compress/crc32c.h"
#include "core/byte_cursor.h"
#include "store/store.h"

namespace ngforge {
namespace {

// Indices of shards that are kept.
constexpr std::size_t kIndexCacheBytes = std::size_t{4} << 20;
constexpr std::uint64_t kMaxShardBytes = std::uint64_t{1} << 31;

// What the encoded bytes of a chunk may be: no codec makes more of them, beside a small constant.
std::uint64_t encoded_limit(std::uint64_t value_bytes) {
  return 2 * value_bytes + (std::uint64_t{1} << 20);
}

Index offset_of(const Extents& at, const Extents& strides) {
  Index offset = 0;
  for (std::size_t a = 0; a < at.size(); ++a) offset += at[a] * strides[a];
  return offset;
}

// Takes the header of an N5 block away; returns the shape that it tells, slowest axis first.
Result<Extents> take_n5_header(std::span<const std::byte>& bytes, const Extents& block_shape, std::string_view where) {
  ByteCursor cursor(bytes, where, std::endian::big);
  NGFORGE_TRY(const auto mode, cursor.read<std::uint16_t>());
  if (mode != 0)
    return make_error(ErrorCode::unsupported, "{}: expected a block of mode 0 (default), found {}{}", where, mode,
                      mode == 1   ? " (varlength)"
                      : mode == 2 ? " (object)"
                                  : "");
  NGFORGE_TRY(const auto rank, cursor.read<std::uint16_t>());
  if (rank != block_shape.size())
    return make_error(ErrorCode::invalid_data, "{}: expected a block of {} axes, found {}", where, block_shape.size(),
                      rank);
  Extents shape(rank);
  for (std::size_t a = rank; a-- > 0;) {
    NGFORGE_TRY(shape[a], cursor.read<std::uint32_t>());
    if (shape[a] < 1 || shape[a] > block_shape[a])
      return make_error(ErrorCode::invalid_data, "{}: expected a block of 1 to {} values along axis {}, found {}",
                        where, block_shape[a], rank - 1 - a, shape[a]);
  }
  bytes = bytes.subspan(cursor.position());
  return shape;
}

// Undoes the codecs behind the values. The result lies in `bytes` or in `space`.
Result<void> undo_byte_codecs(const CodecChain& chain, std::uint64_t limit_bytes, std::string_view where,
                              std::span<const std::byte>& bytes, Bytes& space) {
  constexpr std::size_t kChecksumBytes = 4;
  for (auto codec = chain.byte_codecs.rbegin(); codec != chain.byte_codecs.rend(); ++codec) {
    if (codec->unpack != nullptr) {
      NGFORGE_TRY(Bytes unpacked, codec->unpack(bytes, where, limit_bytes));
      space = std::move(unpacked);
      bytes = space;
      continue;
    }
    if (bytes.size() < kChecksumBytes)
      return make_error(ErrorCode::invalid_data, "{}: expected a checksum, found {} bytes", where, bytes.size());
    const auto stored = load<std::uint32_t>(bytes.data() + bytes.size() - kChecksumBytes);
    bytes = bytes.first(bytes.size() - kChecksumBytes);
    if (const auto found = crc32c(bytes); found != stored)
      return make_error(ErrorCode::invalid_data, "{}: expected checksum {:08x}, found {:08x}", where, stored, found);
  }
  return {};
}

}  // namespace

Result<DecodedChunk> decode_chunk(const CodecChain& chain, const Extents& shape, StoredType type, Bytes encoded,
                                  std::string_view where) {
  DecodedChunk chunk{shape, std::move(encoded)};
  std::span<const std::byte> bytes = chunk.values;
  if (chain.has_n5_header) {
    NGFORGE_TRY(chunk.shape, take_n5_header(bytes, shape, where));
  }
  const std::uint64_t expected = value_bytes_of(chunk.shape, type);
  Bytes space;
  NGFORGE_CHECK(undo_byte_codecs(chain, encoded_limit(expected), where, bytes, space));
  if (bytes.size() != expected)
    return make_error(ErrorCode::invalid_data, "{}: expected a chunk of {} bytes of values, found {}", where, expected,
                      bytes.size());
  if (bytes.data() == space.data())
    chunk.values = std::move(space);
  else
    chunk.values.erase(chunk.values.begin(), chunk.values.begin() + (bytes.data() - chunk.values.data()));
  chunk.values.resize(static_cast<std::size_t>(expected));
  return chunk;
}

ArrayReader::ArrayReader(std::shared_ptr<Store> store, std::string folder, ArrayMetadata metadata)
    : store_(std::move(store)),
      folder_(std::move(folder)),
      metadata_(std::move(metadata)),
      indices_(kIndexCacheBytes) {}

std::string ArrayReader::where(const Encoded& encoded) const {
  std::string text = fmt::format("{}/{}", store_->describe(), encoded.key);
  if (encoded.range) text += fmt::format(": {} bytes at {}", encoded.range->length, encoded.range->offset);
  return text;
}

void ArrayReader::fill(const Piece& piece) const {
  fill_values(metadata_.type, piece.shape, metadata_.fill, piece.to, piece.strides);
}

Result<std::optional<Bytes>> ArrayReader::fetch(const Encoded& encoded, std::uint64_t limit_bytes) const {
  if (encoded.range && encoded.range->length > limit_bytes)
    return make_error(ErrorCode::limit, "{}: expected at most {} bytes", where(encoded), limit_bytes);
  if (encoded.held) {
    const auto begin = encoded.held->begin() + static_cast<std::ptrdiff_t>(encoded.range ? encoded.range->offset : 0);
    return std::optional<Bytes>(
        Bytes(begin, encoded.range ? begin + static_cast<std::ptrdiff_t>(encoded.range->length) : encoded.held->end()));
  }
  auto bytes =
      encoded.range ? store_->get_range(encoded.key, *encoded.range) : get_decoded(*store_, encoded.key, limit_bytes);
  if (bytes) return std::optional<Bytes>(std::move(*bytes));
  if (bytes.error().code == ErrorCode::not_found) return std::optional<Bytes>();
  return std::move(bytes).error();
}

// Calls function(cell, the part of the piece in it, counted from the chunk's corner).
template <class Function>
Result<void> ArrayReader::for_each_chunk(const Extents& chunk_shape, const Piece& piece,
                                         const Function& function) const {
  const std::size_t rank = chunk_shape.size();
  Extents first(rank), last(rank);
  for (std::size_t a = 0; a < rank; ++a) {
    if (piece.shape[a] == 0) return {};
    first[a] = piece.begin[a] / chunk_shape[a];
    last[a] = (piece.begin[a] + piece.shape[a] - 1) / chunk_shape[a];
  }
  for (Extents cell = first;;) {
    Piece part{piece.begin, piece.shape, piece.to, piece.strides};
    for (std::size_t a = 0; a < rank; ++a) {
      const Index corner = cell[a] * chunk_shape[a];
      const Index begin = std::max(piece.begin[a], corner);
      const Index end = std::min(piece.begin[a] + piece.shape[a], corner + chunk_shape[a]);
      part.begin[a] = begin - corner;
      part.shape[a] = end - begin;
      part.to += (begin - piece.begin[a]) * piece.strides[a];
    }
    NGFORGE_CHECK(function(cell, std::move(part)));
    std::size_t a = rank;
    while (a > 0 && ++cell[a - 1] > last[a - 1]) {
      cell[a - 1] = first[a - 1];
      --a;
    }
    if (a == 0) return {};
  }
}

Result<void> ArrayReader::read(const Extents& begin, const Extents& shape, std::byte* out,
                               const Extents& strides) const {
  return for_each_chunk(metadata_.chunk_shape, {begin, shape, out, strides}, [&](const Extents& cell, Piece part) {
    return read_chunk(metadata_.codecs, metadata_.chunk_shape, {folder_ + metadata_.keys.key(cell), {}, {}},
                      std::move(part));
  });
}

Result<void> ArrayReader::read_chunk(const CodecChain& chain, const Extents& shape, Encoded encoded,
                                     Piece piece) const {
  const Piece stored{permuted(piece.begin, chain.order), permuted(piece.shape, chain.order), piece.to,
                     permuted(piece.strides, chain.order)};
  const Extents stored_shape = permuted(shape, chain.order);
  return chain.sharding ? read_shard(chain, stored_shape, std::move(encoded), stored)
                        : read_values(chain, stored_shape, encoded, stored);
}

Result<void> ArrayReader::read_values(const CodecChain& chain, const Extents& shape, const Encoded& encoded,
                                      const Piece& piece) const {
  NGFORGE_TRY(auto bytes, fetch(encoded, encoded_limit(value_bytes_of(shape, metadata_.type))));
  if (!bytes) {
    fill(piece);
    return {};
  }
  NGFORGE_TRY(const DecodedChunk chunk, decode_chunk(chain, shape, metadata_.type, std::move(*bytes), where(encoded)));
  Piece part = piece;
  if (chunk.shape != shape) {
    fill(piece);
    for (std::size_t a = 0; a < shape.size(); ++a) {
      part.shape[a] = std::min(part.begin[a] + part.shape[a], chunk.shape[a]) - part.begin[a];
      if (part.shape[a] <= 0) return {};
    }
  }
  const Extents strides = dense_strides(chunk.shape, metadata_.type);
  copy_values(metadata_.type, part.shape, chunk.values.data() + offset_of(part.begin, strides), strides, part.to,
              part.strides, chain.endian != std::endian::native);
  return {};
}

Result<void> ArrayReader::read_shard(const CodecChain& chain, const Extents& shape, Encoded encoded,
                                     const Piece& piece) const {
  if (!chain.byte_codecs.empty()) {
    NGFORGE_TRY(const auto packed, fetch(encoded, kMaxShardBytes));
    if (!packed) {
      fill(piece);
      return {};
    }
    std::span<const std::byte> bytes = *packed;
    Bytes space;
    NGFORGE_CHECK(undo_byte_codecs(chain, kMaxShardBytes, where(encoded), bytes, space));
    encoded.held = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
    encoded.range.reset();
  }
  const Sharding& sharding = *chain.sharding;
  NGFORGE_TRY(const auto index, shard_index(sharding, shape, encoded));
  if (!index) {
    fill(piece);
    return {};
  }
  return for_each_chunk(sharding.chunk_shape, piece, [&](const Extents& cell, Piece part) -> Result<void> {
    std::uint64_t number = 0;
    for (std::size_t a = 0; a < cell.size(); ++a)
      number =
          number * static_cast<std::uint64_t>(shape[a] / sharding.chunk_shape[a]) + static_cast<std::uint64_t>(cell[a]);
    ByteRange range = index->ranges[static_cast<std::size_t>(number)];
    if (range.length == 0) {
      fill(part);
      return {};
    }
    if (encoded.range) range.offset += encoded.range->offset;
    return read_chunk(sharding.chunk_codecs, sharding.chunk_shape, {encoded.key, range, encoded.held}, std::move(part));
  });
}

// Null when the shard is absent. A shard whose bytes the store encodes once more is read as a whole into `encoded`.
Result<ShardIndexCache::Pointer> ArrayReader::shard_index(const Sharding& sharding, const Extents& shape,
                                                          Encoded& encoded) const {
  // An inner shard may begin where the outer one does.
  const std::string name =
      encoded.range ? fmt::format("{} {} {}", encoded.key, encoded.range->offset, encoded.range->length) : encoded.key;
  if (!encoded.held)
    if (auto kept = indices_.find(name)) return kept;
  std::uint64_t shard_bytes = 0;
  if (encoded.range) {
    shard_bytes = encoded.range->length;
  } else if (encoded.held) {
    shard_bytes = encoded.held->size();
  } else {
    const auto stored = store_->stat(encoded.key);
    if (!stored && stored.error().code == ErrorCode::not_found) return ShardIndexCache::Pointer();
    if (!stored) return stored.error();
    shard_bytes = stored->size;
    if (!stored->content_encoding.empty()) {
      NGFORGE_TRY(Bytes whole, get_decoded(*store_, encoded.key, kMaxShardBytes));
      shard_bytes = whole.size();
      encoded.held = std::make_shared<const Bytes>(std::move(whole));
    }
  }
  const std::uint64_t chunks = chunks_in_shard(shape, sharding), size = shard_index_bytes(sharding, chunks);
  if (size > shard_bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected a shard with an index of {} bytes, found {} bytes",
                      where(encoded), size, shard_bytes);
  Encoded part = encoded;
  part.range =
      ByteRange{(encoded.range ? encoded.range->offset : 0) + (sharding.index_at_end ? shard_bytes - size : 0), size};
  NGFORGE_TRY(const auto bytes, fetch(part, size));
  if (!bytes) return ShardIndexCache::Pointer();
  NGFORGE_TRY(ShardIndex index, decode_shard_index(*bytes, sharding, chunks, shard_bytes, where(encoded)));
  auto pointer = std::make_shared<const ShardIndex>(std::move(index));
  if (!encoded.held) indices_.add(name, pointer);
  return ShardIndexCache::Pointer(std::move(pointer));
}

}  // namespace ngforge
