// SPDX-License-Identifier: Apache-2.0
// A TIFF as a volume: what its description says of pages and axes, in the words of ImageJ, OME and tifffile.
#include <string_view>

#include "volume_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // OME's XML may name any file of this machine.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("FileName") != std::string_view::npos) return 0;
  return ngforge::fuzz::run("tiff", data, size, ngforge::fuzz::Promise::header_only);
}
