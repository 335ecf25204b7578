// SPDX-License-Identifier: Apache-2.0
#include "sink/volume_file.h"

#include <algorithm>
#include <cctype>

#include "ngforge/text.h"

namespace ngforge {

#define VOLUME_FILE(name, target) extern const VolumeFileDescriptor name;
#include "sink/volume_files.def"
#undef VOLUME_FILE

std::span<const VolumeFileDescriptor* const> all_volume_files() {
  static constexpr const VolumeFileDescriptor* kFiles[] = {
#define VOLUME_FILE(name, target) &name,
#include "sink/volume_files.def"
#undef VOLUME_FILE
  };
  return kFiles;
}

const VolumeFileDescriptor* find_volume_file(std::string_view path) {
  for (const VolumeFileDescriptor* file : all_volume_files()) {
    std::string_view suffixes = file->suffixes;
    while (!suffixes.empty()) {
      const std::string_view suffix = suffixes.substr(0, suffixes.find(' '));
      if (ends_with_any_case(path, suffix)) return file;
      suffixes.remove_prefix(std::min(suffixes.size(), suffix.size() + 1));
    }
  }
  return nullptr;
}

bool is_gzip_file(std::string_view path) {
  return ends_with_any_case(path, "gz");
}

}  // namespace ngforge
