// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "surface/region_labels.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  ngforge::looks_like_region_labels(bytes);
  const auto labels = ngforge::read_region_labels({bytes, "fuzz", {}});
  if (!labels) return 0;
  for (const std::int64_t label : labels->of_vertex)
    if (label < ngforge::RegionLabels::kNone) std::abort();
  return 0;
}
