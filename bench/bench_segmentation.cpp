// SPDX-License-Identifier: Apache-2.0
// bench_segmentation LABELS SIDE TYPE: encodes and decodes SIDE^3 raw labels (x fastest, uint32 or uint64) as
// compressed_segmentation in chunks of 64^3, on one thread. Prints the best of some rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "codec/codec.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr int kRepeats = 5;
constexpr Index kChunk = 64;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int run(const char* path, Index side, DataType type) {
  Block whole(type, Box{{0, 0, 0}, {side, side, side}}, 1);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(whole.bytes().data()), static_cast<std::streamsize>(whole.bytes().size()))) {
    fmt::print(stderr, "bench_segmentation: {} is too short\n", path);
    return 3;
  }
  std::vector<Block> chunks;
  for (Index z = 0; z < side; z += kChunk)
    for (Index y = 0; y < side; y += kChunk)
      for (Index x = 0; x < side; x += kChunk) {
        const Box box = Box{{x, y, z}, {x + kChunk, y + kChunk, z + kChunk}}.intersect(whole.box());
        copy_common(whole.view(), chunks.emplace_back(type, box, 1).view());
      }
  const CodecDescriptor* codec = find_codec("compressed_segmentation");
  std::vector<Bytes> encoded(chunks.size());
  double encode_s = 1e9, decode_s = 1e9;
  std::size_t bytes = 0;
  for (int round = 0; round < kRepeats; ++round) {
    double begin = seconds();
    for (std::size_t i = 0; i < chunks.size(); ++i)
      if (!codec->encode(chunks[i].view(), {}, encoded[i])) return 1;
    encode_s = std::min(encode_s, seconds() - begin);
    bytes = 0;
    Block decoded(type, Box{{0, 0, 0}, {kChunk, kChunk, kChunk}}, 1);
    begin = seconds();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      bytes += encoded[i].size();
      if (!codec->decode(encoded[i], {}, dense_view(decoded.bytes().data(), type, chunks[i].box(), 1))) return 1;
    }
    decode_s = std::min(decode_s, seconds() - begin);
    if (std::memcmp(decoded.bytes().data(), chunks.back().bytes().data(), chunks.back().bytes().size()) != 0) return 1;
  }
  fmt::print("{{\"encode_s\": {:.4f}, \"decode_s\": {:.4f}, \"bytes\": {}}}\n", encode_s, decode_s, bytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto type = argc == 4 ? parse_data_type(argv[3]) : std::nullopt;
  if (!type) {
    fmt::print(stderr, "usage: bench_segmentation LABELS SIDE uint32|uint64\n");
    return 2;
  }
  return run(argv[1], std::atol(argv[2]), *type);
}
