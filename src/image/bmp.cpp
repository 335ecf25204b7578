// SPDX-License-Identifier: Apache-2.0
// Windows bitmap, uncompressed (MS-WMF 2.2.2.9 and the BITMAPINFOHEADER family), little-endian:
//   0 "BM", 10 u32 offset of the pixels; then the information header, from byte 14 on:
//   0 u32 its size (12: width and height are u16, else i32, a negative height means rows from the top)
//   40 and more: 12 u16 planes, 14 u16 bits of a pixel, 16 u32 compression (0 none, 3 masks), 40 masks of R, G, B, (A)
// Rows are padded to 4 bytes and come from the bottom. 8 bits: indices of a palette; 24: B, G, R; 32: B, G, R, unused
// or, when a mask says so, alpha.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/byte_cursor.h"
#include "image/image_file.h"
#include "image/pixels.h"

namespace ngforge {
namespace {

constexpr const char* kSuffixes[] = {".bmp"};
constexpr std::size_t kFileHeaderBytes = 14;

struct BmpLayout {
  ImageShape shape;
  std::uint64_t offset = 0;
  std::size_t pixel_bytes = 1;
  bool is_from_top = false;
  std::array<std::size_t, 4> sample_byte{};  // of a pixel: where red, green, blue, alpha lie
  std::size_t row_bytes() const { return (static_cast<std::size_t>(shape.width) * pixel_bytes + 3) / 4 * 4; }
};

class BmpFile final : public ImageFile {
 public:
  BmpFile(std::shared_ptr<ImageBytes> bytes, const BmpLayout& layout) : bytes_(std::move(bytes)), layout_(layout) {}

  std::string_view format() const override { return "BMP"; }
  std::size_t page_count() const override { return 1; }
  ImagePage page(std::size_t) const override {
    ImagePage page;
    page.shape = layout_.shape;
    page.unit_width = layout_.shape.width;
    page.has_palette = layout_.pixel_bytes == 1;
    return page;
  }
  bool is_sequential() const override { return false; }

  Result<void> read(std::size_t, const PixelBox& box, ChannelRange samples, std::span<std::byte> out) override {
    const std::size_t row_bytes = layout_.row_bytes();
    const auto width = static_cast<std::size_t>(box.width());
    std::vector<std::byte> row(width * layout_.pixel_bytes);
    for (Index j = box.j_begin; j < box.j_end; ++j) {
      const auto stored = static_cast<std::uint64_t>(layout_.is_from_top ? j : layout_.shape.height - 1 - j);
      NGFORGE_CHECK(bytes_->read(
          layout_.offset + stored * row_bytes + static_cast<std::uint64_t>(box.i_begin) * layout_.pixel_bytes, row));
      for (Index sample = samples.begin; sample < samples.end; ++sample) {
        std::byte* const to =
            out.data() + static_cast<std::size_t>((sample - samples.begin) * box.height() + j - box.j_begin) * width;
        const std::byte* const from = row.data() + layout_.sample_byte[static_cast<std::size_t>(sample)];
        for (std::size_t i = 0; i < width; ++i) to[i] = from[i * layout_.pixel_bytes];
      }
    }
    return {};
  }

