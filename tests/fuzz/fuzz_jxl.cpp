// SPDX-License-Identifier: Apache-2.0
// One chunk of jxl. Four bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 32
//   byte 3     channels less one, modulo 4
// What decodes is all written, the same each time, and is encoded without loss.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "codec/codec.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr std::size_t kHeadBytes = 4;

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  static const CodecDescriptor& codec = *find_codec("jxl");
  const Box box{{0, 0, 0}, {1 + data[0] % 32, 1 + data[1] % 32, 1 + data[2] % 32}};
  const Index channels = 1 + data[3] % 4;
  const auto chunk = std::as_bytes(std::span(data, size)).subspan(kHeadBytes);
  Block values(DataType::uint8, box, channels), again(DataType::uint8, box, channels);
  std::memset(values.bytes().data(), 0x5a, values.bytes().size());
  std::memset(again.bytes().data(), 0xa5, again.bytes().size());
  if (!codec.decode(chunk, {}, values.view())) return 0;
  demand(codec.decode(chunk, {}, again.view()).has_value());
  demand(std::memcmp(values.bytes().data(), again.bytes().data(), values.bytes().size()) == 0);
  Bytes encoded;
  demand(codec.encode(values.view(), {}, encoded).has_value());
  demand(encoded.size() <= codec.most_bytes(box.size(), DataType::uint8, channels, {}));
  demand(codec.decode(encoded, {}, again.view()).has_value());
  demand(std::memcmp(values.bytes().data(), again.bytes().data(), values.bytes().size()) == 0);
  return 0;
}
