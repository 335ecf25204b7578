// SPDX-License-Identifier: Apache-2.0
// The png encoding (precomputed specification, 1.7; PNG specification, third edition): one picture per chunk, of type
// grey (1 channel), grey with alpha (2), RGB (3) or RGBA (4), 8 or 16 bits; its pixels row by row are the voxels in the
// order x, y, z. Any width and height with that product will do.
//
//   byte 0   89 50 4e 47 0d 0a 1a 0a
//   then     chunks: length, type, data, CRC-32 of type and data; numbers are 32 bits, big-endian
//     IHDR   width, height, bits per value, colour type, compression 0, filter 0, interlace 0 or 1 (Adam7)
//     IDAT   together one zlib stream of rows, each behind the byte of its filter
//     IEND   empty
//
// Read and written with libdeflate: pixels are inflated into a buffer of the size that they must have, so that no
// stream can become more, and more than twice as fast as libspng of the same system does.
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include <libdeflate.h>

#include "codec/codec.h"
#include "codec/image_chunk.h"
#include "codec/png_filter.h"
#include "codec/png_packer.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using Byte = std::uint8_t;

constexpr Byte kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kHeaderBytes = 13, kChunkBytes = 12;  // IHDR's data; length, type and CRC of any chunk
constexpr std::size_t kFrameBytes = sizeof kSignature + 3 * kChunkBytes + kHeaderBytes;  // without IDAT's data
constexpr Byte kColorTypes[] = {0, 4, 2, 6};                                             // by channels less one
constexpr Index kLongestSide = 1'000'000;  // what libpng reads unless told otherwise
constexpr std::size_t kMostChunkBytes = 0x7fffffff;

constexpr CodecOption kLevel{"png-level", 6, 0, 9, "Effort of png; 0 stores pixels as they are"};
constexpr CodecOption kOptions[] = {kLevel};

bool supports(DataType type, Index channels) {
  // The viewer mixes the bytes of 16-bit values up when there is more than one channel.
  return (type == DataType::uint8 && channels >= 1 && channels <= 4) || (type == DataType::uint16 && channels == 1);
}

bool decodes_also(DataType type, Index channels) {
  return type == DataType::uint16 && channels >= 2 && channels <= 4;
}

