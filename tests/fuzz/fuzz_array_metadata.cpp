// SPDX-License-Identifier: Apache-2.0
// JSON of an array or of a group's levels. One byte says whose it is, the rest is the text:
//   '3' zarr.json, '2' .zarray, '5' attributes.json of N5, 'o' attributes of a group of Zarr (OME)
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "array/array_metadata.h"
#include "source/ome.h"
#include "store/store.h"

namespace {

using namespace ngforge;

constexpr std::uint64_t kMostChunkBytes = std::uint64_t{1} << 31;

void expect(bool holds) {
  if (!holds) std::abort();
}

// What readers rely on.
void check_array(const ArrayMetadata& array) {
  const std::size_t rank = array.rank();
  expect(rank > 0 && array.chunk_shape.size() == rank && array.codecs.order.size() == rank);
  expect(array.axis_names.empty() || array.axis_names.size() == rank);
  expect(array.fill.size() == size_of(array.type));
  for (std::size_t a = 0; a < rank; ++a) expect(array.shape[a] > 0 && array.read_shape()[a] > 0);
  expect(value_bytes_of(array.read_shape(), array.type) <= kMostChunkBytes);
  expect(!array.keys.key(Extents(rank, 0)).empty());
}

void check_image(const OmeImage& image) {
  expect(!image.levels.empty());
  for (const OmeLevel& level : image.levels) {
    expect(is_valid_key(level.path));
    expect(level.geometry.scale_mm.size() == image.axis_names.size());
    expect(level.geometry.first_centre_mm.size() == image.axis_names.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'o') {
    const auto image = parse_ome(std::string(text), "fuzz");
    if (image && *image) check_image(**image);
    return 0;
  }
  const auto array = data[0] == '3'   ? parse_zarr3_array(text, "fuzz")
                     : data[0] == '2' ? parse_zarr2_array(text, "", "fuzz")
                                      : parse_n5_array(text, "fuzz");
  if (array) check_array(*array);
  return 0;
}
