// SPDX-License-Identifier: Apache-2.0
// A minishard index, gunzipped: what is decoded is encoded to the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "layout/sharding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto entries = decode_minishard_index(bytes, "fuzz");
  if (!entries) return 0;
  const Bytes again = encode_minishard_index(*entries);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
