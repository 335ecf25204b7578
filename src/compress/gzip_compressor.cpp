// SPDX-License-Identifier: Apache-2.0
#include "compress/compressor.h"
#include "compress/gzip.h"

namespace ngforge {
namespace {

class Gzip final : public Compressor {
 public:
  explicit Gzip(int level) : compressor_(level) {}
  std::span<const std::byte> compress(std::span<const std::byte> in, Buffer& space) override {
    return compressor_.compress(in, space);
  }

 private:
  GzipCompressor compressor_;
};

std::uint64_t bound(std::uint64_t input_bytes) {
  return input_bytes + input_bytes / 1000 + 64;
}

std::unique_ptr<Compressor> create(int level, std::size_t) {
  return std::make_unique<Gzip>(level);
}

}  // namespace

extern const CompressorDescriptor gzip_compressor;
const CompressorDescriptor gzip_compressor{.name = "gzip",
                                           .lowest_level = 0,
                                           .initial_level = 6,
                                           .highest_level = 12,
                                           .most_input_bytes = ~std::uint64_t{0},
                                           .bound = bound,
                                           .memory_bytes = [](int, std::uint64_t) { return std::uint64_t{0}; },
                                           .create = create};

}  // namespace ngforge
