// SPDX-License-Identifier: Apache-2.0
// bzip2 as a stream that arrives in pieces and as a buffer: both take the same, and give the same bytes.
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "compress/bzip2_stream.h"
#include "compress/unpack.h"
#include "stream_pieces.h"

namespace {

using namespace ngforge;

constexpr std::size_t kMostBytes = 1 << 16, kReadBytes = 1000;

/// Up to kMostBytes; nothing when the stream is bad.
std::optional<Bytes> unpack_stream(std::span<const std::byte> in) {
  Bzip2Stream stream(fuzz::in_pieces(in), "fuzz");
  return fuzz::read_to(stream, kMostBytes, kReadBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = std::as_bytes(std::span(data, size));
  const auto whole = unpack_bzip2(in, "fuzz", kMostBytes);
  const auto stream = unpack_stream(in);
  if (whole && (!stream || *stream != *whole)) std::abort();
  // Beyond the limit the buffer says so, and a stream that was read that far has not seen its end.
  if (!whole && stream && stream->size() < kMostBytes) std::abort();
  return 0;
}
