// SPDX-License-Identifier: Apache-2.0
// A whole shard file. One byte says how to read it, the rest is the file:
//   bits 0-2  minishard_bits
//   bit 3     gzip index
//   bit 4     gzip data
//   bit 5     murmur
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "store/memory.h"
#include "store/sharded.h"

namespace {

using namespace ngforge;

constexpr std::size_t kMostValues = 64;
constexpr std::uint64_t kMostBytes = 1 << 16;

void read_values(ShardedReader& reader, std::uint64_t file_bytes) {
  const auto entries = reader.list(0);
  if (!entries) return;
  const std::uint64_t index_bytes = shard_index_bytes(reader.spec());
  for (std::size_t i = 0; i < std::min(entries->size(), kMostValues); ++i) {
    const ShardEntry& entry = (*entries)[i];
    const bool is_first = i == 0 || (*entries)[i - 1].key != entry.key;
    const bool is_inside = index_bytes + entry.offset + entry.size <= file_bytes;
    const auto value = reader.get(entry.key, kMostBytes);
    if (value && value->size() > kMostBytes) std::abort();
    // A raw value inside the file is found, unless its key stands in a minishard that it does not belong to, or twice.
    if (!reader.spec().gzip_data && is_first && reader.spec().minishard_bits == 0 && is_inside &&
        entry.size <= kMostBytes && (!value || value->size() != entry.size))
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ShardingSpec spec;
  spec.minishard_bits = data[0] & 7;
  spec.gzip_index = (data[0] & 8) != 0;
  spec.gzip_data = (data[0] & 16) != 0;
  spec.is_murmur = (data[0] & 32) != 0;
  const auto file = std::as_bytes(std::span(data, size)).subspan(1);
  const auto store = std::make_shared<MemoryStore>();
  if (!store->put(shard_file_name(spec, 0), file)) std::abort();
  ShardedReader reader(store, "", spec);
  read_values(reader, file.size());
  for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
    static_cast<void>(reader.get(key, kMostBytes));
  return 0;
}
