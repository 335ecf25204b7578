// SPDX-License-Identifier: Apache-2.0
#include "image/tiff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/byte_order.h"
#include "image/pixels.h"
#include "image/tiff_handle.h"

namespace ngforge {
namespace {

constexpr const char* kSuffixes[] = {".tif", ".tiff"};
// libtiff counts pages in 20 bits.
constexpr std::size_t kMaxPages = 1 << 20;
// A side of 2^32 pixels can be halved so often.
constexpr std::uint16_t kMaxCopies = 32;

/// What is kept of a directory.
struct TiffPage {
  std::size_t number = 0;
  ImageShape shape;
  std::uint64_t directory_offset = 0;
  Index unit_width = 0, unit_height = 0;  // of a tile or strip
  bool is_tiled = false, is_planar = false;
  bool is_plain = false;  // values lie in the file as they are, row after row of a strip
  bool is_jpeg = false, is_jpeg_color = false;
  bool has_palette = false, is_smaller_copy = false;
  std::vector<std::uint64_t> copies;  // directories of smaller copies (SubIFDs)

  Index unit_samples() const { return is_planar ? 1 : shape.samples; }
  std::size_t value_bytes() const { return size_of(shape.type); }
  std::size_t row_bytes() const {  // of a unit
    return static_cast<std::size_t>(unit_width * unit_samples()) * value_bytes();
  }
  Index units_across() const { return ceil_div(shape.width, unit_width); }
  Index units_down() const { return ceil_div(shape.height, unit_height); }
};

/// Reads the tags of the directory at which a handle is.
class DirectoryReader {
 public:
  DirectoryReader(const TiffHandle& handle, std::size_t number)
      : tiff_(handle.get()), number_(number), where_(handle.where(number)) {}

  Result<TiffPage> read() {
    TiffPage page;
    page.number = number_;
    page.directory_offset = TIFFCurrentDirOffset(tiff_);
    std::uint32_t width = 0, height = 0, depth = 1;
    TIFFGetField(tiff_, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff_, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_IMAGEDEPTH, &depth);
    if (width == 0 || height == 0)
      return make_error(ErrorCode::invalid_data, "{}: expected a picture, found {} x {} pixels", where_, width, height);
    if (depth > 1)
      return make_error(ErrorCode::unsupported, "{}: expected pages of one plane, found ImageDepth {}", where_, depth);
    page.shape.width = width;
    page.shape.height = height;
    page.shape.samples = short_tag(TIFFTAG_SAMPLESPERPIXEL);
    page.is_planar = page.shape.samples > 1 && short_tag(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    NGFORGE_TRY(page.shape.type, value_type());
    NGFORGE_CHECK(read_colors(page));
    NGFORGE_CHECK(read_units(page));
    std::uint32_t kind = 0;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_SUBFILETYPE, &kind);
    page.is_smaller_copy = (kind & FILETYPE_REDUCEDIMAGE) != 0;
    std::uint16_t copies = 0;
    const std::uint64_t* offsets = nullptr;
    if (TIFFGetField(tiff_, TIFFTAG_SUBIFD, &copies, &offsets) != 0 && offsets != nullptr)
      page.copies.assign(offsets, offsets + std::min(copies, kMaxCopies));
    return page;
  }

 private:
  std::uint16_t short_tag(std::uint32_t tag) const {
    std::uint16_t value = 0;
    TIFFGetFieldDefaulted(tiff_, tag, &value);
    return value;
  }

