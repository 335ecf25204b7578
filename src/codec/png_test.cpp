// SPDX-License-Identifier: Apache-2.0
// The png encoding against the PNG specification by hand, and both ways against libspng.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <spng.h>

#include "codec/codec.h"
#include "codec/png_filter.h"
#include "codec/png_packer.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kColorTypes[] = {SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, SPNG_COLOR_TYPE_TRUECOLOR,
                               SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
using Spng = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

const CodecDescriptor& codec() {
  return *find_codec("png");
}

enum class Content { smooth, noise, labels, zeros };

Block make(DataType type, const VoxelVec& size, Index channels, Content content) {
  Block block(type, {{-3, 5, 70}, VoxelVec{-3, 5, 70} + size}, channels);
  std::mt19937 random(7);
  std::size_t i = 0;
  for (Index c = 0; c < channels; ++c)
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y)
        for (Index x = 0; x < size.x; ++x, ++i) {
          unsigned value = 0;
          if (content == Content::smooth) value = static_cast<unsigned>(300 + 3 * x + 5 * y + 7 * z + 40 * c);
          if (content == Content::noise) value = static_cast<unsigned>(random());
          if (content == Content::labels) value = static_cast<unsigned>(x / 5 * 71 + y / 7 * 113 + z / 3 * 39 + c);
          if (type == DataType::uint8)
            block.bytes()[i] = static_cast<std::byte>(value);
          else
            store(block.bytes().data() + 2 * i, static_cast<std::uint16_t>(value * 37));
        }
  return block;
}

Bytes encoded(const Block& block, int level = 6) {
  Bytes bytes;
  const auto done = codec().encode(block.view(), {.numbers = {{"png-level", level}}}, bytes);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return bytes;
}

// The pixels as numbers of the machine, the channels of a voxel side by side.
std::vector<std::byte> pixels_of(const Block& block) {
  const auto voxels = static_cast<std::size_t>(block.box().volume()), bytes = size_of(block.type());
  const auto channels = static_cast<std::size_t>(block.channels());
  std::vector<std::byte> pixels(block.bytes().size());
  for (std::size_t i = 0; i < voxels; ++i)
    for (std::size_t c = 0; c < channels; ++c)
      std::memcpy(&pixels[(i * channels + c) * bytes], &block.bytes()[(c * voxels + i) * bytes], bytes);
  return pixels;
}

std::vector<std::byte> read_by_spng(const Bytes& png, spng_ihdr& header) {
  const Spng context(spng_ctx_new(0), spng_ctx_free);
  std::size_t size = 0;
  EXPECT_EQ(spng_set_png_buffer(context.get(), png.data(), png.size()), 0);
  EXPECT_EQ(spng_get_ihdr(context.get(), &header), 0);
  EXPECT_EQ(spng_decoded_image_size(context.get(), SPNG_FMT_PNG, &size), 0);
  std::vector<std::byte> pixels(size);
  EXPECT_EQ(spng_decode_image(context.get(), pixels.data(), pixels.size(), SPNG_FMT_PNG, 0), 0);
  EXPECT_EQ(spng_decode_chunks(context.get()), 0);
  return pixels;
}

