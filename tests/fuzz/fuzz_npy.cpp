// SPDX-License-Identifier: Apache-2.0
#include "volume_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ngforge::fuzz::run("npy", data, size);
}
