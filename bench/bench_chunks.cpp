// SPDX-License-Identifier: Apache-2.0
// bench_chunks ENCODING CHUNKS TYPE CHANNELS: encodes and decodes raw chunks of 64^3 ([x, y, z, channel], one after
// another in a file) by a row of codecs.def, on one thread. Prints the best of some rounds.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "codec/codec.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr int kRepeats = 5;
constexpr Box kBox{{0, 0, 0}, {64, 64, 64}};

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<Block> read_chunks(const char* path, DataType type, Index channels) {
  std::vector<Block> chunks;
  std::ifstream file(path, std::ios::binary);
  for (;;) {
    Block chunk(type, kBox, channels);
    const auto bytes = chunk.bytes();
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) return chunks;
    chunks.push_back(std::move(chunk));
  }
}

int run(const CodecDescriptor& codec, const std::vector<Block>& chunks) {
  std::vector<Bytes> encoded(chunks.size());
  Block decoded(chunks.front().type(), kBox, chunks.front().channels());
  double encode_s = 1e9, decode_s = 1e9;
  for (int round = 0; round < kRepeats; ++round) {
    double begin = seconds();
    for (std::size_t i = 0; i < chunks.size(); ++i)
      if (!codec.encode(chunks[i].view(), {}, encoded[i])) return 1;
    encode_s = std::min(encode_s, seconds() - begin);
    begin = seconds();
    for (const Bytes& chunk : encoded)
      if (!codec.decode(chunk, {}, decoded.view())) return 1;
    decode_s = std::min(decode_s, seconds() - begin);
  }
  const auto expected = chunks.back().bytes();
  if (!codec.is_lossy && std::memcmp(decoded.bytes().data(), expected.data(), expected.size()) != 0) return 1;
  std::size_t bytes = 0;
  for (const Bytes& chunk : encoded) bytes += chunk.size();
  fmt::print("{{\"encode_s\": {:.4f}, \"decode_s\": {:.4f}, \"bytes\": {}}}\n", encode_s, decode_s, bytes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const CodecDescriptor* codec = argc == 5 ? find_codec(argv[1]) : nullptr;
  const auto type = argc == 5 ? parse_data_type(argv[3]) : std::nullopt;
  const Index channels = argc == 5 ? std::atol(argv[4]) : 0;
  if (codec == nullptr || !type || !codec->supports(*type, channels)) {
    fmt::print(stderr, "usage: bench_chunks ENCODING CHUNKS TYPE CHANNELS\n");
    return 2;
  }
  const auto chunks = read_chunks(argv[2], *type, channels);
  if (chunks.empty()) {
    fmt::print(stderr, "bench_chunks: {} is shorter than a chunk\n", argv[2]);
    return 3;
  }
  return run(*codec, chunks);
}
