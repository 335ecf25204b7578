// SPDX-License-Identifier: Apache-2.0
// A chunk or shard of an array of 6 x 8 values of two bytes. One byte says how it is encoded ('0' + a row of kChains),
// the rest is the file.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "array/array_reader.h"
#include "array/copy_values.h"
#include "store/memory.h"

namespace {

using namespace ngforge;

constexpr const char* kIndexed = R"({"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 4],
  "codecs": ["bytes"], "index_codecs": ["bytes"], "index_location": "start"}})";
constexpr const char* kNested = R"({"name": "sharding_indexed", "configuration": {"chunk_shape": [6, 4], "codecs": [
  {"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 4], "codecs": ["bytes", "zstd"],
  "index_codecs": ["bytes"]}}], "index_codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]}})";

// Codecs of zarr.json, or compression of N5.
std::array<std::string, 9> chains() {
  return {R"("bytes", "gzip")",
          R"("bytes", "blosc")",
          R"({"name": "transpose", "configuration": {"order": [1, 0]}}, "bytes", "zstd")",
          R"("bytes", "numcodecs.lz4")",
          kIndexed,
          std::string(kIndexed) + R"(, "gzip")",
          kNested,
          "raw",
          "lz4"};
}

ArrayMetadata metadata_of(const std::string& chain) {
  const bool is_n5 = chain[0] != '"' && chain[0] != '{';
  auto array = is_n5 ? parse_n5_array(R"({"dimensions": [8, 6], "blockSize": [8, 6], "dataType": "uint16",
                                          "compression": {"type": ")" +
                                          chain + R"("}})",
                                      "")
                     : parse_zarr3_array(R"({"zarr_format": 3, "node_type": "array", "shape": [6, 8],
                                             "data_type": "uint16", "chunk_key_encoding": "default", "fill_value": 7,
                                             "chunk_grid": {"name": "regular", "configuration":
                                             {"chunk_shape": [6, 8]}}, "codecs": [)" +
                                             chain + "]}",
                                         "");
  if (!array) std::abort();
  return std::move(*array);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<std::string, 9> kChains = chains();
  if (size == 0 || data[0] < '0' || data[0] >= '0' + kChains.size()) return 0;
  const auto store = std::make_shared<MemoryStore>();
  ArrayMetadata metadata = metadata_of(kChains[data[0] - std::size_t{'0'}]);
  if (!store->put(metadata.keys.key({0, 0}), std::as_bytes(std::span(data, size)).subspan(1))) std::abort();
  const ArrayReader reader(store, "", std::move(metadata));
  const Extents shape{6, 8};
  // An exact buffer, so that AddressSanitizer sees a value one place too far.
  std::vector<std::byte> out(96);
  // Twice: the second time what the first one kept is used.
  const auto first = reader.read({0, 0}, shape, out.data(), dense_strides(shape, StoredType::uint16));
  const auto second = reader.read({0, 0}, shape, out.data(), dense_strides(shape, StoredType::uint16));
  if (first.has_value() != second.has_value()) std::abort();
  return 0;
}
