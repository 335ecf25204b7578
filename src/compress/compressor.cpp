// SPDX-License-Identifier: Apache-2.0
#include "compress/compressor.h"

#include <algorithm>

namespace ngforge {

#define COMPRESSOR(name, target) extern const CompressorDescriptor name;
#include "compress/compressors.def"
#undef COMPRESSOR

std::span<const CompressorDescriptor* const> all_compressors() {
  static constexpr const CompressorDescriptor* kCompressors[] = {
#define COMPRESSOR(name, target) &name,
#include "compress/compressors.def"
#undef COMPRESSOR
  };
  return kCompressors;
}

const CompressorDescriptor* find_compressor(std::string_view name) {
  const auto all = all_compressors();
  const auto found = std::ranges::find(all, name, &CompressorDescriptor::name);
  return found == all.end() ? nullptr : *found;
}

}  // namespace ngforge
