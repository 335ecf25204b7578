// SPDX-License-Identifier: Apache-2.0
// A plain mesh fragment: what is decoded is encoded to the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "codec/mesh_fragment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto mesh = decode_mesh_fragment(bytes, "fuzz");
  if (!mesh) return 0;
  const Bytes again = encode_mesh_fragment(*mesh);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
