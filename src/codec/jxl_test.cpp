// SPDX-License-Identifier: Apache-2.0
// The jxl encoding against pictures that the library writes and reads in other ways.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jxl/decode.h>
#include <jxl/encode.h>

#include "codec/codec.h"
#include "codec/jxl_frame.h"
#include "codec/test_blocks.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

const CodecDescriptor& codec() {
  return *find_codec("jxl");
}

Block noise(const VoxelVec& size, Index channels, unsigned seed = 1) {
  Block block(DataType::uint8, {{}, size}, channels);
  std::mt19937 random(seed);
  for (auto& value : block.bytes()) value = static_cast<std::byte>(random() % 256);
  return block;
}

CodecOptions options_of(int quality, int effort = 4) {
  return {.numbers = {{"jxl-quality", quality}, {"jxl-effort", effort}}};
}

Bytes encoded(const Block& block, const CodecOptions& options = {}) {
  Bytes bytes(3, std::byte{77});
  const auto done = codec().encode(block.view(), options, bytes);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return bytes;
}

Result<Block> decoded(const Bytes& bytes, const VoxelVec& size, Index channels) {
  Block block(DataType::uint8, {{}, size}, channels);
  std::memset(block.bytes().data(), 0x5a, block.bytes().size());
  NGFORGE_CHECK(codec().decode(bytes, {}, block.view()));
  return block;
}

std::string message_of(const Bytes& bytes, const VoxelVec& size, Index channels) {
  const auto block = decoded(bytes, size, channels);
  if (block) return "no error";
  EXPECT_EQ(block.error().code, ErrorCode::invalid_data);
  return block.error().message;
}

int largest_difference(const Block& a, const Block& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.bytes().size(); ++i)
    largest = std::max(largest, std::abs(std::to_integer<int>(a.bytes()[i]) - std::to_integer<int>(b.bytes()[i])));
  return largest;
}

void expect_equal(const Block& expected, const Bytes& bytes) {
  const auto back = decoded(bytes, expected.box().size(), expected.channels());
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(largest_difference(expected, *back), 0);
}

// How other writers may make a picture, by the library itself.
struct Picture {
  std::uint32_t width = 0, height = 0, channels = 1, frames = 1;
  std::uint32_t duration = 1;  // of a frame, when there are several
  bool has_container = false, is_alpha = false;
  JxlLayerInfo layer{};  // when it has a crop
  JxlBlendMode blend = JXL_BLEND_REPLACE;
  int effort = 4;
};

