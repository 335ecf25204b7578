// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/byte_source.h"
#include "source/source.h"

namespace ngforge {

/// Where the values of a file lie: [i, j, k, channel], i fastest, without gaps from `data_offset` on.
struct RasterLayout {
  std::uint64_t data_offset = 0;
  bool is_foreign_order = false;  // numbers are in the byte order that is not the machine's
  std::size_t number_bytes = 1;   // of one number: half a complex value
  bool is_interleaved = false;    // [channel, i, j, k] instead; the header says so too
  bool ends_content = false;      // nothing may lie behind the values; seen when the last one is read
};

/// A volume whose header has been read and whose values follow in one piece. Completes the members of `header` that
/// tell of the file (fingerprint, stored_bytes: added to what is there, of a header in a file of its own;
/// is_compressed_stream). Errors: invalid_data (more voxels than the file holds or than can be counted;
/// concerns_source).
Result<std::unique_ptr<VolumeSource>> open_raster(std::shared_ptr<ByteSource> bytes, VolumeHeader header,
                                                  const RasterLayout& layout);

}  // namespace ngforge
