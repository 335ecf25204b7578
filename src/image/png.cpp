// SPDX-License-Identifier: Apache-2.0
#include <spng.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/block.h"
#include "image/image_file.h"
#include "image/pixels.h"
#include "image/row_reader.h"

namespace ngforge {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr const char* kSuffixes[] = {".png"};
// Deflate makes at most 1032 bytes of one.
constexpr std::uint64_t kMostOfAByte = 1032;
// Text, profiles and the like are read and dropped; one of them may be this long.
constexpr std::size_t kMaxChunkBytes = 64 << 20;

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

/// A PNG whose header has been read.
class PngStream {
 public:
  explicit PngStream(std::shared_ptr<ImageBytes> bytes) : bytes_(std::move(bytes)), context_(spng_ctx_new(0)) {}
  PngStream(const PngStream&) = delete;
  PngStream& operator=(const PngStream&) = delete;

  Result<spng_ihdr> read_header() {
    if (!context_) return make_error(ErrorCode::internal, "the machine has no memory left");
    spng_set_png_stream(context_.get(), read_bytes, this);
    spng_set_chunk_limits(context_.get(), kMaxChunkBytes, kMaxChunkBytes);
    spng_ihdr header{};
    if (const int status = spng_get_ihdr(context_.get(), &header); status != 0) return failure(status);
    return header;
  }
  spng_ctx* get() const { return context_.get(); }
  const std::string& name() const { return bytes_->name(); }
  std::uint64_t file_bytes() const { return bytes_->size(); }
  Error failure(int status) const {
    if (failed_) return *failed_;
    if (status == SPNG_IO_EOF)
      return make_error(ErrorCode::invalid_data, "{}: expected more of a PNG, found the end of the file at byte {}",
                        name(), bytes_->size())
          .of_source();
    return make_error(ErrorCode::invalid_data, "{}: expected a sound PNG, found: {} (near byte {})", name(),
                      spng_strerror(status), position_)
        .of_source();
  }

 private:
  static int read_bytes(spng_ctx*, void* user, void* to, std::size_t count) {
    auto& self = *static_cast<PngStream*>(user);
    if (self.position_ + count > self.bytes_->size()) return SPNG_IO_EOF;
    if (auto read = self.bytes_->read(self.position_, {static_cast<std::byte*>(to), count}); !read) {
      self.failed_ = std::move(read).error();
      return SPNG_IO_ERROR;
    }
    self.position_ += count;
    return 0;
  }

  const std::shared_ptr<ImageBytes> bytes_;
  const std::unique_ptr<spng_ctx, FreeContext> context_;
  std::uint64_t position_ = 0;
  std::optional<Error> failed_;
};

/// Bits of one pixel as the file packs them.
int bits_of(const spng_ihdr& header) {
  switch (header.color_type) {
    case SPNG_COLOR_TYPE_TRUECOLOR: return 3 * header.bit_depth;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA: return 2 * header.bit_depth;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA: return 4 * header.bit_depth;
    default: return header.bit_depth;
  }
}

std::uint64_t packed_row_bytes(const spng_ihdr& header) {
  return (static_cast<std::uint64_t>(header.width) * static_cast<std::uint64_t>(bits_of(header)) + 7) / 8;
}

ImageShape shape_of(const spng_ihdr& header) {
  ImageShape shape;
  shape.width = header.width;
  shape.height = header.height;
  shape.samples = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR         ? 3
                  : header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2
                  : header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ? 4
                                                                         : 1;
  shape.samples_are_colors = shape.samples >= 3;
  const bool is_mask = header.bit_depth == 1 && header.color_type == SPNG_COLOR_TYPE_GRAYSCALE;
  shape.type = header.bit_depth == 16 ? StoredType::uint16 : is_mask ? StoredType::boolean : StoredType::uint8;
  return shape;
}

/// Rows of a PNG. Grey values of 2 and 4 bits are spread over the range of 8; of 1 bit they are 0 and 1; indices of
/// palettes stay.
class PngRows final : public RowDecoder {
 public:
  explicit PngRows(std::shared_ptr<ImageBytes> bytes) : stream_(std::move(bytes)) {}

