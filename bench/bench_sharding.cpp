// SPDX-License-Identifier: Apache-2.0
// bench_sharding DATASET FOLDER: packs the chunks of a sharded dataset's finest scale again, then measures what it
// takes to put them into shards below FOLDER. Prints CPU seconds, chunks and bytes.
#include <cstdlib>
#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "compress/gzip.h"
#include "sink/chunk_sink.h"
#include "source/precomputed.h"

namespace {

using namespace ngforge;

struct Stored {
  GridVec cell;
  Bytes bytes;
};

Result<std::vector<Stored>> load_chunks(const PrecomputedVolume& volume, const GridVec& grid) {
  std::vector<Stored> chunks;
  GzipCompressor compressor(6);
  for (Index z = 0; z < grid.z; ++z)
    for (Index y = 0; y < grid.y; ++y)
      for (Index x = 0; x < grid.x; ++x) {
        NGFORGE_TRY(const auto bytes, volume.read_chunk_bytes(0, {x, y, z}));
        chunks.push_back({{x, y, z}, {}});
        if (bytes) compressor.compress(*bytes, chunks.back().bytes);
      }
  return chunks;
}

Result<void> write_shards(const ScaleInfo& scale, const std::string& folder, const std::vector<Stored>& chunks) {
  NGFORGE_TRY(const auto sink,
              open_shard_sink(folder, scale, false, std::make_shared<WaitingRoom>(static_cast<Index>(chunks.size()))));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto sequence = static_cast<Index>(i);
    NGFORGE_CHECK(chunks[i].bytes.empty() ? sink->pass(sequence, chunks[i].cell)
                                          : sink->put(sequence, chunks[i].cell, chunks[i].bytes));
  }
  return {};
}

Result<void> run(const char* dataset, const char* folder) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(dataset));
  const ScaleInfo& scale = volume->info().scales.front();
  NGFORGE_TRY(const auto chunks, load_chunks(*volume, scale.grid_shape()));
  std::uint64_t bytes = 0;
  for (const Stored& chunk : chunks) bytes += chunk.bytes.size();
  const std::clock_t begin = std::clock();
  NGFORGE_CHECK(write_shards(scale, folder, chunks));
  fmt::print("{{\"cpu_s\": {}, \"chunks\": {}, \"bytes\": {}}}\n",
             static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, chunks.size(), bytes);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto done = run(argv[1], argv[2]);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
