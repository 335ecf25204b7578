// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "ngforge/store.h"

namespace ngforge {

/// Compresses to zlib data (RFC 1950) by libdeflate; `unpack_zlib` undoes it. level 0..12. The same input gives the
/// same bytes for one library version. Throws std::bad_alloc.
Bytes pack_zlib(std::span<const std::byte> in, int level);

}  // namespace ngforge