  Result<StoredType> value_type() const {
    const int bits = short_tag(TIFFTAG_BITSPERSAMPLE), format = short_tag(TIFFTAG_SAMPLEFORMAT);
    struct Row {
      int format, bits;
      StoredType type;
    };
    constexpr Row kTypes[] = {
        {SAMPLEFORMAT_UINT, 8, StoredType::uint8},
        {SAMPLEFORMAT_UINT, 16, StoredType::uint16},
        {SAMPLEFORMAT_UINT, 32, StoredType::uint32},
        {SAMPLEFORMAT_UINT, 64, StoredType::uint64},
        {SAMPLEFORMAT_INT, 8, StoredType::int8},
        {SAMPLEFORMAT_INT, 16, StoredType::int16},
        {SAMPLEFORMAT_INT, 32, StoredType::int32},
        {SAMPLEFORMAT_INT, 64, StoredType::int64},
        {SAMPLEFORMAT_IEEEFP, 16, StoredType::float16},
        {SAMPLEFORMAT_IEEEFP, 32, StoredType::float32},
        {SAMPLEFORMAT_IEEEFP, 64, StoredType::float64},
        {SAMPLEFORMAT_COMPLEXIEEEFP, 64, StoredType::complex64},
        {SAMPLEFORMAT_COMPLEXIEEEFP, 128, StoredType::complex128},
    };
    const int meant = format == SAMPLEFORMAT_VOID ? SAMPLEFORMAT_UINT : format;
    for (const Row& row : kTypes)
      if (row.format == meant && row.bits == bits) return row.type;
    const char* const kind = meant == SAMPLEFORMAT_UINT     ? "unsigned"
                             : meant == SAMPLEFORMAT_INT    ? "signed"
                             : meant == SAMPLEFORMAT_IEEEFP ? "floating point"
                                                            : "complex or unknown";
    return make_error(ErrorCode::unsupported, "{}: expected values of 8, 16, 32 or 64 bits, found {} bit{}, {}", where_,
                      bits, bits == 1 ? "" : "s", kind)
        .with_hint("save the pictures with 8 bits or more");
  }

  Result<void> read_colors(TiffPage& page) const {
    const int photometric = short_tag(TIFFTAG_PHOTOMETRIC), compression = short_tag(TIFFTAG_COMPRESSION);
    if (TIFFIsCODECConfigured(static_cast<std::uint16_t>(compression)) == 0 || compression == COMPRESSION_OJPEG)
      return make_error(ErrorCode::unsupported,
                        "{}: expected compression none, LZW, deflate, zstd, packbits, LZMA, LERC, WebP or JPEG, found "
                        "scheme {}",
                        where_, compression);
    page.is_jpeg = compression == COMPRESSION_JPEG;
    page.is_jpeg_color = page.is_jpeg && photometric == PHOTOMETRIC_YCBCR;
    if (photometric == PHOTOMETRIC_LOGL || photometric == PHOTOMETRIC_LOGLUV ||
        (photometric == PHOTOMETRIC_YCBCR && !page.is_jpeg))
      return make_error(ErrorCode::unsupported, "{}: expected grey values, indices or RGB, found photometric {}",
                        where_, photometric);
    page.has_palette = photometric == PHOTOMETRIC_PALETTE;
    page.shape.samples_are_colors =
        (photometric == PHOTOMETRIC_RGB || page.is_jpeg_color) && (page.shape.samples == 3 || page.shape.samples == 4);
    return {};
  }

  Result<void> read_units(TiffPage& page) const {
    std::uint32_t width = static_cast<std::uint32_t>(page.shape.width), height = 0;
    page.is_tiled = TIFFIsTiled(tiff_) != 0;
    if (page.is_tiled) {
      width = 0;
      TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &width);
      TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &height);
    } else {
      TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &height);
      height = std::min(height, static_cast<std::uint32_t>(page.shape.height));
    }
    if (width == 0 || height == 0)
      return make_error(ErrorCode::invalid_data, "{}: expected strips or tiles, found some of {} x {} pixels", where_,
                        width, height);
    page.unit_width = width;
    page.unit_height = height;
    page.is_plain = !page.is_tiled && short_tag(TIFFTAG_COMPRESSION) == COMPRESSION_NONE &&
                    short_tag(TIFFTAG_FILLORDER) == FILLORDER_MSB2LSB;
    const double unit_bytes = static_cast<double>(page.row_bytes()) * (page.is_plain ? 1 : height);
    if (unit_bytes > static_cast<double>(kMaxUnitBytes))
      return make_error(ErrorCode::limit, "{}: expected strips and tiles of at most {} MiB, found {:.0f} MiB", where_,
                        kMaxUnitBytes >> 20, unit_bytes / (1 << 20));
    return {};
  }

  TIFF* const tiff_;
  const std::size_t number_;
  const std::string where_;
};

