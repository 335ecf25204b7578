// SPDX-License-Identifier: Apache-2.0
// gzip and zlib by libdeflate.
#include <algorithm>
#include <memory>
#include <new>

#include <libdeflate.h>

#include "compress/gzip.h"
#include "compress/unpack.h"
#include "compress/zlib.h"

namespace ngforge {

Result<Bytes> unpack_gzip(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  return gunzip(in, where, limit_bytes);
}

Result<Bytes> unpack_zlib(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  thread_local const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  // The format does not tell the size: it is doubled until it fits, up to what deflate can reach.
  const std::uint64_t most = std::min<std::uint64_t>(limit_bytes, in.size() * std::uint64_t{1032} + 64);
  for (std::uint64_t room = std::min<std::uint64_t>(most, 4 * in.size() + 64);; room = std::min(2 * room, most)) {
    Bytes out(static_cast<std::size_t>(room));
    std::size_t consumed = 0, produced = 0;
    const auto result = libdeflate_zlib_decompress_ex(decompressor.get(), in.data(), in.size(), out.data(), out.size(),
                                                      &consumed, &produced);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE && room < most) continue;
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
      return make_error(ErrorCode::limit, "{}: expected at most {} bytes of zlib data, found more", where, limit_bytes);
    if (result != LIBDEFLATE_SUCCESS || consumed != in.size())
      return make_error(ErrorCode::invalid_data, "{}: expected zlib data, found {} bytes that are corrupt or cut off",
                        where, in.size());
    out.resize(produced);
    return out;
  }
}

Bytes pack_zlib(std::span<const std::byte> in, int level) {
  struct Free {
    void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  };
  const std::unique_ptr<libdeflate_compressor, Free> compressor(libdeflate_alloc_compressor(level));
  if (!compressor) throw std::bad_alloc();
  Bytes out(libdeflate_zlib_compress_bound(compressor.get(), in.size()));
  out.resize(libdeflate_zlib_compress(compressor.get(), in.data(), in.size(), out.data(), out.size()));
  return out;
}

}  // namespace ngforge
