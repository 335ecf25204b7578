// SPDX-License-Identifier: Apache-2.0
// The compresso encoding; its stream is described in compresso.h.
#include "codec/compresso.h"

#include <algorithm>

#include "codec/codec.h"

namespace ngforge {
namespace {

constexpr Index kLongestSide = std::numeric_limits<std::uint16_t>::max();
constexpr Index kMostVoxels = std::numeric_limits<std::int32_t>::max();  // so that runs can be counted in 32 bits

bool supports(DataType type, Index channels) {
  return is_integer(type) && !is_signed(type) && channels == 1;
}

Error unsupported_voxels(DataType type, Index channels) {
  return make_error(ErrorCode::unsupported, "compresso: expected one channel of unsigned integers, found {} of {}",
                    channels, name_of(type));
}

Result<void> check_size(const VoxelVec& size, const CodecOptions&) {
  if (std::max({size.x, size.y, size.z}) > kLongestSide || size.product() > kMostVoxels)
    return make_error(ErrorCode::limit,
                      "compresso: expected a chunk with sides of at most {} and at most {} voxels, found {} x {} x {}",
                      kLongestSide, kMostVoxels, size.x, size.y, size.z);
  return {};
}

Result<void> encode(const BlockView& view, const CodecOptions& options, Bytes& out) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_CHECK(check_size(view.size(), options));
  compresso::encode_labels(view, out);
  return {};
}

// A voxel is in a component or has at most two locations. Windows are 4 x 4 voxels, or 8 x 8 if there are too many
// different ones.
std::uint64_t most_bytes(const VoxelVec& size, DataType type, Index, const CodecOptions&) {
  const auto with_steps = [&](const VoxelVec& steps) {
    const compresso::Header header{.size = size, .steps = steps};
    const auto windows = static_cast<std::uint64_t>(header.windows().product());
    return 2 * windows * header.window_bytes() + header.index_bytes();
  };
  return compresso::kHeaderBytes + 2 * static_cast<std::uint64_t>(size.product()) * size_of(type) +
         std::max(with_steps({4, 4, 1}), with_steps({8, 8, 1}));
}

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions& options, const MutableBlockView& view) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_CHECK(check_size(view.size(), options));
  return compresso::decode_labels(bytes, view);
}

}  // namespace

extern const CodecDescriptor compresso_codec;
const CodecDescriptor compresso_codec{.name = "compresso",
                                      .alias = "cpso",
                                      .title = "compresso: labels by the boundaries between them, 1 channel",
                                      .is_lossy = false,
                                      .is_compressed = false,
                                      .is_plain = false,
                                      .has_block_size = false,
                                      .unread_by = "tensorstore, WEBKNOSSOS",
                                      .supports = supports,
                                      .check_size = check_size,
                                      .encode = encode,
                                      .most_bytes = most_bytes,
                                      .decode = decode};

}  // namespace ngforge
