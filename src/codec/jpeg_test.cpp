// SPDX-License-Identifier: Apache-2.0
// The jpeg encoding against the library's other ways to do the same, and against pictures that others write.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <turbojpeg.h>

#include "codec/codec.h"
#include "codec/test_blocks.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

const CodecDescriptor& codec() {
  return *find_codec("jpeg");
}

Bytes encoded(const Block& block, int quality = 85) {
  Bytes bytes;
  const auto done = codec().encode(block.view(), {.numbers = {{"jpeg-quality", quality}}}, bytes);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return bytes;
}

Result<Block> decoded(const Bytes& bytes, const VoxelVec& size, Index channels) {
  Block block(DataType::uint8, {{}, size}, channels);
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

struct Picture {
  int width, height, format = TJPF_GRAY, sampling = TJSAMP_GRAY, quality = 85, flags = 0;
};

// A picture by the library itself; pixels are as many bytes as its format says.
Bytes written(const std::vector<unsigned char>& pixels, const Picture& of) {
  const std::unique_ptr<void, decltype(&tjDestroy)> handle(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(handle.get(), pixels.data(), of.width, 0, of.height, of.format, &bytes, &size, of.sampling,
                        of.quality, of.flags),
            0);
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  Bytes out(begin, begin + size);
  tjFree(bytes);
  return out;
}

// The channels of a voxel side by side.
std::vector<unsigned char> pixels_of(const Block& block) {
  const auto voxels = static_cast<std::size_t>(block.box().volume());
  const auto channels = static_cast<std::size_t>(block.channels());
  std::vector<unsigned char> pixels(voxels * channels);
  for (std::size_t i = 0; i < voxels; ++i)
    for (std::size_t c = 0; c < channels; ++c)
      pixels[i * channels + c] = std::to_integer<unsigned char>(block.bytes()[c * voxels + i]);
  return pixels;
}

TEST(Jpeg, HoldsOneAndThreeChannelsOfBytes) {
  for (const Index channels : {0, 1, 2, 3, 4, 5}) {
    EXPECT_EQ(codec().supports(DataType::uint8, channels), channels == 1 || channels == 3) << channels;
    for (const DataType other : {DataType::int8, DataType::uint16, DataType::uint32, DataType::float32})
      EXPECT_FALSE(codec().supports(other, channels));
  }
}

TEST(Jpeg, IsWhatTheLibraryWritesForAPictureAsWideAsTheChunk) {
  for (const VoxelVec size : {VoxelVec{8, 8, 8}, {1, 1, 1}, {7, 5, 3}, {64, 2, 1}, {1, 30, 9}, {17, 9, 2}})
    for (const Index channels : {1, 3}) {
      const Block block = ramp(size, channels);
      const Picture picture{static_cast<int>(size.x), static_cast<int>(size.y * size.z),
                            channels == 1 ? TJPF_GRAY : TJPF_RGB, channels == 1 ? TJSAMP_GRAY : TJSAMP_444};
      EXPECT_EQ(encoded(block), written(pixels_of(block), picture)) << size.x << " " << channels;
    }
}

TEST(Jpeg, PlaneIsTheOption) {
  const CodecOptions xz{.numbers = {{"jpeg-plane", 1}}};
  for (const VoxelVec size : {VoxelVec{8, 8, 8}, {1, 1, 1}, {7, 5, 3}, {1, 30, 9}, {256, 256, 2}})
    for (const Index channels : {1, 3}) {
      const Block block = ramp(size, channels);
      Bytes bytes, initial;
      ASSERT_TRUE(codec().check_size(size, xz).has_value() == (size.x * size.y <= 65500));
      if (size.x * size.y > 65500) {
        EXPECT_EQ(codec().encode(block.view(), xz, bytes).error().message,
                  "--jpeg-plane xz: expected chunks of x * y and z of at most 65500, found 256 x 256 x 2 voxels");
        continue;
      }
      ASSERT_TRUE(codec().encode(block.view(), xz, bytes).has_value());
      EXPECT_LE(bytes.size(), codec().most_bytes(size, DataType::uint8, channels, xz));
      const Picture picture{static_cast<int>(size.x * size.y), static_cast<int>(size.z),
                            channels == 1 ? TJPF_GRAY : TJPF_RGB, channels == 1 ? TJSAMP_GRAY : TJSAMP_444};
      EXPECT_EQ(bytes, written(pixels_of(block), picture)) << size.x << " " << channels;
      ASSERT_TRUE(codec().encode(block.view(), {.numbers = {{"jpeg-plane", 0}}}, initial).has_value());
      EXPECT_EQ(initial, encoded(block));
    }
  EXPECT_EQ(codec().check_size({2, 2, 65501}, xz).error().code, ErrorCode::limit);
  EXPECT_TRUE(codec().check_size({2, 2, 65501}, {}).has_value());
}

TEST(Jpeg, KeepsVoxelsWhereTheyAre) {
  for (const VoxelVec size : {VoxelVec{16, 16, 8}, {1, 1, 1}, {7, 5, 3}, {33, 2, 1}, {1, 30, 9}})
    for (const Index channels : {1, 3}) {
      const Block block = ramp(size, channels);
      const auto back = decoded(encoded(block, 100), size, channels);
      ASSERT_TRUE(back.has_value()) << back.error().message;
      EXPECT_LE(largest_difference(block, *back), channels == 1 ? 2 : 4) << size.x << " " << channels;
    }
}

TEST(Jpeg, QualityIsTheOption) {
  const Block block = ramp({32, 32, 4}, 1);
  EXPECT_LT(encoded(block, 10).size(), encoded(block, 85).size());
  EXPECT_LT(encoded(block, 85).size(), encoded(block, 100).size());
  Bytes initial;
  ASSERT_TRUE(codec().encode(block.view(), {}, initial).has_value());
  EXPECT_EQ(initial, encoded(block, 85));
}

TEST(Jpeg, IsReadInAnyShape) {
  const VoxelVec size{8, 6, 5};
  for (const Index channels : {1, 3}) {
    const Block block = ramp(size, channels);
    const auto pixels = pixels_of(block);
    for (const int width : {1, 2, 8, 15, 48, 240}) {
      Picture picture{width, 240 / width, channels == 1 ? TJPF_GRAY : TJPF_RGB,
                      channels == 1 ? TJSAMP_GRAY : TJSAMP_444, 100};
      const auto back = decoded(written(pixels, picture), size, channels);
      ASSERT_TRUE(back.has_value()) << back.error().message;
      EXPECT_LE(largest_difference(block, *back), 6) << width;
    }
  }
}

TEST(Jpeg, IsReadHoweverItIsWritten) {
  const VoxelVec size{16, 16, 4};
  const Block grey = ramp(size, 1), colors = ramp(size, 3);
  const auto expect_near = [&](const Bytes& bytes, const Block& block, int bound) {
    const auto back = decoded(bytes, size, block.channels());
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_LE(largest_difference(block, *back), bound);
    // Baseline pictures are unharmed by progressive ones that were read before: see jpeg.cpp.
    EXPECT_LE(largest_difference(block, *decoded(encoded(block, 100), size, block.channels())), 4);
  };
  for (int round = 0; round < 3; ++round)
    for (const int flags : {TJFLAG_PROGRESSIVE, 0, int{TJFLAG_FASTDCT}}) {
      expect_near(written(pixels_of(grey), {16, 64, TJPF_GRAY, TJSAMP_GRAY, 95, flags}), grey, 4);
      for (const int sampling : {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440})
        expect_near(written(pixels_of(colors), {16, 64, TJPF_RGB, sampling, 95, flags}), colors, 12);
    }
}

TEST(Jpeg, GreyMayNameASamplingFactor) {
  // Without other components it means nothing; some writers leave 2 x 2.
  const VoxelVec size{24, 5, 4};
  Bytes bytes = encoded(ramp(size, 1));
  const auto expected = decoded(bytes, size, 1);
  const std::byte frame[] = {std::byte{0xff}, std::byte{0xc0}};
  const auto found = std::search(bytes.begin(), bytes.end(), std::begin(frame), std::end(frame));
  ASSERT_NE(found, bytes.end());
  ASSERT_EQ(found[11], std::byte{0x11});
  found[11] = std::byte{0x22};
  const auto back = decoded(bytes, size, 1);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(largest_difference(*expected, *back), 0);
}

TEST(Jpeg, TallChunksBecomeWiderPictures) {
  // 8 x 131072 pixels would be too tall.
  const VoxelVec size{8, 128, 1024};
  Block block(DataType::uint8, {{}, size}, 1);
  for (std::size_t i = 0; i < block.bytes().size(); ++i) block.bytes()[i] = static_cast<std::byte>(i / 4096);
  const auto back = decoded(encoded(block), size, 1);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_LE(largest_difference(block, *back), 6);
  const VoxelVec primes{257, 257, 257};
  EXPECT_EQ(codec().check_size(primes, {}).error().code, ErrorCode::limit);
  EXPECT_TRUE(codec().check_size(size, {}).has_value());
}

TEST(Jpeg, SaysWhatIsWrong) {
  const VoxelVec size{16, 8, 4};
  const Block grey = ramp(size, 1), colors = ramp(size, 3);
  const Bytes good = encoded(grey);
  // The library would scale pictures down to smaller sizes silently.
  EXPECT_EQ(message_of(good, {8, 8, 4}, 1), "jpeg: expected a picture of 256 pixels, found 16 x 32");
  EXPECT_EQ(message_of(good, {16, 8, 5}, 1), "jpeg: expected a picture of 640 pixels, found 16 x 32");
  EXPECT_EQ(message_of(good, size, 3), "jpeg: expected 3 component(s), found 1 (grey)");
  EXPECT_EQ(message_of(encoded(colors), size, 1), "jpeg: expected 1 component(s), found 3 (colours)");
  const std::vector<unsigned char> ink(4 * 512, 99);
  EXPECT_EQ(message_of(written(ink, {16, 32, TJPF_CMYK, TJSAMP_444}), size, 3),
            "jpeg: expected 3 component(s), found 4 (CMYK)");
  EXPECT_EQ(message_of({}, size, 1), "jpeg: expected the marker ff d9 at the end of 0 bytes, found none");
  Bytes more = good;
  more.push_back({});
  EXPECT_THAT(message_of(more, size, 1), HasSubstr("expected the marker ff d9"));
  EXPECT_THAT(message_of({std::byte{0xff}, std::byte{0xd9}}, size, 1), HasSubstr("expected a picture, found 2 bytes"));
}

TEST(Jpeg, RefusesPicturesThatLackAPart) {
  const VoxelVec size{16, 16, 4};
  for (const Index channels : {1, 3}) {
    const Block block = ramp(size, channels);
    const Picture progressive{16,
                              64,
                              channels == 1 ? TJPF_GRAY : TJPF_RGB,
                              channels == 1 ? TJSAMP_GRAY : TJSAMP_444,
                              100,
                              TJFLAG_PROGRESSIVE};
    const Bytes baseline = encoded(block, 100);
    for (const Bytes& whole : {baseline, written(pixels_of(block), progressive)})
      for (std::size_t kept = 0; kept < whole.size(); ++kept) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept));
        ASSERT_NE(message_of(cut, size, channels), "no error") << kept << " of " << whole.size();
      }
    // With the end marker behind what is left. (A progressive picture may end after any scan: that is a coarser one.)
    for (std::size_t kept = 0; kept + 2 < baseline.size(); ++kept) {
      Bytes cut(baseline.begin(), baseline.begin() + static_cast<std::ptrdiff_t>(kept));
      cut.insert(cut.end(), {std::byte{0xff}, std::byte{0xd9}});
      const auto back = decoded(cut, size, channels);
      if (back) {
        EXPECT_LE(largest_difference(block, *back), 4) << kept << " of " << baseline.size();
      }
    }
  }
}

}  // namespace
}  // namespace ngforge