class TiffFileImpl final : public TiffFile {
 public:
  explicit TiffFileImpl(std::shared_ptr<ImageBytes> bytes, std::size_t level = 0)
      : bytes_(std::move(bytes)), level_(level) {}

  Result<void> open();
  Result<void> open_copies_of(const std::vector<TiffPage>& pages);
  std::string_view format() const override { return "TIFF"; }
  std::size_t page_count() const override { return stack_size_ > 0 ? stack_size_ : pages_.size(); }
  ImagePage page(std::size_t number) const override;
  bool is_sequential() const override { return false; }
  const TiffTags& tags() const override { return tags_; }
  Result<void> take_as_stack(std::size_t count) override;
  Result<void> read(std::size_t page, const PixelBox& box, ChannelRange samples, std::span<std::byte> out) override;
  Result<std::shared_ptr<ImageFile>> open_copies(std::size_t level) override;

 private:
  void read_tags(TIFF* tiff);
  Result<void> read_page(TiffHandle& handle, const TiffPage& page, const PixelBox& box, ChannelRange samples,
                         std::span<std::byte> out) const;
  Result<void> read_plain(TiffHandle& handle, const TiffPage& page, const PixelBox& box, ChannelRange samples,
                          std::span<std::byte> out) const;
  Result<void> read_from_stack(TiffHandle& handle, std::size_t plane, const PixelBox& box, ChannelRange samples,
                               std::span<std::byte> out) const;
  Result<void> read_rows(TiffHandle& handle, const TiffPage& page, std::uint64_t offset, const PixelBox& rows,
                         const PixelBox& box, ChannelRange samples, std::byte* out) const;
  Result<void> read_units(TiffHandle& handle, const TiffPage& page, Index plane, const PixelBox& box,
                          ChannelRange samples, std::byte* out) const;
  Result<void> decode(TiffHandle& handle, const TiffPage& page, std::uint32_t unit, std::size_t bytes,
                      std::byte* to) const;

  const std::shared_ptr<ImageBytes> bytes_;
  const std::size_t level_;  // of smaller copies; 0: the pages themselves
  std::vector<TiffPage> pages_;
  TiffTags tags_;
  bool is_foreign_order_ = false;
  std::size_t stack_size_ = 0;  // 0: pages are pages
  std::uint64_t stack_offset_ = 0;

  std::mutex mutex_;  // of what is below
  std::vector<std::unique_ptr<TiffHandle>> idle_;
};

Result<void> TiffFileImpl::open() {
  NGFORGE_TRY(auto handle, TiffHandle::open(bytes_));
  is_foreign_order_ = TIFFIsByteSwapped(handle->get()) != 0;
  read_tags(handle->get());
  while (true) {
    const std::size_t number = pages_.size();
    // What libtiff passes over with a warning: a directory that the end of the file cuts.
    if (handle->has_read_past_end()) return handle->failure(handle->where(number), "a whole directory");
    NGFORGE_TRY(auto page, DirectoryReader(*handle, number).read());
    pages_.push_back(std::move(page));
    if (TIFFLastDirectory(handle->get()) != 0) break;
    if (pages_.size() >= kMaxPages)
      return make_error(ErrorCode::limit, "{}: expected at most {} pages, found more", bytes_->name(), kMaxPages);
    handle->listen();
    if (TIFFReadDirectory(handle->get()) == 0) return handle->failure(handle->where(pages_.size()), "a directory");
  }
  idle_.push_back(std::move(handle));
  return {};
}

