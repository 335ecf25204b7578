// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "image/image_file.h"

namespace ngforge {

/// What the first page says of the whole file.
struct TiffTags {
  std::string description;  // ImageDescription: people's words, ImageJ's lines, OME's XML
  /// Pixels in a unit of length; 0 when the file does not say.
  double x_resolution = 0, y_resolution = 0;
  enum class Unit { none, inch, centimetre } resolution_unit = Unit::none;
};

/// A TIFF of any kind: classic and BigTIFF, both byte orders, strips and tiles.
class TiffFile : public ImageFile {
 public:
  virtual const TiffTags& tags() const = 0;
  /// Says that `count` pictures follow each other where the only page says that one is: how ImageJ writes what is
  /// longer than 4 GiB. Before the first read(). Errors: invalid_data (the page is compressed or in pieces, the file
  /// ends before).
  virtual Result<void> take_as_stack(std::size_t count) = 0;
};

/// Reads the directory of every page, so that a broken one is found here. Errors: invalid_data, unsupported, limit, io.
Result<std::shared_ptr<TiffFile>> open_tiff(std::shared_ptr<ImageBytes> bytes);

}  // namespace ngforge
