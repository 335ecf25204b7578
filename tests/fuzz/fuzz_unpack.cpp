// SPDX-License-Identifier: Apache-2.0
// A packed buffer. One byte says how it is packed ('0' + a row of kUnpackers), the rest is the buffer.
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include "compress/unpack.h"

namespace {

using namespace ngforge;

constexpr std::uint64_t kMostBytes = 1 << 16;
Unpack* const kUnpackers[] = {unpack_zlib,       unpack_zstd,     unpack_bzip2, unpack_blosc, unpack_lz4_sized,
                              unpack_lz4_stream, unpack_lz4_hdf5, unpack_lzf,   unpack_gzip};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || data[0] < '0' || data[0] >= '0' + std::size(kUnpackers)) return 0;
  Unpack* const unpack = kUnpackers[data[0] - std::size_t{'0'}];
  const auto in = std::as_bytes(std::span(data, size)).subspan(1);
  const auto out = unpack(in, "fuzz", kMostBytes);
  if (!out) return 0;
  if (out->size() > kMostBytes) std::abort();
  const auto again = unpack(in, "fuzz", out->size());
  if (!again || *again != *out) std::abort();
  if (!out->empty() && unpack(in, "fuzz", out->size() - 1)) std::abort();
  return 0;
}