Result<void> TiffFileImpl::open_copies_of(const std::vector<TiffPage>& pages) {
  NGFORGE_TRY(auto handle, TiffHandle::open(bytes_, level_));
  is_foreign_order_ = TIFFIsByteSwapped(handle->get()) != 0;
  for (const TiffPage& page : pages) {
    TiffPage copy;
    copy.number = page.number;
    if (level_ <= page.copies.size()) {
      NGFORGE_CHECK(handle->go_to(page.number, page.copies[level_ - 1]));
      if (handle->has_read_past_end()) return handle->failure(handle->where(page.number), "a whole directory");
      NGFORGE_TRY(copy, DirectoryReader(*handle, page.number).read());
    }
    copy.copies = page.copies;
    pages_.push_back(std::move(copy));
  }
  idle_.push_back(std::move(handle));
  return {};
}

Result<std::shared_ptr<ImageFile>> TiffFileImpl::open_copies(std::size_t level) {
  auto copies = std::make_shared<TiffFileImpl>(bytes_, level);
  if (auto opened = copies->open_copies_of(pages_); !opened) return std::move(opened).error().of_source();
  return std::shared_ptr<ImageFile>(std::move(copies));
}

void TiffFileImpl::read_tags(TIFF* tiff) {
  const char* description = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) != 0 && description != nullptr)
    tags_.description = description;
  float x = 0, y = 0;
  std::uint16_t unit = RESUNIT_INCH;
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) != 0 && std::isfinite(x) && x > 0) tags_.x_resolution = x;
  if (TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) != 0 && std::isfinite(y) && y > 0) tags_.y_resolution = y;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
  tags_.resolution_unit = unit == RESUNIT_INCH         ? TiffTags::Unit::inch
                          : unit == RESUNIT_CENTIMETER ? TiffTags::Unit::centimetre
                                                       : TiffTags::Unit::none;
}

ImagePage TiffFileImpl::page(std::size_t number) const {
  const TiffPage& page = pages_[stack_size_ > 0 ? 0 : number];
  ImagePage result;
  result.shape = page.shape;
  result.unit_width = page.unit_width;
  result.unit_height = page.is_plain ? 1 : page.unit_height;
  result.has_palette = page.has_palette;
  result.is_smaller_copy = page.is_smaller_copy;
  result.copies = stack_size_ > 0 ? 0 : page.copies.size();
  return result;
}

Result<void> TiffFileImpl::take_as_stack(std::size_t count) {
  const TiffPage& page = pages_.front();
  if (pages_.size() != 1 || !page.is_plain)
    return make_error(ErrorCode::invalid_data, "{}: expected {} pages, found {}", bytes_->name(), count, pages_.size())
        .of_source();
  TIFF* const tiff = idle_.front()->get();
  idle_.front()->listen();
  int failed = 0;
  const std::uint64_t first = TIFFGetStrileOffsetWithErr(tiff, 0, &failed);
  if (failed != 0 || first == 0) return idle_.front()->failure(bytes_->name(), "the place of the pixels");
  std::uint64_t next = first;
  const auto strips = static_cast<std::uint32_t>(page.units_down() * (page.is_planar ? page.shape.samples : 1));
  for (std::uint32_t strip = 0; strip < strips; ++strip) {
    if (TIFFGetStrileOffset(tiff, strip) != next)
      return make_error(ErrorCode::invalid_data,
                        "{}: expected the strips of a stack one after the other, found strip {} "
                        "at byte {}",
                        bytes_->name(), strip, TIFFGetStrileOffset(tiff, strip))
          .of_source();
    const Index rows = std::min(page.unit_height,
                                page.shape.height - static_cast<Index>(strip) % page.units_down() * page.unit_height);
    next += page.row_bytes() * static_cast<std::uint64_t>(rows);
  }
  const std::uint64_t plane = next - first;
  if (first > bytes_->size() || count > (bytes_->size() - first) / plane)
    return make_error(ErrorCode::invalid_data, "{}: expected {} planes of {} bytes from byte {} on, found {} bytes",
                      bytes_->name(), count, plane, first, bytes_->size())
        .of_source();
  stack_size_ = count;
  stack_offset_ = first;
  return {};
}

