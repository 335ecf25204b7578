// SPDX-License-Identifier: Apache-2.0
// bzip2 as a stream that arrives in pieces and as a buffer: both take the same, and give the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "compress/bzip2_stream.h"
#include "compress/unpack.h"

namespace {

using namespace ngforge;

constexpr std::size_t kMostBytes = 1 << 16, kReadBytes = 1000;

/// Up to kMostBytes; nothing when the stream is bad.
std::optional<Bytes> unpack_stream(std::span<const std::byte> in) {
  std::size_t at = 0;
  const auto input = [&](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t count = std::min({1 + at * 7 % 509, out.size(), in.size() - at});
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
    at += count;
    return count;
  };
  Bzip2Stream stream(input, "fuzz");
  Bytes out(kMostBytes);
  std::size_t used = 0;
  while (used < out.size()) {
    const std::size_t wanted = std::min(out.size() - used, kReadBytes);
    const auto count = stream.read(std::span(out).subspan(used, wanted));
    if (!count) return std::nullopt;
    used += *count;
    if (*count < wanted) break;
  }
  out.resize(used);
  return out;
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
