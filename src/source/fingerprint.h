// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/fnv.h"

namespace ngforge {

/// VolumeHeader::fingerprint of a dataset whose description is `text`: changes with it and with the etag of its file.
inline std::string fingerprint_of(std::string_view text, std::string_view etag) {
  Fnv1a hash;
  hash.add(text);
  return fmt::format("{:016x} {}", hash.value(), etag);
}

}  // namespace ngforge
