// SPDX-License-Identifier: Apache-2.0
// The raw encoding (precomputed specification, 1.4): [x, y, z, channel], x fastest, little-endian, no header.
#include <bit>
#include <cstring>

#include "codec/codec.h"

namespace ngforge {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks in memory are the raw encoding");

// Precomputed volumes have no int64 and float64; the chunks of OME-Zarr are made by this codec too.
bool supports(DataType, Index channels) {
  return channels >= 1;
}

Result<void> encode(const BlockView& view, const CodecOptions&, Bytes& out) {
  const auto bytes = view.dense_bytes();
  out.assign(bytes.begin(), bytes.end());
  return {};
}

std::uint64_t most_bytes(const VoxelVec& size, DataType type, Index channels, const CodecOptions&) {
  return static_cast<std::uint64_t>(size.product() * channels) * size_of(type);
}

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions&, const MutableBlockView& view) {
  if (bytes.size() != view.byte_count())
    return make_error(ErrorCode::invalid_data, "raw: expected {} bytes, found {}", view.byte_count(), bytes.size());
  std::memcpy(view.data, bytes.data(), bytes.size());
  return {};
}

}  // namespace

extern const CodecDescriptor raw_codec;
const CodecDescriptor raw_codec{.name = "raw",
                                .alias = "",
                                .title = "raw: values as they are",
                                .is_lossy = false,
                                .is_compressed = false,
                                .is_plain = true,
                                .has_block_size = false,
                                .supports = supports,
                                .encode = encode,
                                .most_bytes = most_bytes,
                                .decode = decode};

}  // namespace ngforge