Result<void> check_size(const VoxelVec& size, const CodecOptions&) {
  NGFORGE_CHECK(image_shape("png", size, kLongestSide));
  return {};
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

Byte* bytes_of(Buffer& buffer) {
  return reinterpret_cast<Byte*>(buffer.data());
}

// ---- Encoding

// Turns the voxels of a chunk into rows behind their filter bytes.
class RowMaker {
 public:
  RowMaker(const BlockView& view, const ImageShape& shape)
      : view_(view),
        width_(static_cast<std::size_t>(shape.width)),
        pixel_bytes_(view.value_bytes() * static_cast<std::size_t>(view.channels)),
        row_bytes_(width_ * pixel_bytes_),
        space_(2 * (kMostPixelBytes + row_bytes_) + kFilterByte + row_bytes_) {
    std::memset(space_.data(), 0, space_.size());
  }

  std::size_t filtered_row_bytes() const { return kFilterByte + row_bytes_; }

  // Rows [begin, end) into `out`; filtered, or as they are.
  void make(std::size_t begin, std::size_t end, bool is_filtered, std::byte* out) {
    Byte* row = bytes_of(space_) + kMostPixelBytes;
    Byte* above = row + row_bytes_ + kMostPixelBytes;
    Byte* const trial = above + row_bytes_;
    if (begin == 0)
      std::memset(above, 0, row_bytes_);
    else
      gather(begin - 1, above);
    for (std::size_t y = begin; y < end; ++y, out += filtered_row_bytes()) {
      auto* const filtered = reinterpret_cast<Byte*>(out);
      if (is_filtered) {
        gather(y, row);
        filter_png_row({row, row_bytes_}, above, pixel_bytes_, filtered, trial);
        std::swap(row, above);
      } else {
        filtered[0] = static_cast<Byte>(PngFilter::none);
        gather(y, filtered + kFilterByte);
      }
    }
  }

 private:
  void gather(std::size_t y, Byte* row) const {
    gather_pixels(view_, y * width_, width_, reinterpret_cast<std::byte*>(row));
  }

  const BlockView view_;
  const std::size_t width_, pixel_bytes_, row_bytes_;
  Buffer space_;  // a row and the one before, each behind zeros; the other of two attempts at filtering a row
};

// How a stream becomes small: measured, all four are best for some data (smooth, repeating, noisy, labels).
struct Way {
  bool is_filtered;
  PngPacking packing;
};
constexpr Way kWays[] = {
    {true, PngPacking::runs}, {true, PngPacking::matches}, {true, PngPacking::codes}, {false, PngPacking::matches}};

// The best way for a sample out of the middle.
Way choose_way(RowMaker& rows, std::size_t height, PngPacker& packer) {
  constexpr std::size_t kPart = 16, kLeastBytes = 16 * 1024;
  const std::size_t count = std::min(height, std::max(height / kPart, kLeastBytes / rows.filtered_row_bytes() + 1));
  const std::size_t begin = (height - count) / 2;
  Buffer sample(count * rows.filtered_row_bytes());
  Way best = kWays[0];
  std::size_t least = 0;
  for (const Way& way : kWays) {
    rows.make(begin, begin + count, way.is_filtered, sample.data());
    const std::size_t size = packer.pack(sample.span(), way.packing).size();
    if (least != 0 && size >= least) continue;
    best = way;
    least = size;
  }
  return best;
}

// Writes a file into bytes that have its size.
class PngWriter {
 public:
  explicit PngWriter(std::byte* out) : out_(out) { append(std::as_bytes(std::span(kSignature))); }

  void add(const char (&type)[5], std::span<const std::byte> data) {
    append(static_cast<std::uint32_t>(data.size()));
    const std::byte* const checked = out_;
    append(std::as_bytes(std::span(type, 4)));
    append(data);
    append(crc_of({checked, out_}));
  }

 private:
  void append(std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(out_, bytes.data(), bytes.size());
    out_ += bytes.size();
  }
  void append(std::uint32_t number) {
    store<std::endian::big>(out_, number);
    out_ += sizeof number;
  }

  std::byte* out_;
};

Error unsupported_voxels(DataType type, Index channels) {
  return make_error(ErrorCode::unsupported, "png: expected 1 to 4 channels of uint8 or one of uint16, found {} of {}",
                    channels, name_of(type));
}

Result<void> encode(const BlockView& view, const CodecOptions& options, Bytes& out) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_TRY(const ImageShape shape, image_shape("png", view.size(), kLongestSide));
  const int level = options.number(kLevel);
  thread_local std::unique_ptr<PngPacker> packer;
  if (!packer || packer->level() != level) packer = std::make_unique<PngPacker>(level);

  const auto height = static_cast<std::size_t>(shape.height);
  RowMaker rows(view, shape);
  Buffer filtered(height * rows.filtered_row_bytes());
  if (packer->bound(filtered.size()) > kMostChunkBytes)
    return make_error(ErrorCode::limit, "png: expected at most {} bytes of pixels, found {}", kMostChunkBytes,
                      filtered.size());
  const Way way = level == 0 ? Way{false, PngPacking::matches} : choose_way(rows, height, *packer);
  rows.make(0, height, way.is_filtered, filtered.data());

  std::array<std::byte, kHeaderBytes> header{};
  store<std::endian::big>(header.data(), static_cast<std::uint32_t>(shape.width));
  store<std::endian::big>(header.data() + 4, static_cast<std::uint32_t>(shape.height));
  header[8] = static_cast<std::byte>(8 * view.value_bytes());
  header[9] = static_cast<std::byte>(kColorTypes[view.channels - 1]);
  const auto packed = packer->pack(filtered.span(), way.packing);
  out.resize(kFrameBytes + packed.size());
  PngWriter writer(out.data());
  writer.add("IHDR", header);
  writer.add("IDAT", packed);
  writer.add("IEND", {});
  return {};
}

std::uint64_t most_bytes(const VoxelVec& size, DataType type, Index channels, const CodecOptions&) {
  const auto shape = image_shape("png", size, kLongestSide);
  if (!shape) return 0;
  const auto rows = static_cast<std::uint64_t>(shape->height);
  const std::uint64_t row_bytes = kFilterByte + static_cast<std::uint64_t>(shape->width * channels) * size_of(type);
  return kFrameBytes + PngPacker::most_bytes(rows * row_bytes);
}

// ---- Decoding

// One of the pictures that a picture is sent in: every dx-th pixel of every dy-th row.
struct Pass {
  Index x, y, dx, dy;
  Index width(const ImageShape& shape) const { return shape.width <= x ? 0 : ceil_div(shape.width - x, dx); }
  Index height(const ImageShape& shape) const { return shape.height <= y ? 0 : ceil_div(shape.height - y, dy); }
};
constexpr Pass kWhole[] = {{0, 0, 1, 1}};
constexpr Pass kAdam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

struct PngHeader {
  ImageShape shape;
  bool is_interlaced = false;
};

