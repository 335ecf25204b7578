// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/block.h"

namespace ngforge {

/// Compresses whole buffers. One per thread.
class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Compresses into `space`, which is grown to the bound when it is shorter; returns the part of it that was used.
  /// The same input gives the same bytes for one library version, whatever was compressed before.
  virtual std::span<const std::byte> compress(std::span<const std::byte> in, Buffer& space) = 0;
};

/// A row of compressors.def.
struct CompressorDescriptor {
  const char* name;  // on the command line, and as Zarr calls the codec: "gzip"
  int lowest_level, initial_level, highest_level;
  std::uint64_t most_input_bytes;  // what one buffer may have
  /// The most bytes that `input_bytes` can become.
  std::uint64_t (*bound)(std::uint64_t input_bytes);
  /// What a compressor takes at most, beside `space` and the 1 MiB that every worker has for one.
  std::uint64_t (*memory_bytes)(int level, std::uint64_t input_bytes);
  /// `value_bytes`: of one value in the buffers to come. Throws std::bad_alloc.
  std::unique_ptr<Compressor> (*create)(int level, std::size_t value_bytes);
};

std::span<const CompressorDescriptor* const> all_compressors();
/// nullptr when there is none of that name.
const CompressorDescriptor* find_compressor(std::string_view name);

/// What blosc packs with, once it has shuffled.
inline constexpr const char* kBloscInner = "zstd";
/// How it shuffles values of this size, as Zarr spells it: bits of single bytes, bytes of others.
constexpr const char* blosc_shuffle(std::size_t value_bytes) {
  return value_bytes == 1 ? "bitshuffle" : "shuffle";
}

}  // namespace ngforge
