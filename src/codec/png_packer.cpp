// SPDX-License-Identifier: Apache-2.0
#include "codec/png_packer.h"

#include <algorithm>
#include <new>

#include <libdeflate.h>
#include <zlib.h>

#include "ngforge/error.h"

namespace ngforge {

namespace {

// Which of libdeflate's levels gives at most the size that zlib's level of this number gives, in less time.
int libdeflate_level(int zlib_level) {
  return zlib_level == 0 ? 0 : std::min(zlib_level + 1, 9);
}

}  // namespace

struct PngPacker::Impl {
  explicit Impl(int level) : compressor(libdeflate_alloc_compressor(libdeflate_level(level))) {
    constexpr int kWindowBits = 15, kMemoryLevel = 8;
    if (compressor == nullptr) throw std::bad_alloc();
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_RLE) == Z_OK) return;
    libdeflate_free_compressor(compressor);
    throw std::bad_alloc();
  }
  Impl(const Impl&) = delete;
  ~Impl() {
    libdeflate_free_compressor(compressor);
    deflateEnd(&stream);
  }
  libdeflate_compressor* compressor;
  z_stream stream{};
  Buffer space;
};

PngPacker::PngPacker(int level) : level_(level), impl_(std::make_unique<Impl>(level)) {}
PngPacker::~PngPacker() = default;

std::uint64_t PngPacker::most_bytes(std::uint64_t input_bytes) {
  // Both libraries store what they cannot shrink, with 5 bytes for each 10 000 (libdeflate) or 16 383 (zlib).
  return input_bytes + input_bytes / 1024 + 4096;
}

std::size_t PngPacker::bound(std::size_t input_bytes) const {
  return std::max(libdeflate_zlib_compress_bound(impl_->compressor, input_bytes),
                  static_cast<std::size_t>(deflateBound(&impl_->stream, input_bytes)));
}

std::span<const std::byte> PngPacker::pack(std::span<const std::byte> in, PngPacking packing) {
  Buffer& space = impl_->space;
  if (space.size() < bound(in.size())) space = Buffer(bound(in.size()));
  if (packing == PngPacking::matches || level_ == 0) {
    const std::size_t size =
        libdeflate_zlib_compress(impl_->compressor, in.data(), in.size(), space.data(), space.size());
    NGFORGE_ASSERT(size > 0);
    return space.span().first(size);
  }
  z_stream& stream = impl_->stream;
  const int strategy = packing == PngPacking::runs ? Z_RLE : Z_HUFFMAN_ONLY;
  const bool is_ready =
      deflateReset(&stream) == Z_OK && deflateParams(&stream, Z_DEFAULT_COMPRESSION, strategy) == Z_OK;
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(space.data());
  stream.avail_out = static_cast<uInt>(space.size());
  NGFORGE_ASSERT(is_ready && deflate(&stream, Z_FINISH) == Z_STREAM_END);
  return space.span().first(stream.total_out);
}

}  // namespace ngforge