const char* name_of_color_type(Byte type) {
  switch (type) {
    case 0: return "grey";
    case 2: return "RGB";
    case 3: return "palette";
    case 4: return "grey with alpha";
    case 6: return "RGBA";
    default: return "unknown";
  }
}

Result<PngHeader> read_header(std::span<const std::byte> data, const MutableBlockView& view) {
  if (data.size() != kHeaderBytes)
    return make_error(ErrorCode::invalid_data, "png: IHDR: expected {} bytes, found {}", kHeaderBytes, data.size());
  const auto width = load<std::uint32_t, std::endian::big>(data.data());
  const auto height = load<std::uint32_t, std::endian::big>(data.data() + 4);
  const auto value = [&](std::size_t at) { return std::to_integer<Byte>(data[at]); };
  // Products of two 32-bit numbers fit 64 bits without a sign.
  if (std::uint64_t{width} * height != static_cast<std::uint64_t>(view.box.volume()))
    return make_error(ErrorCode::invalid_data, "png: IHDR: expected a picture of {} pixels, found {} x {}",
                      view.box.volume(), width, height);
  const Byte bits = static_cast<Byte>(8 * view.value_bytes()), color_type = kColorTypes[view.channels - 1];
  if (value(8) != bits || value(9) != color_type)
    return make_error(ErrorCode::invalid_data, "png: IHDR: expected {} of {} bits, found {} of {} bits",
                      name_of_color_type(color_type), bits, name_of_color_type(value(9)), value(8));
  if (value(10) != 0 || value(11) != 0 || value(12) > 1)
    return make_error(ErrorCode::invalid_data,
                      "png: IHDR: expected compression 0, filter 0 and interlace 0 or 1, found {}, {} and {}",
                      value(10), value(11), value(12));
  return PngHeader{{Index{width}, Index{height}}, value(12) == 1};
}

struct PngChunk {
  std::array<char, 4> type;
  std::span<const std::byte> data;
  std::string_view name() const { return {type.data(), type.size()}; }
  bool is(std::string_view other) const { return name() == other; }
  // Others may be left out by a reader.
  bool is_critical() const { return (type[0] & 0x20) == 0; }
};

Result<PngChunk> read_chunk(ByteCursor& cursor) {
  const std::size_t at = cursor.position();
  NGFORGE_TRY(const auto length, cursor.read<std::uint32_t>());
  NGFORGE_TRY(const auto checked, cursor.take(std::size_t{length} + 4));
  NGFORGE_TRY(const auto crc, cursor.read<std::uint32_t>());
  PngChunk chunk;
  std::memcpy(chunk.type.data(), checked.data(), chunk.type.size());
  chunk.data = checked.subspan(chunk.type.size());
  if (const auto found = crc_of(checked); found != crc)
    return make_error(ErrorCode::invalid_data, "png: chunk at byte {}: expected the checksum {:08x}, found {:08x}", at,
                      crc, found);
  return chunk;
}

// What a file holds, in place where it can be.
struct PngParts {
  PngHeader header;
  std::span<const std::byte> packed;  // the zlib stream
  Bytes joined;                       // owns it when it comes in pieces
};

Result<PngParts> read_parts(std::span<const std::byte> bytes, const MutableBlockView& view) {
  if (bytes.size() < sizeof kSignature || std::memcmp(bytes.data(), kSignature, sizeof kSignature) != 0)
    return make_error(ErrorCode::invalid_data, "png: expected the signature of PNG at byte 0, found other bytes");
  ByteCursor cursor(bytes, "png", std::endian::big);
  NGFORGE_CHECK(cursor.seek(sizeof kSignature));
  PngParts parts;
  bool has_pieces = false, is_behind_pieces = false;
  for (bool is_first = true;; is_first = false) {
    const std::size_t at = cursor.position();
    NGFORGE_TRY(const PngChunk chunk, read_chunk(cursor));
    const auto unexpected = [&](std::string_view expected) {
      return make_error(ErrorCode::invalid_data, "png: chunk at byte {}: expected {}, found {:?}", at, expected,
                        chunk.name());
    };
    if (is_first != chunk.is("IHDR")) return unexpected(is_first ? "IHDR" : "one IHDR");
    if (is_first) {
      NGFORGE_TRY(parts.header, read_header(chunk.data, view));
    } else if (chunk.is("IEND")) {
      if (!has_pieces) return unexpected("IDAT");
      if (cursor.remaining() > 0)
        return make_error(ErrorCode::invalid_data, "png: expected the end at byte {}, found {} bytes more",
                          cursor.position(), cursor.remaining());
      return parts;
    } else if (chunk.is("IDAT")) {
      if (is_behind_pieces) return unexpected("all IDAT together");
      if (has_pieces && parts.joined.empty()) parts.joined.assign(parts.packed.begin(), parts.packed.end());
      if (has_pieces) parts.joined.insert(parts.joined.end(), chunk.data.begin(), chunk.data.end());
      parts.packed = has_pieces ? std::span<const std::byte>(parts.joined) : chunk.data;
      has_pieces = true;
    } else {
      // RGB pictures may carry a palette for displays that lack colours.
      if (chunk.is_critical() && !chunk.is("PLTE")) return unexpected("a chunk that is known");
      is_behind_pieces = has_pieces;
    }
  }
}

