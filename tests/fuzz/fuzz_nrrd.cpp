// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "volume_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A header may name any file of this machine, a device even.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("ile:") != std::string_view::npos || text.find("ILE:") != std::string_view::npos) return 0;
  return ngforge::fuzz::run("nrrd", data, size);
}
