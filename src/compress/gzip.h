// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Compresses whole buffers to single-member gzip (mtime 0, no name) by libdeflate. One per thread; about 0.7 MB.
class GzipCompressor {
 public:
  /// level 0..12. Throws std::bad_alloc.
  explicit GzipCompressor(int level);
  ~GzipCompressor();
  GzipCompressor(GzipCompressor&&) noexcept;
  GzipCompressor& operator=(GzipCompressor&&) noexcept;
  /// Replaces the content of `out`. The same input gives the same bytes for one library version.
  void compress(std::span<const std::byte> in, Bytes& out);
  /// The same into `space`, which is grown to the bound when it is shorter; returns the part of it that was used.
  std::span<const std::byte> compress(std::span<const std::byte> in, Buffer& space);
  /// The most bytes that `input_bytes` can become.
  std::size_t bound(std::size_t input_bytes) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Decompresses all members of a gzip buffer. `expected_bytes` > 0: the size must be exactly that.
/// Errors: invalid_data (corrupt, truncated, trailing bytes, wrong size), limit (more than `limit_bytes`).
Result<Bytes> gunzip(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes,
                     std::uint64_t expected_bytes = 0);

}  // namespace ngforge
