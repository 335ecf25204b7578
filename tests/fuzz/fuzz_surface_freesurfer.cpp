// SPDX-License-Identifier: Apache-2.0
#include "surface_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ngforge::fuzz::run_surface("freesurfer", data, size);
}
