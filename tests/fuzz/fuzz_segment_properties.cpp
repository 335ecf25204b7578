// SPDX-License-Identifier: Apache-2.0
// `info` of segment properties: what is understood is written and understood again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "layout/segment_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> faults;
  const auto read = ngforge::parse_segment_properties(text, "fuzz", faults);
  if (!read) return 0;
  const std::string written = ngforge::write_segment_properties(*read);
  faults.clear();
  const auto again = ngforge::parse_segment_properties(written, "fuzz", faults);
  if (!again || !faults.empty() || ngforge::write_segment_properties(*again) != written) std::abort();
  return 0;
}
