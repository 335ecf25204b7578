// SPDX-License-Identifier: Apache-2.0
// What every encoding does, over all rows of codecs.def.
#include "codec/codec.h"

#include <cstring>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ngforge {
namespace {

constexpr DataType kTypes[] = {DataType::uint8,   DataType::int8,   DataType::uint16, DataType::int16,
                               DataType::uint32,  DataType::int32,  DataType::uint64, DataType::int64,
                               DataType::float32, DataType::float64};

Block random_block(DataType type, const Box& box, Index channels, unsigned seed, unsigned different) {
  Block block(type, box, channels);
  std::mt19937 random(seed);
  auto bytes = block.bytes();
  const std::size_t value = size_of(type);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i % value == 0 ? random() % different : 0);
  return block;
}

// Encodes and decodes with every codec that supports the block.
void expect_round_trips(const Block& block, const CodecOptions& options) {
  for (const CodecDescriptor* codec : all_codecs()) {
    if (!codec->supports(block.type(), block.channels())) continue;
    Bytes encoded(3, std::byte{77});  // old content must not stay
    const auto done = codec->encode(block.view(), options, encoded);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_LE(encoded.size(), codec->most_bytes(block.box().size(), block.type(), block.channels(), options))
        << codec->name;
    Block decoded(block.type(), block.box(), block.channels());
    std::memset(decoded.bytes().data(), 0x5a, decoded.bytes().size());
    const auto read = codec->decode(encoded, options, decoded.view());
    ASSERT_TRUE(read.has_value()) << codec->name << ": " << read.error().message;
    if (!codec->is_lossy) {
      EXPECT_EQ(std::memcmp(block.bytes().data(), decoded.bytes().data(), block.bytes().size()), 0) << codec->name;
    }
  }
}

TEST(Codecs, AreFoundByNameAndAlias) {
  ASSERT_NE(find_codec("raw"), nullptr);
  EXPECT_STREQ(find_codec("cseg")->name, "compressed_segmentation");
  EXPECT_EQ(find_codec("cseg"), find_codec("compressed_segmentation"));
  EXPECT_EQ(find_codec(""), nullptr);
  EXPECT_EQ(find_codec("Raw"), nullptr);
}

TEST(Codecs, ButRawSupportNoTypeThatPrecomputedLacks) {
  for (const CodecDescriptor* codec : all_codecs()) {
    const bool is_raw = std::string_view(codec->name) == "raw";  // OME-Zarr has these types
    EXPECT_EQ(codec->supports(DataType::int64, 1), is_raw) << codec->name;
    EXPECT_EQ(codec->supports(DataType::float64, 1), is_raw) << codec->name;
  }
}

TEST(Codecs, GiveBackEveryTypeAndShape) {
  unsigned seed = 0;
  for (const DataType type : kTypes)
    for (const VoxelVec size : {VoxelVec{1, 1, 1}, {8, 8, 8}, {1, 17, 3}, {64, 1, 1}, {9, 16, 8}, {13, 5, 30}})
      for (const Index channels : {1, 2, 3, 4}) {
        const VoxelVec begin{-5, 7, 1000};
        expect_round_trips(random_block(type, {begin, begin + size}, channels, ++seed, 200), {});
      }
}

RC_GTEST_PROP(Codecs, GiveBackWhatTheyWereGiven, ()) {
  const VoxelVec size{*rc::gen::inRange<Index>(1, 20), *rc::gen::inRange<Index>(1, 20),
                      *rc::gen::inRange<Index>(1, 20)};
  CodecOptions options;
  if (*rc::gen::arbitrary<bool>())
    options.block_size_xyz = {*rc::gen::inRange<Index>(1, 20), *rc::gen::inRange<Index>(1, 20),
                              *rc::gen::inRange<Index>(1, 20)};
  const DataType type = *rc::gen::elementOf(std::vector<DataType>{std::begin(kTypes), std::end(kTypes)});
  const unsigned different = *rc::gen::element(1u, 2u, 3u, 4u, 5u, 16u, 17u, 256u);
  expect_round_trips(random_block(type, {{}, size}, 1, *rc::gen::arbitrary<unsigned>(), different), options);
}

TEST(Codecs, RefuseEveryCutAndMore) {
  for (const CodecDescriptor* codec : all_codecs()) {
    const DataType type = codec->supports(DataType::uint32, 1) ? DataType::uint32 : DataType::uint8;
    const Block block = random_block(type, {{}, {8, 8, 9}}, 1, 5, 9);
    Bytes encoded;
    ASSERT_TRUE(codec->encode(block.view(), {}, encoded).has_value());
    Block decoded(block.type(), block.box(), 1);
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      // An exact copy, so that AddressSanitizer sees a read one byte too far.
      const Bytes cut(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size));
      const auto read = codec->decode(cut, {}, decoded.view());
      ASSERT_FALSE(read.has_value()) << codec->name << " cut to " << size;
      EXPECT_EQ(read.error().code, ErrorCode::invalid_data);
      EXPECT_THAT(read.error().message, ::testing::StartsWith(codec->name));
    }
    encoded.push_back({});
    EXPECT_FALSE(codec->decode(encoded, {}, decoded.view()).has_value()) << codec->name << " with a byte more";
  }
}

TEST(Raw, IsTheValuesAsTheyAre) {
  // Hand-made: two voxels, two channels; channels are slowest and numbers little-endian (specification, 1.4).
  const std::uint16_t values[] = {0x0102, 0x0304, 0xfffe, 0x0506};
  Bytes encoded;
  const auto view = dense_view(reinterpret_cast<const std::byte*>(values), DataType::uint16, {{}, {2, 1, 1}}, 2);
  ASSERT_TRUE(find_codec("raw")->encode(view, {}, encoded).has_value());
  const unsigned char expected[] = {2, 1, 4, 3, 0xfe, 0xff, 6, 5};
  ASSERT_EQ(encoded.size(), sizeof expected);
  EXPECT_EQ(std::memcmp(encoded.data(), expected, sizeof expected), 0);
}

}  // namespace
}  // namespace ngforge
