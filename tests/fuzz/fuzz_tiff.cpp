// SPDX-License-Identifier: Apache-2.0
#include "picture_file.h"

namespace ngforge {
extern const ImageDescriptor tiff_image;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ngforge::fuzz::run(ngforge::tiff_image, data, size);
}
