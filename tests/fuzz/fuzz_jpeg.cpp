// SPDX-License-Identifier: Apache-2.0
// One chunk of jpeg. Four bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 32
//   byte 3     one channel (even) or three (odd)
#include "picture_chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  constexpr std::size_t kHeadBytes = 4;
  if (size < kHeadBytes) return 0;
  check_picture_chunk(*find_codec("jpeg"), std::as_bytes(std::span(data, size)).subspan(kHeadBytes), fuzzed_box(data),
                      data[3] % 2 == 0 ? 1 : 3, false);
  return 0;
}