Bytes written(const std::vector<std::byte>& pixels, const Picture& of) {
  const std::unique_ptr<JxlEncoder, decltype(&JxlEncoderDestroy)> encoder(JxlEncoderCreate(nullptr), JxlEncoderDestroy);
  JxlEncoderUseContainer(encoder.get(), of.has_container ? JXL_TRUE : JXL_FALSE);
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = of.width;
  info.ysize = of.height;
  info.bits_per_sample = 8;
  info.num_color_channels = of.channels >= 3 ? 3 : 1;
  info.num_extra_channels = of.is_alpha ? 1 : 0;
  info.alpha_bits = of.is_alpha ? 8 : 0;
  info.uses_original_profile = JXL_TRUE;
  info.have_animation = of.frames > 1 ? JXL_TRUE : JXL_FALSE;
  info.animation.tps_numerator = info.animation.tps_denominator = 1;
  EXPECT_EQ(JxlEncoderSetBasicInfo(encoder.get(), &info), JXL_ENC_SUCCESS);
  JxlColorEncoding color;
  JxlColorEncodingSetToSRGB(&color, info.num_color_channels == 1 ? JXL_TRUE : JXL_FALSE);
  EXPECT_EQ(JxlEncoderSetColorEncoding(encoder.get(), &color), JXL_ENC_SUCCESS);
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  EXPECT_EQ(JxlEncoderSetFrameLossless(settings, JXL_TRUE), JXL_ENC_SUCCESS);
  EXPECT_EQ(JxlEncoderFrameSettingsSetOption(settings, JXL_ENC_FRAME_SETTING_EFFORT, of.effort), JXL_ENC_SUCCESS);
  JxlFrameHeader frame;
  JxlEncoderInitFrameHeader(&frame);
  frame.duration = of.frames > 1 ? of.duration : 0;
  frame.layer_info = of.layer;
  frame.layer_info.blend_info.blendmode = of.blend;
  EXPECT_EQ(JxlEncoderSetFrameHeader(settings, &frame), JXL_ENC_SUCCESS);
  const JxlPixelFormat format{of.channels, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  const std::size_t size = pixels.size() / of.frames;
  for (std::uint32_t i = 0; i < of.frames; ++i)
    EXPECT_EQ(JxlEncoderAddImageFrame(settings, &format, pixels.data() + i * size, size), JXL_ENC_SUCCESS);
  JxlEncoderCloseInput(encoder.get());
  Bytes out(1 << 20);
  auto* next = reinterpret_cast<std::uint8_t*>(out.data());
  std::size_t left = out.size();
  EXPECT_EQ(JxlEncoderProcessOutput(encoder.get(), &next, &left), JXL_ENC_SUCCESS);
  out.resize(out.size() - left);
  return out;
}

std::vector<std::byte> planes_of(const Block& block) {
  return {block.bytes().begin(), block.bytes().end()};
}

// The channels of a voxel side by side.
std::vector<std::byte> pixels_of(const Block& block) {
  const auto voxels = static_cast<std::size_t>(block.box().volume());
  const auto channels = static_cast<std::size_t>(block.channels());
  std::vector<std::byte> pixels(voxels * channels);
  for (std::size_t i = 0; i < voxels; ++i)
    for (std::size_t c = 0; c < channels; ++c) pixels[i * channels + c] = block.bytes()[c * voxels + i];
  return pixels;
}

TEST(Jxl, HoldsOneToFourChannelsOfBytes) {
  for (const Index channels : {0, 1, 2, 3, 4, 5}) {
    EXPECT_EQ(codec().supports(DataType::uint8, channels), channels >= 1 && channels <= 4) << channels;
    for (const DataType other : {DataType::int8, DataType::uint16, DataType::uint32, DataType::float32})
      EXPECT_FALSE(codec().supports(other, channels));
  }
}

TEST(Jxl, IsABareCodestreamAsWideAsTheChunk) {
  for (const Index channels : {1, 3}) {
    const Bytes bytes = encoded(ramp({17, 9, 2}, channels));
    ASSERT_EQ(bytes[0], std::byte{0xff});
    ASSERT_EQ(bytes[1], std::byte{0x0a});
    const std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)> decoder(JxlDecoderCreate(nullptr),
                                                                            JxlDecoderDestroy);
    JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_BASIC_INFO);
    JxlDecoderSetInput(decoder.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ASSERT_EQ(JxlDecoderProcessInput(decoder.get()), JXL_DEC_BASIC_INFO);
    JxlBasicInfo info;
    ASSERT_EQ(JxlDecoderGetBasicInfo(decoder.get(), &info), JXL_DEC_SUCCESS);
    EXPECT_EQ(info.xsize, 17u);
    EXPECT_EQ(info.ysize, 18u);
    EXPECT_EQ(info.num_color_channels, 1u);
    EXPECT_EQ(info.bits_per_sample, 8u);
    EXPECT_EQ(info.have_animation, channels > 1 ? JXL_TRUE : JXL_FALSE);
  }
}

TEST(Jxl, LosesNothingUnlessAsked) {
  for (const VoxelVec size : {VoxelVec{1, 1, 1}, {64, 64, 4}, {7, 5, 3}, {300, 2, 1}, {1, 30, 9}, {17, 9, 2}})
    for (const Index channels : {1, 2, 3, 4})
      for (const Block& block : {ramp(size, channels), noise(size, channels)}) expect_equal(block, encoded(block));
}

