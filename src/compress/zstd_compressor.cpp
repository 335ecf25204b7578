// SPDX-License-Identifier: Apache-2.0
// RFC 8878: one frame that says its size.
#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include <zstd.h>

#include "compress/compressor.h"

namespace ngforge {
namespace {

// Of a context of each level from 1 on, as zstd 1.5 makes them for large buffers.
constexpr std::array<std::uint64_t, 12> kContextKiB{600,  800,  1300,  2600,  3600,  3600,
                                                    6700, 6700, 12800, 25100, 25100, 49700};

class Zstd final : public Compressor {
 public:
  explicit Zstd(int level) : level_(level), context_(ZSTD_createCCtx()) {
    if (!context_) throw std::bad_alloc();
  }

  std::span<const std::byte> compress(std::span<const std::byte> in, Buffer& space) override {
    const std::size_t bound = ZSTD_compressBound(in.size());
    if (space.size() < bound) space = Buffer(bound);
    const std::size_t size = ZSTD_compressCCtx(context_.get(), space.data(), bound, in.data(), in.size(), level_);
    // With room for the bound there is nothing that can fail but an allocation.
    if (ZSTD_isError(size)) throw std::bad_alloc();
    return space.span().first(size);
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  const int level_;
  const std::unique_ptr<ZSTD_CCtx, Free> context_;
};

std::uint64_t bound(std::uint64_t input_bytes) {
  return input_bytes + input_bytes / 256 + 64;
}

// Tables are as long as the input asks for, up to what the level has.
std::uint64_t memory_bytes(int level, std::uint64_t input_bytes) {
  const std::uint64_t most = kContextKiB[static_cast<std::size_t>(level - 1)] << 10;
  return std::min(most, std::min(most, input_bytes) * 18 + (300 << 10));
}

std::unique_ptr<Compressor> create(int level, std::size_t) {
  return std::make_unique<Zstd>(level);
}

}  // namespace

extern const CompressorDescriptor zstd_compressor;
const CompressorDescriptor zstd_compressor{.name = "zstd",
                                           .lowest_level = 1,
                                           .initial_level = 3,
                                           .highest_level = kContextKiB.size(),
                                           .most_input_bytes = std::uint64_t{1} << 31,
                                           .bound = bound,
                                           .memory_bytes = memory_bytes,
                                           .create = create};

}  // namespace ngforge
