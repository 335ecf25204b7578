// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace ngforge {

/// VolumeHeader::fingerprint of a dataset whose description is `text`: changes with it and with the etag of its file.
inline std::string fingerprint_of(std::string_view text, std::string_view etag) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x} {}", hash, etag);
}

}  // namespace ngforge
