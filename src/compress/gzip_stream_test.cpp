// SPDX-License-Identifier: Apache-2.0
#include "compress/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress/test_gzip.h"

namespace ngforge {
namespace {

using Data = std::vector<std::byte>;
using test::gzip;
using ::testing::HasSubstr;

/// Neither noise nor constant, so that all block types and long matches occur.
Data sample(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Data data(size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto kind = i / 5000 % 3;
    data[i] = static_cast<std::byte>(kind == 0 ? random() : kind == 1 ? i / 100 : random() % 4);
  }
  return data;
}

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Hands out `data` in pieces of 1 to `most` bytes.
ByteInput pieces_of(const Data& data, std::size_t most, unsigned seed = 1) {
  return [&data, most, random = std::mt19937(seed),
          at = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({1 + random() % most, out.size(), data.size() - at});
    if (count != 0) std::memcpy(out.data(), data.data() + at, count);
    at += count;
    return count;
  };
}

Result<Data> inflate_all(GzipStream& stream, std::size_t read_bytes) {
  Data all;
  Data part(read_bytes);
  while (true) {
    NGFORGE_TRY(const std::size_t count, stream.read(part));
    all.insert(all.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    if (count < part.size()) return all;
  }
}

class GzipStreams : public ::testing::TestWithParam<InflateEngine> {
 protected:
  Result<Data> run(const Data& gz, std::size_t piece = 1 << 20, std::size_t read_bytes = 1 << 20) {
    GzipStream stream(pieces_of(gz, piece), "a.gz", GetParam());
    return inflate_all(stream, read_bytes);
  }
};

TEST_P(GzipStreams, MembersInPiecesOfAnySize) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    Data expected, gz;
    const auto members = 1 + random() % 4;
    for (unsigned m = 0; m < members; ++m) {
      const Data data = sample(random() % 3 == 0 ? random() % 3 : random() % 200000, static_cast<unsigned>(random()));
      expected = std::move(expected) + data;
      gz = std::move(gz) + gzip(data, static_cast<int>(random() % 10));
    }
    for (const std::size_t size : {std::size_t{1} + random() % 300, std::size_t{70000}}) {
      const auto found = run(gz, size, 1 + random() % 70000);
      ASSERT_TRUE(found.has_value()) << found.error().message;
      ASSERT_EQ(*found, expected);
    }
  }
}

TEST_P(GzipStreams, ReadFillsTheWholeBuffer) {
  const Data data = sample(100000, 3), gz = gzip(data);
  GzipStream stream(pieces_of(gz, 10), "a.gz", GetParam());
  Data out(99999);
  EXPECT_EQ(stream.read(out).value(), 99999u);
  EXPECT_EQ(stream.read(out).value(), 1u);
  EXPECT_EQ(stream.read(out).value(), 0u);
  EXPECT_EQ(stream.compressed_position(), gz.size());
}

TEST_P(GzipStreams, ZeroPaddingIsAllowedBehindAMemberOnly) {
  const Data data = sample(1000, 4), gz = gzip(data);
  for (const std::size_t zeros : {1, 7, 8, 511, 600000}) {
    EXPECT_EQ(run(gz + Data(zeros)).value(), data) << zeros;
    EXPECT_EQ(run(gz + Data(zeros) + gz).value(), data + data) << zeros;
  }
  const auto leading = run(Data(1) + gz);
  ASSERT_FALSE(leading.has_value());
  EXPECT_THAT(leading.error().message,
              HasSubstr("a.gz: gzip: expected the magic bytes 1f 8b, found byte 0x00 at compressed byte 0"));
  const auto garbage = run(gz + Data(3, std::byte{0x41}));
  ASSERT_FALSE(garbage.has_value());
  EXPECT_THAT(garbage.error().message, HasSubstr("found byte 0x41 at compressed byte " + std::to_string(gz.size())));
}

TEST_P(GzipStreams, EveryTruncationIsAnErrorThatStays) {
  const Data gz = gzip(sample(3000, 5));
  for (std::size_t size = 0; size < gz.size(); ++size) {
    const Data cut(gz.begin(), gz.begin() + static_cast<std::ptrdiff_t>(size));
    GzipStream stream(pieces_of(cut, 100), "a.gz", GetParam());
    const auto found = inflate_all(stream, 4096);
    ASSERT_FALSE(found.has_value()) << size;
    EXPECT_EQ(found.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(found.error().message, HasSubstr("compressed byte " + std::to_string(size)));
    Data one(1);
    const auto again = stream.read(one);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().message, found.error().message);
  }
}

TEST_P(GzipStreams, EveryWrongBitOfContentOrTrailerIsFound) {
  const Data data = sample(700, 6), gz = gzip(data);
  // Bytes 4 to 9 (time, flags, system) carry no content.
  for (std::size_t byte = 10; byte < gz.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      Data wrong = gz;
      wrong[byte] ^= static_cast<std::byte>(1 << bit);
      const auto found = run(wrong);  // the bits that pad a block to whole bytes carry nothing
      EXPECT_TRUE(!found.has_value() || *found == data) << byte << " bit " << bit;
    }
  }
}

TEST_P(GzipStreams, ReservedFlagsAreRefused) {
  for (const int bit : {5, 6, 7}) {
    Data wrong = gzip(sample(700, 6));
    wrong[3] |= static_cast<std::byte>(1 << bit);
    EXPECT_FALSE(run(wrong).has_value()) << bit;
  }
}

TEST_P(GzipStreams, CutInsideAFixedBlockStaysWithinTheInput) {
  // ISA-L 2.30 takes the bits that are missing for an end of block and counts more input than there is.
  constexpr unsigned char kBytes[] = {0x1f, 0x8b, 0x08, 0x00, 0xfb, 0x00, 0x92, 0xdd, 0xd3, 0xc9,
                                      0xd3, 0xd3, 0x1b, 0xfc, 0x05, 0x00, 0x70, 0x50, 0x00, 0x00,
                                      0x36, 0x62, 0x63, 0xa8, 0x01, 0x01, 0xe0, 0x04, 0x00};
  const auto bytes = std::as_bytes(std::span(kBytes));
  const auto found = run(Data(bytes.begin(), bytes.end()));
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::invalid_data);
}

TEST_P(GzipStreams, HeaderWithNameCommentExtraAndItsChecksum) {
  const Data data = sample(5000, 8);
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  gz_header header{};
  std::string name = "brain.nii", comment = "of a mouse", extra = "abcdefgh";
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(comment.data());
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = 8;
  header.hcrc = 1;
  deflateSetHeader(&stream, &header);
  Data gz(20000);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(gz.data());
  stream.avail_out = static_cast<uInt>(gz.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  gz.resize(gz.size() - stream.avail_out);
  deflateEnd(&stream);
  const auto once = run(gz, 3);
  ASSERT_TRUE(once.has_value()) << once.error().message;
  EXPECT_EQ(*once, data);
  EXPECT_EQ(run(gz + gz, 1).value(), data + data);
}

TEST_P(GzipStreams, ErrorsOfTheInputPassThrough) {
  GzipStream stream(
      [](std::span<std::byte>) -> Result<std::size_t> { return make_error(ErrorCode::io, "disk on fire"); }, "a.gz",
      GetParam());
  Data out(10);
  const auto found = stream.read(out);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::io);
}

INSTANTIATE_TEST_SUITE_P(Engines, GzipStreams, ::testing::Values(InflateEngine::fastest, InflateEngine::zlib),
                         [](const auto& info) { return info.param == InflateEngine::zlib ? "Zlib" : "Fastest"; });

}  // namespace
}  // namespace ngforge