Bytes written_by_spng(const Block& block, std::uint32_t width, int filters, bool is_interlaced = false) {
  const Spng context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  spng_set_option(context.get(), SPNG_FILTER_CHOICE, filters);
  spng_ihdr header{};
  header.width = width;
  header.height = static_cast<std::uint32_t>(block.box().volume()) / width;
  header.bit_depth = static_cast<std::uint8_t>(8 * size_of(block.type()));
  header.color_type = static_cast<std::uint8_t>(kColorTypes[block.channels() - 1]);
  header.interlace_method = is_interlaced ? 1 : 0;
  EXPECT_EQ(spng_set_ihdr(context.get(), &header), 0);
  const auto pixels = pixels_of(block);
  EXPECT_EQ(spng_encode_image(context.get(), pixels.data(), pixels.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  std::size_t size = 0;
  int error = 0;
  const std::unique_ptr<void, decltype(&std::free)> bytes(spng_get_png_buffer(context.get(), &size, &error), std::free);
  EXPECT_EQ(error, 0);
  const auto* begin = static_cast<const std::byte*>(bytes.get());
  return Bytes(begin, begin + size);
}

void expect_decodes_to(const Bytes& png, const Block& block) {
  Block back(block.type(), block.box(), block.channels());
  const auto done = codec().decode(png, {}, back.view());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_TRUE(std::equal(block.bytes().begin(), block.bytes().end(), back.bytes().begin()));
}

void append(Bytes& bytes, std::uint32_t number) {
  const std::size_t at = bytes.size();
  bytes.resize(at + 4);
  store<std::endian::big>(bytes.data() + at, number);
}

using Chunk = std::pair<std::string_view, Bytes>;

Bytes file_of(const std::vector<Chunk>& chunks) {
  constexpr unsigned char kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto signature = std::as_bytes(std::span(kSignature));
  Bytes bytes(signature.begin(), signature.end());
  for (const auto& [type, data] : chunks) {
    append(bytes, static_cast<std::uint32_t>(data.size()));
    const std::size_t checked = bytes.size();
    for (const char letter : type) bytes.push_back(static_cast<std::byte>(letter));
    bytes.insert(bytes.end(), data.begin(), data.end());
    append(bytes, libdeflate_crc32(0, bytes.data() + checked, bytes.size() - checked));
  }
  return bytes;
}

Bytes header(std::uint32_t width, std::uint32_t height, int bits, int color, int interlace = 0) {
  Bytes bytes;
  append(bytes, width);
  append(bytes, height);
  for (const int value : {bits, color, 0, 0, interlace}) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// A zlib stream of one stored block.
Bytes stored(const std::vector<unsigned char>& data) {
  Bytes bytes{std::byte{0x78}, std::byte{0x01}, std::byte{1}};
  const auto length = static_cast<unsigned>(data.size());
  for (const unsigned part : {length, length >> 8, ~length, ~length >> 8})
    bytes.push_back(static_cast<std::byte>(part & 255));
  for (const unsigned char value : data) bytes.push_back(static_cast<std::byte>(value));
  append(bytes, libdeflate_adler32(1, data.data(), data.size()));
  return bytes;
}

std::string message_of(const Bytes& bytes, DataType type, const VoxelVec& size, Index channels = 1) {
  Block block(type, {{}, size}, channels);
  const auto done = codec().decode(bytes, {}, block.view());
  if (done) return "no error";
  EXPECT_EQ(done.error().code, ErrorCode::invalid_data);
  return done.error().message;
}

TEST(Png, HoldsWhatTheViewerDecodes) {
  for (const Index channels : {0, 1, 2, 3, 4, 5}) {
    const bool fits = channels >= 1 && channels <= 4;
    EXPECT_EQ(codec().supports(DataType::uint8, channels), fits);
    EXPECT_EQ(codec().supports(DataType::uint16, channels), channels == 1);
    EXPECT_EQ(find_decoder("png", DataType::uint16, channels) != nullptr, fits);
    for (const DataType other : {DataType::int8, DataType::int16, DataType::uint32, DataType::float32})
      EXPECT_EQ(find_decoder("png", other, channels), nullptr);
  }
}

// PNG specification 9.2, by hand. Rows of three grey bytes, each by another filter.
TEST(Png, UndoesEveryFilter) {
  const Bytes file = file_of({{"IHDR", header(3, 5, 8, 0)},
                              {"IDAT", stored({0, 10, 20,  30,    // as they are: 10 20 30
                                               1, 5,  1,   255,   // plus left: 5 6 5
                                               2, 1,  2,   3,     // plus above: 6 8 8
                                               3, 7,  250, 1,     // plus half of left and above: 10, 3, 6
                                               4, 1,  2,   3})},  // plus the nearest of left, above, corner
                              {"IEND", {}}});
  Block block(DataType::uint8, {{}, {3, 5, 1}}, 1);
  ASSERT_TRUE(codec().decode(file, {}, block.view()).has_value());
  const auto* values = reinterpret_cast<const std::uint8_t*>(block.bytes().data());
  // Last row: 1 + 10 (above); 2 + 3 (left 11, above 3, corner 10: 11 + 3 - 10 = 4, nearest is 3);
  // 3 + 6 (left 5, above 6, corner 3: 8, nearest is 6).
  EXPECT_THAT(std::vector(values, values + 15), ElementsAre(10, 20, 30, 5, 6, 5, 6, 8, 8, 10, 3, 6, 11, 5, 9));
}

TEST(Png, IsReadByAnotherLibrary) {
  for (const auto& [type, channels] : {std::pair{DataType::uint8, 1},
                                       {DataType::uint8, 2},
                                       {DataType::uint8, 3},
                                       {DataType::uint8, 4},
                                       {DataType::uint16, 1}})
    for (const VoxelVec size : {VoxelVec{1, 1, 1}, {8, 8, 8}, {13, 7, 5}, {1, 40, 3}, {65, 1, 2}, {64, 64, 16}})
      for (const Content content : {Content::smooth, Content::noise, Content::labels, Content::zeros})
        for (const int level : {0, 1, 6, 9}) {
          const Block block = make(type, size, channels, content);
          const Bytes png = encoded(block, level);
          EXPECT_LE(png.size(), codec().most_bytes(size, type, channels, {}));
          spng_ihdr found;
          EXPECT_EQ(read_by_spng(png, found), pixels_of(block));
          EXPECT_EQ(found.width, size.x);
          EXPECT_EQ(found.bit_depth, 8 * size_of(type));
          EXPECT_EQ(found.color_type, kColorTypes[channels - 1]);
          expect_decodes_to(png, block);
        }
}

TEST(Png, ReadsWhatAnotherLibraryWrites) {
  constexpr int kFilters[] = {SPNG_FILTER_CHOICE_NONE, SPNG_FILTER_CHOICE_SUB,   SPNG_FILTER_CHOICE_UP,
                              SPNG_FILTER_CHOICE_AVG,  SPNG_FILTER_CHOICE_PAETH, SPNG_FILTER_CHOICE_ALL};
  for (const DataType type : {DataType::uint8, DataType::uint16})
    for (const Index channels : {1, 2, 3, 4})
      for (const Content content : {Content::smooth, Content::noise}) {
        const Block block = make(type, {20, 9, 7}, channels, content);
        for (const int filter : kFilters) expect_decodes_to(written_by_spng(block, 20, filter), block);
        for (const std::uint32_t width : {1u, 7u, 180u, 1260u})
          expect_decodes_to(written_by_spng(block, width, SPNG_FILTER_CHOICE_ALL), block);
      }
}

TEST(Png, ReadsInterlacedPictures) {
  for (const DataType type : {DataType::uint8, DataType::uint16})
    for (const VoxelVec size : {VoxelVec{1, 1, 1}, {2, 3, 1}, {5, 5, 1}, {9, 3, 7}, {16, 8, 2}})
      for (const Index channels : {1, 3}) {
        const Block block = make(type, size, channels, Content::noise);
        expect_decodes_to(written_by_spng(block, static_cast<std::uint32_t>(size.x), SPNG_FILTER_CHOICE_ALL, true),
                          block);
      }
}

TEST(Png, LevelsAreTheOption) {
  const Block block = make(DataType::uint8, {64, 64, 16}, 1, Content::labels);
  Bytes initial;
  ASSERT_TRUE(codec().encode(block.view(), {}, initial).has_value());
  EXPECT_EQ(initial, encoded(block, 6));
  EXPECT_LT(encoded(block, 9).size(), encoded(block, 1).size());
  EXPECT_GT(encoded(block, 0).size(), block.bytes().size());
  EXPECT_EQ(encoded(block, 1), encoded(block, 1)) << "the same bytes after another level";
}

TEST(Png, SaysWhatIsWrongInTheHeader) {
  const Bytes data = stored({0, 1, 2, 0, 3, 4});
  const auto message = [&](const Bytes& ihdr, DataType type = DataType::uint8) {
    return message_of(file_of({{"IHDR", ihdr}, {"IDAT", data}, {"IEND", {}}}), type, {2, 2, 1});
  };
  EXPECT_EQ(message(header(2, 2, 8, 0)), "no error");
  EXPECT_EQ(message(header(4, 1, 8, 0)), "png: IDAT: expected 5 bytes after inflate, found more");
  EXPECT_EQ(message(header(2, 3, 8, 0)), "png: IHDR: expected a picture of 4 pixels, found 2 x 3");
  EXPECT_EQ(message(header(0x7fffffff, 0x7fffffff, 8, 0)),
            "png: IHDR: expected a picture of 4 pixels, found 2147483647 x 2147483647");
  EXPECT_EQ(message(header(0xffffffff, 0xffffffff, 16, 6)),
            "png: IHDR: expected a picture of 4 pixels, found 4294967295 x 4294967295");
  EXPECT_EQ(message(header(0, 0, 8, 0)), "png: IHDR: expected a picture of 4 pixels, found 0 x 0");
  EXPECT_EQ(message(header(2, 2, 4, 0)), "png: IHDR: expected grey of 8 bits, found grey of 4 bits");
  EXPECT_EQ(message(header(2, 2, 8, 3)), "png: IHDR: expected grey of 8 bits, found palette of 8 bits");
  EXPECT_EQ(message(header(2, 2, 8, 5)), "png: IHDR: expected grey of 8 bits, found unknown of 8 bits");
  EXPECT_EQ(message(header(2, 2, 8, 0), DataType::uint16), "png: IHDR: expected grey of 16 bits, found grey of 8 bits");
  EXPECT_THAT(message(header(2, 2, 8, 0, 2)), HasSubstr("interlace 0 or 1, found 0, 0 and 2"));
  EXPECT_EQ(message(Bytes(12)), "png: IHDR: expected 13 bytes, found 12");
}

TEST(Png, SaysWhatIsWrongWithItsParts) {
  const Bytes ihdr = header(2, 2, 8, 0), idat = stored({0, 1, 2, 0, 3, 4});
  const auto message = [](const std::vector<Chunk>& chunks) {
    return message_of(file_of(chunks), DataType::uint8, {2, 2, 1});
  };
  const Chunk first{"IHDR", ihdr}, pixels{"IDAT", idat}, last{"IEND", {}}, note{"tEXt", Bytes(5)};
  EXPECT_EQ(message({first, note, {"PLTE", Bytes(3)}, pixels, note, last}), "no error");
  const Chunk begin{"IDAT", Bytes(idat.begin(), idat.begin() + 4)}, end{"IDAT", Bytes(idat.begin() + 4, idat.end())};
  EXPECT_EQ(message({first, begin, {"IDAT", {}}, end, last}), "no error");
  EXPECT_EQ(message({first, begin, note, end, last}),
            R"(png: chunk at byte 66: expected all IDAT together, found "IDAT")");
  EXPECT_EQ(message({pixels, last}), R"(png: chunk at byte 8: expected IHDR, found "IDAT")");
  EXPECT_EQ(message({first, first, pixels, last}), R"(png: chunk at byte 33: expected one IHDR, found "IHDR")");
  EXPECT_EQ(message({first, last}), R"(png: chunk at byte 33: expected IDAT, found "IEND")");
  EXPECT_EQ(message({first, {"CgBI", {}}, pixels, last}),
            R"(png: chunk at byte 33: expected a chunk that is known, found "CgBI")");
  EXPECT_THAT(message({first, pixels}), HasSubstr("png: expected 4 bytes at byte"));
  EXPECT_THAT(message({first, pixels, last, note}), HasSubstr("png: expected the end at byte 74, found 17 bytes more"));
  EXPECT_EQ(message({first, {"IDAT", stored({0, 1, 2, 5, 3, 4})}, last}),
            "png: row 1: expected a filter of 0 to 4, found 5");
  EXPECT_EQ(message({first, {"IDAT", stored({0, 1, 2, 0, 3})}, last}),
            "png: IDAT: expected 6 bytes after inflate of 16, found 5 after inflate of 16");
  EXPECT_EQ(message({first, {"IDAT", stored({0, 1, 2, 0, 3, 4, 0})}, last}),
            "png: IDAT: expected 6 bytes after inflate, found more");
  EXPECT_EQ(message({first, {"IDAT", Bytes(17)}, last}),
            "png: IDAT: expected zlib, found data that is corrupt or cut off");
  Bytes damaged = file_of({first, pixels, last});
  damaged[45] ^= std::byte{1};
  EXPECT_THAT(message_of(damaged, DataType::uint8, {2, 2, 1}),
              HasSubstr("png: chunk at byte 33: expected the checksum"));
  EXPECT_THAT(message_of({}, DataType::uint8, {2, 2, 1}), HasSubstr("expected the signature of PNG at byte 0"));
}

TEST(Png, RefusesEveryCut) {
  for (const auto& [type, channels] : {std::pair{DataType::uint8, 3}, {DataType::uint16, 1}}) {
    const Block block = make(type, {9, 8, 7}, channels, Content::smooth);
    const Bytes whole = encoded(block);
    for (std::size_t kept = 0; kept < whole.size(); ++kept) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept));
      ASSERT_NE(message_of(cut, type, {9, 8, 7}, channels), "no error") << kept;
    }
  }
}

