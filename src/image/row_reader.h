// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "image/image_file.h"

namespace ngforge {

/// Decodes the rows of a picture from top to bottom.
class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  /// Decodes the next row: interleaved samples in machine byte order. Errors: invalid_data, io.
  virtual Result<void> next(std::span<std::byte> row) = 0;
};

/// Checks the size of a picture that is decoded row by row and says how many rows are best read at once.
/// Errors: limit.
Result<ImagePage> plan_rows(const ImageShape& shape, const std::string& name);

/// A file with one picture of which only rows from the top on can be decoded. Reads go on where the one before ended
/// when they can; rows that were passed by on the way to others are kept for whoever comes a little late.
/// `page` is what plan_rows() gave; `open` begins at the first row.
std::shared_ptr<ImageFile> make_sequential(std::string_view format, const ImagePage& page,
                                           std::function<Result<std::unique_ptr<RowDecoder>>()> open);

}  // namespace ngforge