 private:
  const std::shared_ptr<ImageBytes> bytes_;
  const BmpLayout layout_;
};

/// The byte of a pixel that a mask takes, or 4 when it is none.
std::size_t byte_of_mask(std::uint32_t mask) {
  for (std::size_t byte = 0; byte < 4; ++byte)
    if (mask == 0xffu << 8 * byte) return byte;
  return 4;
}

Result<void> read_masks(ByteCursor& cursor, std::uint32_t header_bytes, const std::string& name, BmpLayout& layout) {
  NGFORGE_CHECK(cursor.seek(kFileHeaderBytes + 40));
  const std::size_t count = header_bytes >= 56 ? 4 : 3;
  for (std::size_t c = 0; c < count; ++c) {
    NGFORGE_TRY(const auto mask, cursor.read<std::uint32_t>());
    layout.sample_byte[c] = byte_of_mask(mask);
    if (c == 3 && mask == 0) break;
    if (layout.sample_byte[c] == 4)
      return make_error(ErrorCode::unsupported, "{}: expected masks of 8 bits, found {:08x} (byte {})", name, mask,
                        cursor.position() - 4);
    if (c == 3) layout.shape.samples = 4;
  }
  return {};
}

Result<BmpLayout> parse(std::span<const std::byte> head, std::uint64_t file_bytes, const std::string& name) {
  ByteCursor cursor(head, name);
  NGFORGE_CHECK(cursor.seek(10));
  BmpLayout layout;
  NGFORGE_TRY(layout.offset, cursor.read<std::uint32_t>());
  NGFORGE_TRY(const auto header_bytes, cursor.read<std::uint32_t>());
  std::int64_t width = 0, height = 0;
  std::uint32_t compression = 0;
  if (header_bytes == 12) {
    NGFORGE_TRY(width, cursor.read<std::uint16_t>());
    NGFORGE_TRY(height, cursor.read<std::uint16_t>());
  } else if (header_bytes >= 40) {
    NGFORGE_TRY(width, cursor.read<std::int32_t>());
    NGFORGE_TRY(height, cursor.read<std::int32_t>());
  } else {
    return make_error(ErrorCode::invalid_data,
                      "{}: expected an information header of 12, or 40 bytes and more, found {} "
                      "(byte 14)",
                      name, header_bytes);
  }
  NGFORGE_CHECK(cursor.take(2));
  NGFORGE_TRY(const auto bits, cursor.read<std::uint16_t>());
  if (header_bytes >= 40) {
    NGFORGE_TRY(compression, cursor.read<std::uint32_t>());
  }
  layout.is_from_top = height < 0;
  layout.shape.width = width;
  layout.shape.height = std::abs(height);
  if (bits != 8 && bits != 24 && bits != 32)
    return make_error(ErrorCode::unsupported, "{}: expected 8, 24 or 32 bits a pixel, found {}", name, bits);
  layout.pixel_bytes = bits / 8;
  layout.shape.samples = bits == 8 ? 1 : 3;
  layout.shape.samples_are_colors = bits != 8;
  layout.sample_byte = bits == 8 ? std::array<std::size_t, 4>{0, 0, 0, 0} : std::array<std::size_t, 4>{2, 1, 0, 3};
  constexpr std::uint32_t kNone = 0, kMasks = 3;
  if (compression == kMasks && bits == 32) {
    NGFORGE_CHECK(read_masks(cursor, header_bytes, name, layout));
  } else if (compression != kNone) {
    return make_error(ErrorCode::unsupported, "{}: expected an uncompressed BMP, found compression {} ({})", name,
                      compression, compression <= 2 ? "run lengths" : "not known");
  }
  if (width < 1 || height == 0)
    return make_error(ErrorCode::invalid_data, "{}: expected a picture, found {} x {} pixels (byte 18)", name, width,
                      height);
  const std::uint64_t most = layout.row_bytes() * static_cast<std::uint64_t>(layout.shape.height);
  if (layout.offset > file_bytes || most > file_bytes - layout.offset)
    return make_error(ErrorCode::invalid_data, "{}: expected {} bytes of pixels at byte {}, found {} bytes in the file",
                      name, most, layout.offset, file_bytes);
  return layout;
}

bool matches(std::span<const std::byte> head) {
  // Two letters are little: the length of the information header, too, must be one that exists.
  if (head.size() < 16 || head[0] != std::byte{'B'} || head[1] != std::byte{'M'}) return false;
  const auto header_bytes = load<std::uint16_t>(head.data() + kFileHeaderBytes);
  return header_bytes == 12 || (header_bytes >= 40 && header_bytes <= 124);
}

Result<std::shared_ptr<ImageFile>> open(std::shared_ptr<ImageBytes> bytes) {
  std::array<std::byte, kFileHeaderBytes + 56> head;
  NGFORGE_TRY(const std::size_t count, read_some(*bytes, 0, head));
  NGFORGE_TRY(const BmpLayout layout, parse(std::span(head).first(count), bytes->size(), bytes->name()));
  return std::shared_ptr<ImageFile>(std::make_shared<BmpFile>(std::move(bytes), layout));
}

}  // namespace

extern const ImageDescriptor bmp_image;
const ImageDescriptor bmp_image{
    .name = "bmp", .title = "Windows bitmap", .suffixes = kSuffixes, .matches = matches, .open = open};

}  // namespace ngforge
