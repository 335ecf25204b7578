// SPDX-License-Identifier: Apache-2.0
// A chunk of HDF5 and its filters: one byte says how many filters there are ('0' to '4'), each of the next says which
// ('0' + a row of kIds), one more how many times 8 bytes the chunk should have; the rest is the chunk.
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "source/hdf5_filters.h"

namespace {

constexpr int kIds[] = {1, 2, 3, 307, 32000, 32001, 32004, 32015};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  if (size < 2 || data[0] < '0' || data[0] > '4') return 0;
  const std::size_t count = data[0] - std::size_t{'0'};
  if (size < count + 2) return 0;
  std::vector<Hdf5Filter> filters;
  for (std::size_t n = 1; n <= count; ++n) {
    if (data[n] < '0' || data[n] >= '0' + std::size(kIds)) return 0;
    const int id = kIds[data[n] - std::size_t{'0'}];
    filters.push_back({id, "", {static_cast<unsigned>(n + 1)}});  // what shuffle takes for the bytes of a value
  }
  const std::uint64_t chunk_bytes = 8 * std::uint64_t{data[count + 1]};
  const auto chunk = std::as_bytes(std::span(data, size)).subspan(count + 2);
  for (const std::uint32_t left_out : {0u, 1u, 2u}) {
    const auto values = undo_filters(filters, left_out, Bytes(chunk.begin(), chunk.end()), chunk_bytes, "fuzz");
    if (values && values->size() != chunk_bytes) std::abort();
  }
  return 0;
}
