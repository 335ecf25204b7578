// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "codec/codec.h"
#include "core/block.h"

namespace ngforge {

inline void demand(bool condition) {
  if (!condition) std::abort();
}

inline bool is_equal(const Block& a, const Block& b) {
  return std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

/// Size of the chunk that three bytes of a fuzz input ask for.
inline Box fuzzed_box(const std::uint8_t* data) {
  return {{0, 0, 0}, {1 + data[0] % 32, 1 + data[1] % 32, 1 + data[2] % 32}};
}

/// What decodes is all written, the same each time, and can be encoded and decoded again; without change when
/// `is_lossless`.
inline void check_picture_chunk(const CodecDescriptor& codec, std::span<const std::byte> chunk, const Box& box,
                                Index channels, bool is_lossless) {
  Block values(DataType::uint8, box, channels), again(DataType::uint8, box, channels);
  std::memset(values.bytes().data(), 0x5a, values.bytes().size());
  std::memset(again.bytes().data(), 0xa5, again.bytes().size());
  if (!codec.decode(chunk, {}, values.view())) return;
  demand(codec.decode(chunk, {}, again.view()).has_value());
  demand(is_equal(values, again));
  Bytes encoded;
  demand(codec.encode(values.view(), {}, encoded).has_value());
  demand(encoded.size() <= codec.most_bytes(box.size(), DataType::uint8, channels, {}));
  demand(codec.decode(encoded, {}, again.view()).has_value());
  demand(!is_lossless || is_equal(values, again));
}

}  // namespace ngforge
