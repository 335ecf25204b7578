// SPDX-License-Identifier: Apache-2.0
// Buffers and streams of gzip: whatever two decoders both take is the same bytes, and what we compress comes back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "compress/gzip.h"
#include "compress/gzip_stream.h"

namespace {

using namespace ngforge;

constexpr std::size_t kMostBytes = 1 << 16;
// ISA-L copies its whole window for each call.
constexpr std::size_t kReadBytes = 9000;

// Inflates up to kMostBytes, which arrive in pieces; nothing when the stream is bad.
std::optional<Bytes> inflate(std::span<const std::byte> in, InflateEngine engine) {
  std::size_t at = 0;
  const auto input = [&](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t piece = 1 + at * 7 % 509;
    const std::size_t count = std::min({piece, out.size(), in.size() - at});
    if (count > 0) std::memcpy(out.data(), in.data() + at, count);
    at += count;
    return count;
  };
  GzipStream stream(input, "fuzz", engine);
  Bytes out(kMostBytes);
  std::size_t used = 0;
  while (used < out.size()) {
    const std::size_t wanted = std::min(out.size() - used, kReadBytes);
    const auto count = stream.read(std::span(out).subspan(used, wanted));
    if (!count) return std::nullopt;
    used += *count;
    if (*count < wanted) break;
  }
  if (stream.compressed_position() > in.size()) std::abort();
  out.resize(used);
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
