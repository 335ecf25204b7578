// SPDX-License-Identifier: Apache-2.0
// One chunk of compresso. Four bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 128, 32 and 16
//   byte 3     labels of 1, 2, 4 or 8 bytes, modulo 4
// What decodes is encoded again, by our choice of windows and connectivity, and decodes to the same labels.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "codec/codec.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr std::size_t kHeadBytes = 4;
constexpr DataType kTypes[] = {DataType::uint8, DataType::uint16, DataType::uint32, DataType::uint64};

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  static const CodecDescriptor& codec = *find_codec("compresso");
  const Box box{{0, 0, 0}, {1 + data[0] % 128, 1 + data[1] % 32, 1 + data[2] % 16}};
  const DataType type = kTypes[data[3] % 4];
  Block labels(type, box, 1), again(type, box, 1);
  std::memset(labels.bytes().data(), 0x5a, labels.bytes().size());
  std::memset(again.bytes().data(), 0xa5, again.bytes().size());
  const auto chunk = std::as_bytes(std::span(data, size)).subspan(kHeadBytes);
  if (!codec.decode(chunk, {}, labels.view())) return 0;
  demand(codec.decode(chunk, {}, again.view()).has_value());
  demand(std::memcmp(labels.bytes().data(), again.bytes().data(), labels.bytes().size()) == 0);
  Bytes encoded;
  demand(codec.encode(labels.view(), {}, encoded).has_value());
  demand(encoded.size() <= codec.most_bytes(box.size(), type, 1, {}));
  demand(codec.decode(encoded, {}, again.view()).has_value());
  demand(std::memcmp(labels.bytes().data(), again.bytes().data(), labels.bytes().size()) == 0);
  return 0;
}
