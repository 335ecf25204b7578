// SPDX-License-Identifier: Apache-2.0
// c-blosc 1: values are shuffled block by block, and each block is packed by zstd.
#include <algorithm>
#include <new>
#include <string_view>

#include <blosc.h>

#include "compress/compressor.h"

namespace ngforge {
namespace {

class Blosc final : public Compressor {
 public:
  Blosc(int level, std::size_t value_bytes) : level_(level), value_bytes_(value_bytes) {}

  std::span<const std::byte> compress(std::span<const std::byte> in, Buffer& space) override {
    const std::size_t bound = in.size() + BLOSC_MAX_OVERHEAD;
    if (space.size() < bound) space = Buffer(bound);
    const bool shuffles_bits = std::string_view(blosc_shuffle(value_bytes_)) == "bitshuffle";
    // Only the calls with _ctx share nothing with other threads. What it makes depends on how much room it is given.
    const int size = blosc_compress_ctx(level_, shuffles_bits ? BLOSC_BITSHUFFLE : BLOSC_SHUFFLE, value_bytes_,
                                        in.size(), in.data(), space.data(), bound, kBloscInner, 0, 1);
    // What does not become smaller is stored: with room for the bound there is nothing that can fail but an allocation.
    if (size <= 0) throw std::bad_alloc();
    return space.span().first(static_cast<std::size_t>(size));
  }

 private:
  const int level_;
  const std::size_t value_bytes_;
};

std::uint64_t bound(std::uint64_t input_bytes) {
  return input_bytes + BLOSC_MAX_OVERHEAD;
}

// A block, its shuffled and packed copies, and the tables of the inner compressor, which are some 18 times as long.
// Blocks are as long as c-blosc 1.21 makes them at a level.
std::uint64_t memory_bytes(int level, std::uint64_t input_bytes) {
  const std::uint64_t most = level < 3 ? 64 << 10 : level < 5 ? 128 << 10 : level < 7 ? 256 << 10 : 512 << 10;
  return 22 * std::min(input_bytes, level == 9 ? 2 * most : most) + (512 << 10);
}

std::unique_ptr<Compressor> create(int level, std::size_t value_bytes) {
  return std::make_unique<Blosc>(level, value_bytes);
}

}  // namespace

extern const CompressorDescriptor blosc_compressor;
const CompressorDescriptor blosc_compressor{.name = "blosc",
                                            .lowest_level = 0,
                                            .initial_level = 5,
                                            .highest_level = 9,
                                            .most_input_bytes = BLOSC_MAX_BUFFERSIZE,
                                            .bound = bound,
                                            .memory_bytes = memory_bytes,
                                            .create = create};

}  // namespace ngforge
