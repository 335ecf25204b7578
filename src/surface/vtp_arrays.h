// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// How a VTK XML file packs its arrays.
struct VtpPacking {
  std::string_view place;  // for messages
  std::endian order = std::endian::little;
  std::size_t header_bytes = 4;  // of a size: 4 or 8
  bool is_zlib = false;
  std::uint64_t most_bytes = 0;  // of an array
};

/// One array of a VTK XML file: packed bytes, or their Base64, and perhaps other arrays behind it.
struct VtpPacked {
  std::string_view data;
  bool is_base64 = false;
};

/// The bytes of an array: a size and as many bytes; or with zlib a count of blocks, the size of a block and of the last
/// one (0: as the others), the packed size of each, then the blocks. Errors: invalid_data, limit (more than
/// `most_bytes`).
Result<std::vector<std::byte>> unpack_vtp_array(const VtpPacked& packed, const VtpPacking& packing);

}  // namespace ngforge
