// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "op/surface_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rows = ngforge::parse_surface_table({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!rows) return 0;
  for (const ngforge::SurfaceRow& row : *rows)
    if (row.names.empty() || row.line == 0) std::abort();
  return 0;
}
