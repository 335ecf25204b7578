// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compress/gzip_stream.h"
#include "core/stored_type.h"

namespace ngforge {

/// Reads numbers written as text, with spaces, line ends or commas between them, and gives them as values of `type` in
/// the machine's byte order. Integers are read exactly. Errors: invalid_data (`where`, and which number it is: not a
/// number, or one that `type` does not hold), those of `text`.
ByteInput numbers_from_text(ByteInput text, StoredType type, std::string where);

}  // namespace ngforge
