// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/stored_type.h"
#include "image/image_bytes.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// What must be the same for all slices of one volume.
struct ImageShape {
  Index width = 0, height = 0, samples = 1;  // samples: values of a pixel
  StoredType type = StoredType::uint8;
  bool samples_are_colors = false;  // they mean red, green, blue (alpha)
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};
/// "512 x 256 pixels of 3 x uint8".
std::string describe(const ImageShape& shape);

/// One picture of a file.
struct ImagePage {
  ImageShape shape;
  /// What is decoded as a whole, counted from the upper left corner: tiles, strips, rows.
  Index unit_width = 0, unit_height = 1;
  bool has_palette = false;      // values are indices of a table of colours, which is not applied
  bool is_smaller_copy = false;  // of another page: a thumbnail, a level of a pyramid
  /// How many smaller copies the file holds beside the page, each smaller than the one before: see open_copies.
  std::size_t copies = 0;
};

/// Columns i and rows j of a page: half open.
struct PixelBox {
  Index i_begin = 0, i_end = 0, j_begin = 0, j_end = 0;
  Index width() const { return i_end - i_begin; }
  Index height() const { return j_end - j_begin; }
};

/// An image file that is open for reading. Safe to use from any number of threads. Every error has concerns_source.
class ImageFile {
 public:
  virtual ~ImageFile() = default;
  /// "TIFF", "PNG" ...
  virtual std::string_view format() const = 0;
  virtual std::size_t page_count() const = 0;
  virtual ImagePage page(std::size_t number) const = 0;
  /// Whether rows are decoded from the top: reading some of them decodes what lies above, unless that was read last.
  virtual bool is_sequential() const = 0;
  /// Reads a box of a page, which it must not leave, into [sample][row][column] in machine byte order, dense.
  /// out.size() must be exact. Errors: invalid_data (truncated, corrupt), unsupported, limit, io.
  virtual Result<void> read(std::size_t page, const PixelBox& box, ChannelRange samples, std::span<std::byte> out) = 0;
  /// The same file, with the smaller copy `level` >= 1 of every page in place of the page. A page that has fewer is
  /// there with a shape of no pixels, and must not be read. Errors: as ImageDescriptor::open.
  virtual Result<std::shared_ptr<ImageFile>> open_copies(std::size_t level);
};

/// A row of images.def.
struct ImageDescriptor {
  const char* name;                                  // "png"
  const char* title;                                 // for `formats`
  std::span<const char* const> suffixes;             // of file names, lower case, with the dot
  bool (*matches)(std::span<const std::byte> head);  // looks at the first bytes: 16, or fewer when the file is shorter
  /// Errors: invalid_data, unsupported (a kind of image that is not read), limit, io.
  Result<std::shared_ptr<ImageFile>> (*open)(std::shared_ptr<ImageBytes> bytes);
};
/// The row whose magic bytes these are, or nullptr.
const ImageDescriptor* find_image(std::span<const std::byte> head);
/// The row that this file name's suffix belongs to (in any case), or nullptr.
const ImageDescriptor* find_image_by_name(std::string_view name);

/// Opens an image of any format, found by its first bytes. Errors: those of ImageDescriptor::open; unsupported (none of
/// the formats).
Result<std::shared_ptr<ImageFile>> open_image(std::shared_ptr<ImageBytes> bytes);

}  // namespace ngforge
