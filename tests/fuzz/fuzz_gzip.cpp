// SPDX-License-Identifier: Apache-2.0
// Buffers and streams of gzip: whatever two decoders both take is the same bytes, and what we compress comes back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "compress/gzip.h"
#include "compress/gzip_stream.h"
#include "stream_pieces.h"

namespace {

using namespace ngforge;

constexpr std::size_t kMostBytes = 1 << 16;
// ISA-L copies its whole window for each call.
constexpr std::size_t kReadBytes = 9000;

// Inflates up to kMostBytes, which arrive in pieces; nothing when the stream is bad.
std::optional<Bytes> inflate(std::span<const std::byte> in, InflateEngine engine) {
  GzipStream stream(fuzz::in_pieces(in), "fuzz", engine);
  auto out = fuzz::read_to(stream, kMostBytes, kReadBytes);
  if (out && stream.compressed_position() > in.size()) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = std::as_bytes(std::span(data, size));
  const auto whole = gunzip(in, "fuzz", kMostBytes);
  const auto fastest = inflate(in, InflateEngine::fastest);
  const auto zlib = inflate(in, InflateEngine::zlib);
  if (fastest != zlib) std::abort();
  if (whole && zlib && *whole != *zlib) std::abort();
  if (whole) {
    // Known sizes are held to, both ways.
    if (!whole->empty() && !gunzip(in, "fuzz", 0, whole->size())) std::abort();
    if (gunzip(in, "fuzz", 0, whole->size() + 1)) std::abort();
  }
  static GzipCompressor compressor(6);
  Bytes packed;
  compressor.compress(in, packed);
  const auto back = gunzip(packed, "fuzz", size);
  if (!back || !std::equal(back->begin(), back->end(), in.begin(), in.end())) std::abort();
  return 0;
}
