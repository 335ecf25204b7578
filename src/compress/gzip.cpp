// SPDX-License-Identifier: Apache-2.0
// RFC 1952 by libdeflate: whole buffers in, whole buffers out.
#include "compress/gzip.h"

#include <algorithm>
#include <new>

#include <libdeflate.h>

namespace ngforge {

struct GzipCompressor::Impl {
  explicit Impl(int level) : compressor(libdeflate_alloc_compressor(level)) {
    if (compressor == nullptr) throw std::bad_alloc();
  }
  Impl(const Impl&) = delete;
  ~Impl() { libdeflate_free_compressor(compressor); }
  libdeflate_compressor* compressor;
  Buffer space;
};

GzipCompressor::GzipCompressor(int level) : impl_(std::make_unique<Impl>(level)) {}
GzipCompressor::~GzipCompressor() = default;
GzipCompressor::GzipCompressor(GzipCompressor&&) noexcept = default;
GzipCompressor& GzipCompressor::operator=(GzipCompressor&&) noexcept = default;

std::size_t GzipCompressor::bound(std::size_t input_bytes) const {
  return libdeflate_gzip_compress_bound(impl_->compressor, input_bytes);
}

std::span<const std::byte> GzipCompressor::compress(std::span<const std::byte> in, Buffer& space) {
  if (space.size() < bound(in.size())) space = Buffer(bound(in.size()));
  const std::size_t size =
      libdeflate_gzip_compress(impl_->compressor, in.data(), in.size(), space.data(), space.size());
  NGFORGE_ASSERT(size > 0);
  return space.span().first(size);
}

void GzipCompressor::compress(std::span<const std::byte> in, Bytes& out) {
  // A vector would fill itself with zeros up to the bound.
  const auto compressed = compress(in, impl_->space);
  out.assign(compressed.begin(), compressed.end());
}

Result<Bytes> gunzip(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes,
                     std::uint64_t expected_bytes) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  thread_local const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  const std::uint64_t limit = expected_bytes > 0 ? expected_bytes : limit_bytes;
  Bytes out;
  std::size_t used = 0, at = 0;
  // The last four bytes are the size of the last member: right for all files of one member below 4 GiB.
  std::uint64_t room = expected_bytes;
  if (room == 0 && in.size() >= 4)
    for (std::size_t i = 0; i < 4; ++i) room |= std::to_integer<std::uint64_t>(in[in.size() - 4 + i]) << (8 * i);
  // A size that deflate cannot reach is not worth an allocation.
  room = std::min({std::max<std::uint64_t>(room, 64), limit, static_cast<std::uint64_t>(in.size()) * 1032 + 64});
  do {
    out.resize(std::max<std::size_t>(out.size(), used + static_cast<std::size_t>(room)));
    std::size_t consumed = 0, produced = 0;
    const auto result = libdeflate_gzip_decompress_ex(decompressor.get(), in.data() + at, in.size() - at,
                                                      out.data() + used, out.size() - used, &consumed, &produced);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      if (out.size() >= limit) {
        if (expected_bytes > 0)
          return make_error(ErrorCode::invalid_data, "{}: expected {} bytes after gunzip, found more", where,
                            expected_bytes);
        return make_error(ErrorCode::limit, "{}: expected at most {} bytes after gunzip, found more", where,
                          limit_bytes);
      }
      room = std::min<std::uint64_t>(2 * out.size() + 64, limit) - used;
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS)
      return make_error(ErrorCode::invalid_data,
                        "{}: expected gzip, found data that is corrupt or cut off in the member at byte {} of {}",
                        where, at, in.size());
    used += produced;
    at += consumed;
    room = 0;
  } while (at < in.size());
  if (expected_bytes > 0 && used != expected_bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected {} bytes after gunzip, found {}", where, expected_bytes,
                      used);
  out.resize(used);
  return out;
}

}  // namespace ngforge
