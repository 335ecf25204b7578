// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compress/gzip_stream.h"
#include "source/byte_source.h"

namespace ngforge {

/// The bytes of a source from `offset` to its end, one after the other.
ByteInput bytes_from(std::shared_ptr<ByteSource> bytes, std::uint64_t offset);

/// What a decoder makes of a part of `file`: a source that is read from front to back, called as the file is and with
/// its fingerprint. `decoded` gives the bytes, 0 at their end; `skip` of them do not count. It has no head().
std::shared_ptr<ByteSource> make_decoded_bytes(std::shared_ptr<ByteSource> file, ByteInput decoded,
                                               std::uint64_t skip = 0);

}  // namespace ngforge
