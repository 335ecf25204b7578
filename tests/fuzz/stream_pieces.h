// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "compress/gzip_stream.h"

// What targets of streams that unpack share.
namespace ngforge::fuzz {

/// Hands out `in` in pieces of many lengths. `in` must outlive it.
inline ByteInput in_pieces(std::span<const std::byte> in) {
  return [in, at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({1 + at * 7 % 509, out.size(), in.size() - at});
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
    at += count;
    return count;
  };
}

/// Up to `most` bytes, of which `at_once` are asked for at a time; nothing when the stream is bad.
template <class Stream>
std::optional<Bytes> read_to(Stream& stream, std::size_t most, std::size_t at_once) {
  Bytes out(most);
  std::size_t used = 0;
  while (used < most) {
    const std::size_t wanted = std::min(most - used, at_once);
    const auto count = stream.read(std::span(out).subspan(used, wanted));
    if (!count) return std::nullopt;
    used += *count;
    if (*count < wanted) break;
  }
  out.resize(used);
  return out;
}

}  // namespace ngforge::fuzz