TEST(Jxl, QualityAndEffortAreOptions) {
  const Block block = ramp({64, 64, 8}, 3);
  std::size_t size = 0;
  int difference = 255;
  for (const int quality : {1, 20, 50, 85, 99}) {
    const Bytes bytes = encoded(block, options_of(quality));
    EXPECT_GT(bytes.size(), size) << quality;
    size = bytes.size();
    const auto back = decoded(bytes, block.box().size(), 3);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    const int found = largest_difference(block, *back);
    EXPECT_GT(found, 0) << quality;
    if (quality >= 85) {
      EXPECT_LE(found, 20) << quality;  // beside the edges where values wrap
    }
    EXPECT_LE(found, difference) << quality;
    difference = found;
  }
  EXPECT_EQ(encoded(block), encoded(block, options_of(100, 4)));
  EXPECT_NE(encoded(block, options_of(100, 1)), encoded(block, options_of(100, 7)));
  for (int effort = 1; effort <= 9; ++effort) expect_equal(block, encoded(block, options_of(100, effort)));
}

TEST(Jxl, NoiseStaysWithinMostBytes) {
  for (const VoxelVec size : {VoxelVec{1, 1, 1}, {1, 3, 1}, {8, 8, 8}, {33, 9, 7}, {64, 64, 16}})
    for (const Index channels : {1, 3})
      for (const int quality : {1, 90, 99, 100})
        for (const int effort : {1, 3, 4, 7}) {
          const Block block = noise(size, channels);
          const auto options = options_of(quality, effort);
          const std::size_t found = encoded(block, options).size();
          const double voxels = static_cast<double>(size.product() * channels);
          EXPECT_LE(static_cast<double>(found), 1.4 * voxels + 300 * static_cast<double>(channels))
              << size.x << " " << quality << " " << effort;
        }
}

TEST(Jxl, IsReadHoweverItIsWritten) {
  const VoxelVec size{8, 6, 5};
  const Block grey = ramp(size, 1), planes = ramp(size, 3);
  for (const std::uint32_t width : {1u, 2u, 8u, 15u, 48u, 240u})
    for (const bool has_container : {false, true}) {
      Picture picture{.width = width, .height = 240 / width, .has_container = has_container};
      expect_equal(grey, written(planes_of(grey), picture));
      picture.frames = 3;
      expect_equal(planes, written(planes_of(planes), picture));
      // One picture of colours.
      picture.frames = 1;
      picture.channels = 3;
      expect_equal(planes, written(pixels_of(planes), picture));
    }
}

TEST(Jxl, LargeChunks) {
  const VoxelVec size{8, 128, 1024};
  Block block(DataType::uint8, {{}, size}, 1);
  for (std::size_t i = 0; i < block.bytes().size(); ++i) block.bytes()[i] = static_cast<std::byte>(i / 4096);
  expect_equal(block, encoded(block));
  EXPECT_TRUE(codec().check_size({512, 512, 512}, {}).has_value());
  EXPECT_EQ(codec().check_size({1024, 1024, 1024}, {}).error().code, ErrorCode::limit);
  EXPECT_EQ(codec().check_size({1 << 18, 1 << 18, 1}, {}).error().code, ErrorCode::limit);
}

TEST(Jxl, SaysWhatIsWrong) {
  const VoxelVec size{16, 8, 4};
  const Block grey = ramp(size, 1), planes = ramp(size, 3);
  const Bytes good = encoded(grey);
  EXPECT_EQ(message_of(good, {8, 8, 4}, 1), "jxl: expected a picture of 256 pixels, found 16 x 32");
  EXPECT_EQ(message_of(good, size, 3), "jxl: expected 3 frame(s), found 1");
  EXPECT_EQ(message_of(encoded(planes), size, 1), "jxl: expected 1 frame(s), found more");
  EXPECT_EQ(message_of(encoded(planes), size, 2), "jxl: expected 2 frame(s), found more");
  const Bytes colors = written(pixels_of(planes), {.width = 16, .height = 32, .channels = 3});
  EXPECT_EQ(message_of(colors, size, 1), "jxl: expected 1 frame(s) of grey, found 3 component(s) and 0 extra");
  const Bytes alpha = written(pixels_of(ramp(size, 2)), {.width = 16, .height = 32, .channels = 2, .is_alpha = true});
  EXPECT_EQ(message_of(alpha, size, 2), "jxl: expected 2 frame(s) of grey, found 1 component(s) and 1 extra");
  for (const std::size_t count : {0, 1, 40})
    EXPECT_EQ(message_of(Bytes(count, std::byte{1}), size, 1),
              fmt::format("jxl: expected the signature of a codestream or a container, found other {} bytes", count));
  EXPECT_EQ(message_of({good.begin(), good.end() - 9}, size, 1),
            fmt::format("jxl: expected more than {} bytes, found their end in frame 0", good.size() - 9));
  Bytes more = good;
  more.push_back({});
  EXPECT_EQ(message_of(more, size, 1), fmt::format("jxl: expected an end at byte {}, found 1 bytes more", good.size()));
}

