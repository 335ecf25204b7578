// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/block.h"

namespace ngforge {

/// What zlib streams are made of.
enum class PngPacking {
  matches,  // what was there before, wherever it was: libdeflate
  runs,     // repeated bytes: zlib's Z_RLE, faster, and better for what filters leave of smooth pictures
  codes,    // single bytes: zlib's Z_HUFFMAN_ONLY, best for noise
};

/// Packs buffers as zlib streams. One per thread; about 1 MB.
class PngPacker {
 public:
  /// level 0..9 as zlib's: effort of `matches`, and 0 stores the bytes as they are. Throws std::bad_alloc.
  explicit PngPacker(int level);
  ~PngPacker();
  int level() const { return level_; }
  /// Bytes in this object, valid until the next call. The same input gives the same bytes for one version of the
  /// libraries.
  std::span<const std::byte> pack(std::span<const std::byte> in, PngPacking packing);
  /// The most bytes that `input_bytes` can become.
  std::size_t bound(std::size_t input_bytes) const;
  /// The same for every level.
  static std::uint64_t most_bytes(std::uint64_t input_bytes);

 private:
  struct Impl;
  int level_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ngforge
