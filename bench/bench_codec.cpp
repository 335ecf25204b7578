// SPDX-License-Identifier: Apache-2.0
// Every row of codecs.def on one chunk of 64^3, and gzip behind it; Google Benchmark, so one row can be watched while
// its code changes: bench_codec --benchmark_filter=compressed_segmentation/uint64. Peers are measured by bench/run.py.
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "codec/codec.h"
#include "compress/gzip.h"
#include "core/block.h"

namespace {

using namespace ngforge;

constexpr Index kSide = 64;
constexpr DataType kTypes[] = {DataType::uint8, DataType::uint16, DataType::uint32, DataType::uint64,
                               DataType::float32};

// Cells around random seeds, about as large as neurites at 8 nm: most blocks of 8^3 hold one to four labels.
Block make_labels(DataType type) {
  constexpr int kCells = 120;
  struct Seed {
    std::array<Index, 3> at;
    std::uint64_t label;
  };
  std::mt19937_64 random(1);
  std::vector<Seed> seeds(kCells);
  for (auto& [at, label] : seeds) {
    for (Index& coordinate : at) coordinate = static_cast<Index>(random() % kSide);
    label = random();
  }
  Block block(type, Box{{0, 0, 0}, {kSide, kSide, kSide}}, 1);
  visit_type(type, [&](auto value) {
    using T = decltype(value);
    auto* out = reinterpret_cast<T*>(block.bytes().data());
    for (Index z = 0; z < kSide; ++z)
      for (Index y = 0; y < kSide; ++y)
        for (Index x = 0; x < kSide; ++x) {
          Index nearest = std::numeric_limits<Index>::max();
          for (const auto& [at, label] : seeds) {
            const Index dx = x - at[0], dy = y - at[1], dz = z - at[2];
            const Index distance = dx * dx + dy * dy + dz * dz;
            if (distance >= nearest) continue;
            nearest = distance;
            *out = static_cast<T>(label);
          }
          ++out;
        }
  });
  return block;
}

void count(benchmark::State& state, std::size_t raw_bytes, std::size_t encoded_bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(raw_bytes) * state.iterations());
  state.counters["ratio"] = static_cast<double>(raw_bytes) / static_cast<double>(encoded_bytes);
}

void encode(benchmark::State& state, const CodecDescriptor& codec, DataType type) {
  const Block block = make_labels(type);
  Bytes encoded;
  for (auto _ : state)
    if (!codec.encode(block.view(), {}, encoded)) return state.SkipWithError("encode");
  count(state, block.bytes().size(), encoded.size());
}

void decode(benchmark::State& state, const CodecDescriptor& codec, DataType type) {
  const Block block = make_labels(type);
  Block decoded(type, block.box(), 1);
  Bytes encoded;
  if (!codec.encode(block.view(), {}, encoded)) return state.SkipWithError("encode");
  for (auto _ : state)
    if (!codec.decode(encoded, {}, decoded.view())) return state.SkipWithError("decode");
  if (!codec.is_lossy && std::memcmp(decoded.bytes().data(), block.bytes().data(), block.bytes().size()) != 0)
    return state.SkipWithError("other voxels");
  count(state, block.bytes().size(), encoded.size());
}

void gzip_codec(benchmark::State& state, const CodecDescriptor& codec, DataType type) {
  const Block block = make_labels(type);
  Bytes encoded, packed;
  if (!codec.encode(block.view(), {}, encoded)) return state.SkipWithError("encode");
  GzipCompressor compressor(static_cast<int>(state.range(0)));
  for (auto _ : state) compressor.compress(encoded, packed);
  count(state, encoded.size(), packed.size());
}

void gunzip_codec(benchmark::State& state, const CodecDescriptor& codec, DataType type) {
  const Block block = make_labels(type);
  Bytes encoded, packed;
  if (!codec.encode(block.view(), {}, encoded)) return state.SkipWithError("encode");
  GzipCompressor(6).compress(encoded, packed);
  for (auto _ : state) benchmark::DoNotOptimize(gunzip(packed, "bench", encoded.size()));
  count(state, encoded.size(), packed.size());
}

void add_rows() {
  for (const CodecDescriptor* codec : all_codecs())
    for (const DataType type : kTypes) {
      if (!codec->supports(type, 1)) continue;
      const auto name = [&](const char* what) { return fmt::format("{}/{}/{}", codec->name, name_of(type), what); };
      benchmark::RegisterBenchmark(name("encode").c_str(), encode, *codec, type);
      benchmark::RegisterBenchmark(name("decode").c_str(), decode, *codec, type);
      if (codec->is_compressed) continue;
      benchmark::RegisterBenchmark(name("gzip").c_str(), gzip_codec, *codec, type)->Arg(1)->Arg(6);
      benchmark::RegisterBenchmark(name("gunzip").c_str(), gunzip_codec, *codec, type);
    }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_rows();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
