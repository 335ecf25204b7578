// SPDX-License-Identifier: Apache-2.0
#include <blosc.h>

#include "compress/unpack.h"

namespace ngforge {
namespace {

// No compressor inside of blosc makes more of a byte (zstd: 128 KiB of four).
constexpr std::uint64_t kMostRatio = 1 << 15;

}  // namespace

Result<Bytes> unpack_blosc(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  std::size_t size = 0;
  if (blosc_cbuffer_validate(in.data(), in.size(), &size) != 0 || size > kMostRatio * in.size())
    return make_error(ErrorCode::invalid_data, "{}: expected blosc data, found {} bytes that are corrupt or cut off",
                      where, in.size());
  if (size > limit_bytes)
    return make_error(ErrorCode::limit, "{}: expected at most {} bytes of blosc data, found {}", where, limit_bytes,
                      size);
  Bytes out(size);
  const int written = size == 0 ? 0 : blosc_decompress_ctx(in.data(), out.data(), out.size(), 1);
  if (written < 0 || static_cast<std::size_t>(written) != size)
    return make_error(ErrorCode::invalid_data, "{}: expected {} bytes of blosc data, found data that is corrupt", where,
                      size);
  return out;
}

}  // namespace ngforge