Result<void> TiffFileImpl::read(std::size_t number, const PixelBox& box, ChannelRange samples,
                                std::span<std::byte> out) {
  std::unique_ptr<TiffHandle> handle;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      handle = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!handle) {
    NGFORGE_TRY(handle, TiffHandle::open(bytes_, level_));
  }
  auto done = stack_size_ > 0 ? read_from_stack(*handle, number, box, samples, out)
                              : read_page(*handle, pages_[number], box, samples, out);
  // libtiff forgets what it could not read: the next time, strips whose places are unknown would not seem to exist.
  if (!done) return done;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
  return done;
}

Result<void> TiffFileImpl::read_page(TiffHandle& handle, const TiffPage& page, const PixelBox& box,
                                     ChannelRange samples, std::span<std::byte> out) const {
  NGFORGE_CHECK(handle.go_to(page.number, page.directory_offset));
  if (page.is_plain) return read_plain(handle, page, box, samples, out);
  if (page.is_jpeg_color) TIFFSetField(handle.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  if (!page.is_planar) return read_units(handle, page, 0, box, samples, out.data());
  const std::size_t plane_bytes = out.size() / static_cast<std::size_t>(samples.size());
  for (Index s = samples.begin; s < samples.end; ++s)
    NGFORGE_CHECK(read_units(handle, page, s, box, {0, 1},
                             out.data() + static_cast<std::size_t>(s - samples.begin) * plane_bytes));
  return {};
}

Result<void> TiffFileImpl::read_plain(TiffHandle& handle, const TiffPage& page, const PixelBox& box,
                                      ChannelRange samples, std::span<std::byte> out) const {
  const std::size_t plane_bytes = out.size() / static_cast<std::size_t>(samples.size());
  for (Index plane = 0; plane < (page.is_planar ? samples.size() : 1); ++plane) {
    const Index first = page.is_planar ? (samples.begin + plane) * page.units_down() : 0;
    std::byte* const to = out.data() + static_cast<std::size_t>(plane) * plane_bytes;
    for (Index unit = box.j_begin / page.unit_height; unit * page.unit_height < box.j_end; ++unit) {
      const auto strip = static_cast<std::uint32_t>(first + unit);
      const Index top = unit * page.unit_height, bottom = std::min(top + page.unit_height, page.shape.height);
      const PixelBox rows{0, page.shape.width, std::max(top, box.j_begin), std::min(bottom, box.j_end)};
      handle.listen();
      int failed_offset = 0, failed_count = 0;
      const std::uint64_t offset = TIFFGetStrileOffsetWithErr(handle.get(), strip, &failed_offset);
      const std::uint64_t count = TIFFGetStrileByteCountWithErr(handle.get(), strip, &failed_count);
      const std::uint64_t wanted = page.row_bytes() * static_cast<std::uint64_t>(bottom - top);
      if (failed_offset != 0 || failed_count != 0 || handle.has_read_past_end())
        return handle.failure(handle.where(page.number), fmt::format("the place of strip {}", strip));
      if (offset == 0 && count == 0) {  // never written
        const auto width = static_cast<std::size_t>(box.width()) * page.value_bytes();
        for (Index s = 0; s < (page.is_planar ? 1 : samples.size()); ++s)
          std::memset(to + static_cast<std::size_t>(s) * plane_bytes +
                          static_cast<std::size_t>(rows.j_begin - box.j_begin) * width,
                      0, static_cast<std::size_t>(rows.height()) * width);
        continue;
      }
      // A lone strip of more than 4 GiB has no count that a classic TIFF could hold.
      if (count < wanted && page.units_down() > 1)
        return make_error(ErrorCode::invalid_data, "{}: expected {} bytes in strip {}, found {}",
                          handle.where(page.number), wanted, strip, count)
            .of_source();
      const std::uint64_t skipped = page.row_bytes() * static_cast<std::uint64_t>(rows.j_begin - top);
      NGFORGE_CHECK(
          read_rows(handle, page, offset + skipped, rows, box, page.is_planar ? ChannelRange{} : samples, to));
    }
  }
  return {};
}

Result<void> TiffFileImpl::read_from_stack(TiffHandle& handle, std::size_t plane, const PixelBox& box,
                                           ChannelRange samples, std::span<std::byte> out) const {
  const TiffPage& page = pages_.front();
  const std::uint64_t sample_bytes = page.row_bytes() * static_cast<std::uint64_t>(page.shape.height);
  const std::uint64_t plane_bytes = sample_bytes * static_cast<std::uint64_t>(page.is_planar ? page.shape.samples : 1);
  const std::uint64_t offset = stack_offset_ + plane * plane_bytes;
  const PixelBox rows{0, page.shape.width, box.j_begin, box.j_end};
  const std::uint64_t skipped = page.row_bytes() * static_cast<std::uint64_t>(box.j_begin);
  if (!page.is_planar) return read_rows(handle, page, offset + skipped, rows, box, samples, out.data());
  const std::size_t out_bytes = out.size() / static_cast<std::size_t>(samples.size());
  for (Index s = samples.begin; s < samples.end; ++s)
    NGFORGE_CHECK(read_rows(handle, page, offset + static_cast<std::uint64_t>(s) * sample_bytes + skipped, rows, box,
                            {}, out.data() + static_cast<std::size_t>(s - samples.begin) * out_bytes));
  return {};
}

/// Reads whole rows that follow each other in the file from `offset` on. `out` is the start of `box`.
Result<void> TiffFileImpl::read_rows(TiffHandle& handle, const TiffPage& page, std::uint64_t offset,
                                     const PixelBox& rows, const PixelBox& box, ChannelRange samples,
                                     std::byte* out) const {
  const std::size_t row_bytes = page.row_bytes();
  const std::size_t number_bytes = page.shape.type == StoredType::complex64 || page.shape.type == StoredType::complex128
                                       ? page.value_bytes() / 2
                                       : page.value_bytes();
  if (page.unit_samples() == 1 && box.width() == page.shape.width) {
    const std::span to(out + static_cast<std::size_t>(rows.j_begin - box.j_begin) * row_bytes,
                       static_cast<std::size_t>(rows.height()) * row_bytes);
    NGFORGE_CHECK(bytes_->read(offset, to));
    if (is_foreign_order_) swap_numbers(to, number_bytes);
    return {};
  }
  constexpr std::size_t kPieceBytes = 256 << 10;
  const Index step = std::max<Index>(1, static_cast<Index>(kPieceBytes / row_bytes));
  std::byte* const space = handle.scratch(static_cast<std::size_t>(std::min(step, rows.height())) * row_bytes);
  for (Index j = rows.j_begin; j < rows.j_end; j += step) {
    const PixelBox piece{0, page.shape.width, j, std::min(j + step, rows.j_end)};
    const std::span bytes(space, static_cast<std::size_t>(piece.height()) * row_bytes);
    NGFORGE_CHECK(bytes_->read(offset + static_cast<std::uint64_t>(j - rows.j_begin) * row_bytes, bytes));
    if (is_foreign_order_) swap_numbers(bytes, number_bytes);
    separate_samples({space, piece, page.unit_samples(), row_bytes}, box, samples, page.value_bytes(), out);
  }
  return {};
}

/// Decodes the strips or tiles of one plane that touch `box` and puts their part of it into `out`.
Result<void> TiffFileImpl::read_units(TiffHandle& handle, const TiffPage& page, Index plane, const PixelBox& box,
                                      ChannelRange samples, std::byte* out) const {
  const std::size_t row_bytes = page.row_bytes();
  const Index first = plane * page.units_across() * page.units_down();
  for (Index v = box.j_begin / page.unit_height; v * page.unit_height < box.j_end; ++v)
    for (Index u = box.i_begin / page.unit_width; u * page.unit_width < box.i_end; ++u) {
      PixelBox unit{u * page.unit_width, (u + 1) * page.unit_width, v * page.unit_height, (v + 1) * page.unit_height};
      if (!page.is_tiled) unit.j_end = std::min(unit.j_end, page.shape.height);  // tiles are stored whole
      const std::size_t bytes = static_cast<std::size_t>(unit.height()) * row_bytes;
      const bool is_direct = page.unit_samples() == 1 && unit.i_begin == box.i_begin && unit.i_end == box.i_end &&
                             unit.j_begin >= box.j_begin && unit.j_end <= box.j_end;
      std::byte* const to =
          is_direct ? out + static_cast<std::size_t>(unit.j_begin - box.j_begin) * row_bytes : handle.scratch(bytes);
      NGFORGE_CHECK(decode(handle, page, static_cast<std::uint32_t>(first + v * page.units_across() + u), bytes, to));
      if (!is_direct)
        separate_samples({to, unit, page.unit_samples(), row_bytes}, box, samples, page.value_bytes(), out);
    }
  return {};
}

Result<void> TiffFileImpl::decode(TiffHandle& handle, const TiffPage& page, std::uint32_t unit, std::size_t bytes,
                                  std::byte* to) const {
  handle.listen();
  TIFF* const tiff = handle.get();
  const auto size = static_cast<tmsize_t>(bytes);
  int failed_offset = 0, failed_count = 0;
  const bool is_written = TIFFGetStrileByteCountWithErr(tiff, unit, &failed_count) != 0 ||
                          TIFFGetStrileOffsetWithErr(tiff, unit, &failed_offset) != 0;
  if (!is_written && failed_offset == 0 && failed_count == 0 && !handle.has_read_past_end()) {
    std::memset(to, 0, bytes);
    return {};
  }
  const tmsize_t decoded =
      page.is_tiled ? TIFFReadEncodedTile(tiff, unit, to, size) : TIFFReadEncodedStrip(tiff, unit, to, size);
  // What libjpeg only warns of is a picture with invented parts.
  if (decoded == size && !(page.is_jpeg && handle.has_doubts())) return {};
  return handle.failure(handle.where(page.number),
                        fmt::format("{} bytes of {} {}", bytes, page.is_tiled ? "tile" : "strip", unit));
}

bool matches(std::span<const std::byte> head) {
  constexpr const char* kMagics[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
  return head.size() >= 4 &&
         std::ranges::any_of(kMagics, [&](const char* magic) { return std::memcmp(head.data(), magic, 4) == 0; });
}

Result<std::shared_ptr<ImageFile>> open(std::shared_ptr<ImageBytes> bytes) {
  NGFORGE_TRY(std::shared_ptr<ImageFile> file, open_tiff(std::move(bytes)));
  return file;
}

}  // namespace

Result<std::shared_ptr<TiffFile>> open_tiff(std::shared_ptr<ImageBytes> bytes) {
  auto file = std::make_shared<TiffFileImpl>(std::move(bytes));
  if (auto opened = file->open(); !opened) return std::move(opened).error().of_source();
  return std::shared_ptr<TiffFile>(std::move(file));
}

extern const ImageDescriptor tiff_image;
const ImageDescriptor tiff_image{
    .name = "tiff", .title = "TIFF and BigTIFF", .suffixes = kSuffixes, .matches = matches, .open = open};

}  // namespace ngforge
