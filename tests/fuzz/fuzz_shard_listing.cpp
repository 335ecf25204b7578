// SPDX-License-Identifier: Apache-2.0
// A shard as `check` lists it: whatever its indices say, what is listed lies on the grid. One byte says how to read it,
// as in fuzz_shard_index; the rest is the file.
#include <cstdint>
#include <cstdlib>

#include "layout/sharding.h"
#include "op/stored_chunks.h"
#include "store/memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  if (size == 0) return 0;
  ScaleInfo scale;
  scale.key = "s";
  scale.size_xyz = {7, 5, 3};
  scale.resolution_nm = {1, 1, 1};
  scale.chunk_sizes = {{2, 2, 2}};
  ShardingSpec spec;
  spec.minishard_bits = data[0] & 7;
  spec.gzip_index = (data[0] & 8) != 0;
  spec.gzip_data = (data[0] & 16) != 0;
  spec.is_murmur = (data[0] & 32) != 0;
  scale.sharding = spec;
  MemoryStore store;
  const auto file = std::as_bytes(std::span(data, size)).subspan(1);
  if (!store.put("s/" + shard_file_name(spec, 0), file)) std::abort();
  FindingList findings;
  const auto stored = list_stored_chunks(store, scale, 0, findings, {});
  if (!stored || !std::is_sorted(stored->cells.begin(), stored->cells.end())) std::abort();
  const Index chunks = scale.grid_shape().product();
  for (const Index cell : stored->cells)
    if (cell < 0 || cell >= chunks) std::abort();
  for (const Index cell : stored->damaged)
    if (!stored->has(cell)) std::abort();
  return 0;
}