TEST(Jxl, RefusesFramesThatAreNotPicturesOfTheirOwn) {
  const VoxelVec size{16, 8, 4};
  const Block planes = ramp(size, 3);
  Picture picture{.width = 16, .height = 32, .frames = 3, .blend = JXL_BLEND_ADD};
  EXPECT_THAT(message_of(written(planes_of(planes), picture), size, 3), HasSubstr("found a layer"));
  picture.blend = JXL_BLEND_REPLACE;
  picture.duration = 0;
  EXPECT_THAT(message_of(written(planes_of(planes), picture), size, 3), HasSubstr("found a layer"));
  // A frame far larger than the picture: refused before there is memory for it.
  Picture larger{.width = 16, .height = 32};
  larger.layer.have_crop = JXL_TRUE;
  larger.layer.xsize = 1000;
  larger.layer.ysize = 900;
  larger.layer.crop_x0 = -5;
  EXPECT_EQ(message_of(written(std::vector<std::byte>(900000), larger), size, 1),
            "jxl: frame 0: expected a whole picture of 16 x 32, found 1000 x 900 at -5 0");
}

// Many equal spots: other writers make patches of a frame of its own of them, from effort 7 on.
Block spots(const VoxelVec& size, unsigned seed = 5) {
  Block block(DataType::uint8, {{}, size}, 1);
  std::memset(block.bytes().data(), 0, block.bytes().size());
  std::mt19937 random(seed);
  const Block spot = noise({9, 9, 1}, 1, seed);
  const auto width = static_cast<std::size_t>(size.x), height = static_cast<std::size_t>(size.y);
  for (int i = 0; i < 60; ++i) {
    const std::size_t at = random() % (height - 9) * width + random() % (width - 9);
    for (std::size_t y = 0; y < 9; ++y)
      for (std::size_t x = 0; x < 9; ++x)
        block.bytes()[at + width * y + x] = spot.bytes()[9 * y + x] < std::byte{128} ? std::byte{0} : std::byte{255};
  }
  return block;
}

// Frames that are not shown at the begin of a stream of this size.
int hidden_frames(const Bytes& stream, const JxlPicture& picture, std::size_t begin) {
  int count = 0;
  for (auto rest = std::span(stream).subspan(begin); !rest.empty(); ++count) {
    const auto frame = read_jxl_frame(rest, picture);
    if (!frame || frame->is_shown || !frame->size_bytes || *frame->size_bytes > rest.size()) break;
    rest = rest.subspan(static_cast<std::size_t>(*frame->size_bytes));
  }
  return count;
}

std::size_t end_of_head(const Bytes& stream) {
  const std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)> decoder(JxlDecoderCreate(nullptr), JxlDecoderDestroy);
  JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_COLOR_ENCODING);
  JxlDecoderSetInput(decoder.get(), reinterpret_cast<const std::uint8_t*>(stream.data()), stream.size());
  EXPECT_EQ(JxlDecoderProcessInput(decoder.get()), JXL_DEC_COLOR_ENCODING);
  return stream.size() - JxlDecoderReleaseInput(decoder.get());
}

TEST(Jxl, WritesOnlyFramesThatAreShown) {
  const Block block = spots({256, 256, 1});
  for (int effort = 1; effort <= 9; ++effort) {
    const Bytes stream = encoded(block, options_of(100, effort));
    expect_equal(block, stream);
    EXPECT_EQ(hidden_frames(stream, {256, 256, false}, end_of_head(stream)), 0) << effort;
  }
  for (const int quality : {1, 50, 90}) {
    const Bytes stream = encoded(block, options_of(quality, 7));
    EXPECT_TRUE(decoded(stream, block.box().size(), 1).has_value()) << quality;
    EXPECT_EQ(hidden_frames(stream, {256, 256, true}, end_of_head(stream)), 0) << quality;
  }
}