TEST(PngPacker, MakesZlibStreamsOfEveryKindAndLevel) {
  std::mt19937 random(3);
  Bytes noise(100'000), zeros(100'000);
  for (std::byte& value : noise) value = static_cast<std::byte>(random());
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> inflater(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  for (int level = 0; level <= 9; ++level) {
    PngPacker packer(level);
    for (const auto packing : {PngPacking::matches, PngPacking::runs, PngPacking::codes})
      for (const Bytes& in : {noise, zeros, Bytes{std::byte{1}}}) {
        const auto packed = packer.pack(in, packing);
        EXPECT_LE(packed.size(), PngPacker::most_bytes(in.size()));
        Bytes back(in.size());
        ASSERT_EQ(
            libdeflate_zlib_decompress(inflater.get(), packed.data(), packed.size(), back.data(), back.size(), nullptr),
            LIBDEFLATE_SUCCESS);
        EXPECT_EQ(back, in);
      }
  }
}

TEST(PngFilter, TakesTheSmallestDifferences) {
  // Behind zeros: the row above, and rows that one filter each predicts best.
  std::array<std::uint8_t, kMostPixelBytes + 4> above{};
  std::copy_n(std::array<std::uint8_t, 4>{100, 50, 200, 10}.begin(), 4, above.begin() + kMostPixelBytes);
  const auto filter_of = [&](std::array<std::uint8_t, 4> row) {
    std::array<std::uint8_t, kMostPixelBytes + 4> space{};
    std::copy(row.begin(), row.end(), space.begin() + kMostPixelBytes);
    std::uint8_t out[5], trial[5];
    filter_png_row(std::span(space).subspan(kMostPixelBytes), above.data() + kMostPixelBytes, 1, out, trial);
    std::array<std::uint8_t, 4> back;
    std::copy_n(out + 1, 4, back.begin());
    EXPECT_TRUE(unfilter_png_row(out[0], back, above.data() + kMostPixelBytes, 1));
    EXPECT_EQ(back, row);
    return static_cast<PngFilter>(out[0]);
  };
  EXPECT_EQ(filter_of({0, 0, 0, 0}), PngFilter::none);
  EXPECT_EQ(filter_of({20, 20, 20, 20}), PngFilter::left);
  EXPECT_EQ(filter_of({101, 51, 199, 9}), PngFilter::above);
  EXPECT_EQ(filter_of({50, 50, 125, 67}), PngFilter::average);
}

}  // namespace
}  // namespace ngforge
