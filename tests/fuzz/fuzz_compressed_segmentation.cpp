// SPDX-License-Identifier: Apache-2.0
// One chunk of compressed_segmentation. Seven bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 32
//   bytes 3-5  size of a block less one, modulo 16
//   byte 6     0 (even): uint32, 1 (odd): uint64; channels less one in the next two bits
// What decodes is encoded again, by our order of its pieces, and decodes to the same labels.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "codec/codec.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr std::size_t kHeadBytes = 7;

void demand(bool condition) {
  if (!condition) std::abort();
}

bool is_equal(const Block& a, const Block& b) {
  return std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  static const CodecDescriptor& codec = *find_codec("compressed_segmentation");
  const Box box{{0, 0, 0}, {1 + data[0] % 32, 1 + data[1] % 32, 1 + data[2] % 32}};
  const CodecOptions options{{1 + data[3] % 16, 1 + data[4] % 16, 1 + data[5] % 16}};
  const DataType type = data[6] % 2 == 0 ? DataType::uint32 : DataType::uint64;
  const Index channels = 1 + (data[6] >> 1) % 4;
  Block labels(type, box, channels);
  if (!codec.decode(std::as_bytes(std::span(data, size)).subspan(kHeadBytes), options, labels.view())) return 0;
  Bytes encoded;
  demand(codec.encode(labels.view(), options, encoded).has_value());
  Block again(type, box, channels);
  demand(codec.decode(encoded, options, again.view()).has_value() && is_equal(labels, again));
  Bytes twice;
  demand(codec.encode(again.view(), options, twice).has_value() && encoded == twice);
  return 0;
}
