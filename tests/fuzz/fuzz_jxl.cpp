// SPDX-License-Identifier: Apache-2.0
// One chunk of jxl. Four bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 32
//   byte 3     channels less one, modulo 4
#include "picture_chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  constexpr std::size_t kHeadBytes = 4;
  if (size < kHeadBytes) return 0;
  check_picture_chunk(*find_codec("jxl"), std::as_bytes(std::span(data, size)).subspan(kHeadBytes), fuzzed_box(data),
                      1 + data[3] % 4, true);
  return 0;
}