Result<void> inflate_exactly(std::span<const std::byte> packed, std::span<std::byte> out) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  thread_local const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  std::size_t consumed = 0, produced = 0;
  const auto result = libdeflate_zlib_decompress_ex(decompressor.get(), packed.data(), packed.size(), out.data(),
                                                    out.size(), &consumed, &produced);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
    return make_error(ErrorCode::invalid_data, "png: IDAT: expected {} bytes after inflate, found more", out.size());
  if (result != LIBDEFLATE_SUCCESS)
    return make_error(ErrorCode::invalid_data, "png: IDAT: expected zlib, found data that is corrupt or cut off");
  if (produced != out.size() || consumed != packed.size())
    return make_error(ErrorCode::invalid_data,
                      "png: IDAT: expected {} bytes after inflate of {}, found {} after inflate of {}", out.size(),
                      packed.size(), produced, consumed);
  return {};
}

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions&, const MutableBlockView& view) {
  if (!supports(view.type, view.channels) && !decodes_also(view.type, view.channels))
    return make_error(ErrorCode::unsupported, "png: expected 1 to 4 channels of uint8 or uint16, found {} of {}",
                      view.channels, name_of(view.type));
  NGFORGE_TRY(const PngParts parts, read_parts(bytes, view));
  const ImageShape shape = parts.header.shape;
  const std::size_t pixel_bytes = view.value_bytes() * static_cast<std::size_t>(view.channels);
  const std::span<const Pass> passes = parts.header.is_interlaced ? std::span<const Pass>(kAdam7) : kWhole;
  std::size_t filtered_bytes = 0;
  for (const Pass& pass : passes) {
    const auto width = static_cast<std::size_t>(pass.width(shape)),
               height = static_cast<std::size_t>(pass.height(shape));
    if (width > 0) filtered_bytes += height * (kFilterByte + width * pixel_bytes);
  }
  Buffer filtered(filtered_bytes);
  NGFORGE_CHECK(inflate_exactly(parts.packed, filtered.span()));

  const Bytes zeros(static_cast<std::size_t>(shape.width) * pixel_bytes);
  Byte* row = bytes_of(filtered);
  for (const Pass& pass : passes) {
    const auto width = static_cast<std::size_t>(pass.width(shape)),
               height = static_cast<std::size_t>(pass.height(shape));
    if (width == 0) continue;
    const std::size_t row_bytes = width * pixel_bytes;
    const Byte* above = reinterpret_cast<const Byte*>(zeros.data());
    for (std::size_t y = 0; y < height; ++y, row += kFilterByte + row_bytes) {
      Byte* const pixels = row + kFilterByte;
      if (!unfilter_png_row(row[0], {pixels, row_bytes}, above, pixel_bytes))
        return make_error(ErrorCode::invalid_data, "png: row {}: expected a filter of 0 to 4, found {}", y, row[0]);
      above = pixels;
      const auto first = static_cast<std::size_t>((pass.y + static_cast<Index>(y) * pass.dy) * shape.width + pass.x);
      const auto step = static_cast<std::size_t>(pass.dx);
      const auto* const values = reinterpret_cast<const std::byte*>(pixels);
      if (step == 1)
        scatter_pixels(values, first, width, view);
      else
        for (std::size_t x = 0; x < width; ++x) scatter_pixels(values + x * pixel_bytes, first + x * step, 1, view);
    }
  }
  return {};
}

}  // namespace

extern const CodecDescriptor png_codec;
const CodecDescriptor png_codec{.name = "png",
                                .alias = "",
                                .title = "png: lossless pictures, 1 to 4 channels of uint8 or one of uint16",
                                .is_lossy = false,
                                .is_compressed = true,
                                .is_plain = false,
                                .has_block_size = false,
                                .options = kOptions,
                                .unread_by = "WEBKNOSSOS",
                                .supports = supports,
                                .decodes_also = decodes_also,
                                .check_size = check_size,
                                .encode = encode,
                                .most_bytes = most_bytes,
                                .decode = decode};

}  // namespace ngforge
