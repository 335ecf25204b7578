// SPDX-License-Identifier: Apache-2.0
// A Draco mesh: whatever decodes has triangles of its own vertices.
#include <cstdint>
#include <cstdlib>

#include "codec/draco.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  constexpr std::uint64_t kLimitBytes = 1 << 20;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto check = [](const auto& mesh) {
    if (!mesh) return;
    for (const auto& triangle : mesh->triangles)
      for (const std::uint32_t corner : triangle)
        if (corner >= mesh->positions.size()) std::abort();
  };
  check(decode_draco(bytes, "fuzz", kLimitBytes));
  check(decode_quantized_draco(bytes, "fuzz", kLimitBytes));
  return 0;
}