TEST(Jxl, ReadsPicturesMadeOfPatches) {
  const Block block = spots({256, 256, 1});
  const Bytes stream = written(planes_of(block), {.width = 256, .height = 256, .effort = 9});
  EXPECT_EQ(hidden_frames(stream, {256, 256, false}, end_of_head(stream)), 1);
  expect_equal(block, stream);
  // Before each frame of an animation.
  Block planes(DataType::uint8, {{}, {256, 128, 1}}, 3);
  for (unsigned c = 0; c < 3; ++c)
    std::ranges::copy(spots({256, 128, 1}, c).bytes(), planes.bytes().begin() + c * 256 * 128);
  const Bytes frames = written(planes_of(planes), {.width = 256, .height = 128, .frames = 3, .effort = 9});
  EXPECT_EQ(hidden_frames(frames, {256, 128, false, true}, end_of_head(frames)), 1);
  expect_equal(planes, frames);
  for (std::size_t kept = 0; kept < stream.size(); ++kept)
    ASSERT_NE(message_of({stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(kept)}, {256, 256, 1}, 1),
              "no error")
        << kept << " of " << stream.size();
}

TEST(Jxl, ContainersAreTakenApart) {
  const VoxelVec size{8, 6, 5};
  const Block grey = ramp(size, 1);
  const Bytes stream = encoded(grey);
  const auto box = [](std::string_view name, std::uint64_t bytes, bool is_wide, const Bytes& content) {
    const std::size_t head = is_wide ? 16 : 8;
    Bytes out(head + content.size());
    store<std::endian::big>(out.data(), static_cast<std::uint32_t>(is_wide ? 1 : bytes));
    std::memcpy(out.data() + 4, name.data(), 4);
    if (is_wide) store<std::endian::big>(out.data() + 8, bytes);
    std::copy(content.begin(), content.end(), out.data() + head);
    return out;
  };
  const auto joined = [](std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
  };
  const Bytes mark = box("JXL ", 12, false, {std::byte{13}, std::byte{10}, std::byte{0x87}, std::byte{10}});
  const std::size_t half = stream.size() / 2;
  const auto part = [&](std::uint8_t number, std::size_t begin, std::size_t end) {
    Bytes out{std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(number)};
    out.insert(out.end(), stream.begin() + static_cast<std::ptrdiff_t>(begin),
               stream.begin() + static_cast<std::ptrdiff_t>(end));
    return out;
  };
  expect_equal(grey, joined({mark, box("jxlc", 0, false, stream)}));
  expect_equal(grey, joined({mark, box("jxlc", 16 + stream.size(), true, stream), box("xml ", 9, false, Bytes(1))}));
  expect_equal(grey, joined({mark, box("jxlp", 12 + half, false, part(0, 0, half)), box("Exif", 8, false, {}),
                             box("jxlp", 0, false, part(0x80, half, stream.size()))}));
  EXPECT_EQ(message_of(joined({mark, box("jxlc", 4, false, stream)}), size, 1),
            fmt::format("jxl: box at byte 12: expected 8 to {} bytes, found 4", 8 + stream.size()));
  EXPECT_EQ(
      message_of(joined({mark, box("jxlc", ~std::uint64_t{0}, true, stream)}), size, 1),
      fmt::format("jxl: box at byte 12: expected 16 to {} bytes, found {}", 16 + stream.size(), ~std::uint64_t{0}));
  EXPECT_EQ(message_of(mark, size, 1), "jxl: expected a codestream in the container, found 0 bytes");
}

TEST(Jxl, RefusesEveryCut) {
  const VoxelVec size{16, 16, 4};
  for (const Index channels : {1, 3})
    for (const int quality : {80, 100}) {
      const Bytes whole = encoded(ramp(size, channels), options_of(quality));
      for (std::size_t kept = 0; kept < whole.size(); ++kept)
        ASSERT_NE(message_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept)}, size, channels),
                  "no error")
            << kept << " of " << whole.size();
    }
}

}  // namespace
}  // namespace ngforge