  Result<void> begin() {
    NGFORGE_TRY(header_, stream_.read_header());
    const bool is_interlaced = header_.interlace_method != SPNG_INTERLACE_NONE;
    const std::size_t row = packed_row_bytes(header_);
    if (header_.bit_depth < 8) packed_ = Buffer(row);
    if (!is_interlaced) {
      const int status = spng_decode_image(stream_.get(), nullptr, 0, SPNG_FMT_PNG, SPNG_DECODE_PROGRESSIVE);
      return status == 0 ? Result<void>() : stream_.failure(status);
    }
    whole_ = Buffer(row * header_.height);
    if (const int status = spng_decode_image(stream_.get(), whole_.data(), whole_.size(), SPNG_FMT_PNG, 0); status != 0)
      return stream_.failure(status);
    return {};
  }

  Result<void> next(std::span<std::byte> row) override {
    const std::size_t packed_bytes = packed_row_bytes(header_);
    const bool is_packed = header_.bit_depth < 8;
    std::byte* const to = is_packed ? packed_.data() : row.data();
    if (whole_.size() > 0) {
      std::memcpy(to, whole_.data() + done_ * packed_bytes, packed_bytes);
    } else {
      const int status = spng_decode_row(stream_.get(), to, packed_bytes);
      if (status != 0 && status != SPNG_EOI) return stream_.failure(status);
    }
    if (is_packed) unpack(row);
    if (++done_ < header_.height) return {};
    // What follows the pixels: a file that is cut there was cut.
    const int status = spng_decode_chunks(stream_.get());
    return status == 0 ? Result<void>() : stream_.failure(status);
  }

 private:
  void unpack(std::span<std::byte> row) const {
    const unsigned depth = header_.bit_depth, mask = (1u << depth) - 1;
    const bool is_grey = header_.color_type == SPNG_COLOR_TYPE_GRAYSCALE;
    const unsigned scale = is_grey && depth > 1 ? 255 / mask : 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t bit = i * depth;
      const unsigned byte = std::to_integer<unsigned>(packed_.data()[bit / 8]);
      row[i] = static_cast<std::byte>((byte >> (8 - depth - bit % 8) & mask) * scale);
    }
  }

  PngStream stream_;
  spng_ihdr header_{};
  Buffer packed_, whole_;
  std::size_t done_ = 0;
};

bool matches(std::span<const std::byte> head) {
  return head.size() >= kMagic.size() && std::memcmp(head.data(), kMagic.data(), kMagic.size()) == 0;
}

Result<std::shared_ptr<ImageFile>> open(std::shared_ptr<ImageBytes> bytes) {
  PngStream stream(bytes);
  NGFORGE_TRY(const spng_ihdr header, stream.read_header());
  NGFORGE_TRY(ImagePage page, plan_rows(shape_of(header), bytes->name()));
  page.has_palette = header.color_type == SPNG_COLOR_TYPE_INDEXED;
  const std::uint64_t whole = packed_row_bytes(header) * header.height;
  if (whole / kMostOfAByte > bytes->size())
    return make_error(ErrorCode::invalid_data, "{}: expected at least {} bytes for {}, found {}", bytes->name(),
                      whole / kMostOfAByte, describe(page.shape), bytes->size());
  if (header.interlace_method != SPNG_INTERLACE_NONE) {
    if (whole > kMaxUnitBytes)
      return make_error(ErrorCode::limit, "{}: expected an interlaced PNG of at most {} MiB, found {}", bytes->name(),
                        kMaxUnitBytes >> 20, describe(page.shape));
    page.unit_height = page.shape.height;
  }
  return make_sequential("PNG", page, [bytes]() -> Result<std::unique_ptr<RowDecoder>> {
    auto rows = std::make_unique<PngRows>(bytes);
    NGFORGE_CHECK(rows->begin());
    return std::unique_ptr<RowDecoder>(std::move(rows));
  });
}

}  // namespace

extern const ImageDescriptor png_image;
const ImageDescriptor png_image{.name = "png", .title = "PNG", .suffixes = kSuffixes, .matches = matches, .open = open};

}  // namespace ngforge
