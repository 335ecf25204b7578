// SPDX-License-Identifier: Apache-2.0
#include "compress/gzip.h"

#include <cstring>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include "compress/test_gzip.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

Bytes bytes_of(const std::vector<std::uint8_t>& values) {
  Bytes bytes(values.size());
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), values.size());
  return bytes;
}

Bytes packed(const Bytes& plain, int level = 6) {
  Bytes out;
  GzipCompressor(level).compress(plain, out);
  return out;
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The second implementation: zlib.
Bytes inflated_by_zlib(Bytes in, std::size_t size) {
  Bytes out(size + 1);
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

RC_GTEST_PROP(Gzip, OtherImplementationsReadWhatItWrites, (const std::vector<std::uint8_t>& values)) {
  const Bytes plain = bytes_of(values);
  const Bytes gzip = packed(plain, *rc::gen::inRange(0, 13));
  RC_ASSERT(inflated_by_zlib(gzip, plain.size()) == plain);
}

RC_GTEST_PROP(Gzip, ReadsWhatOtherImplementationsWrite, (const std::vector<std::uint8_t>& values)) {
  const Bytes plain = bytes_of(values);
  const auto out = gunzip(test::gzip(plain), "x", kNoLimit);
  RC_ASSERT(out.has_value());
  RC_ASSERT(*out == plain);
}

TEST(Gzip, WritesNeitherTimeNorName) {
  const Bytes gzip = packed(Bytes(100));
  EXPECT_EQ(gzip[3], std::byte{0});                                      // flags: no name, no comment
  for (std::size_t i = 4; i < 8; ++i) EXPECT_EQ(gzip[i], std::byte{0});  // mtime
}

TEST(Gzip, GivesTheSameBytesFromAUsedCompressor) {
  std::mt19937 random(7);
  GzipCompressor gzip(6);
  Bytes first, again;
  Bytes plain(100000);
  for (auto& byte : plain) byte = static_cast<std::byte>(random() % 7);
  gzip.compress(plain, first);
  gzip.compress(Bytes(5000), again);
  gzip.compress(plain, again);
  EXPECT_EQ(first, again);
  EXPECT_LE(first.size(), gzip.bound(plain.size()));
}

TEST(Gzip, ReadsAllMembers) {
  const Bytes a(1000, std::byte{1}), b(70000, std::byte{2}), c;
  const auto out = gunzip(joined(joined(packed(a), packed(b)), packed(c)), "x", kNoLimit);
  ASSERT_TRUE(out.has_value()) << out.error().message;
  EXPECT_EQ(*out, joined(a, b));
}

TEST(Gzip, RefusesEveryCut) {
  const Bytes gzip = packed(Bytes(3000, std::byte{9}));
  for (std::size_t size = 0; size < gzip.size(); ++size) {
    const auto out = gunzip(std::span(gzip).first(size), "a/b.gz", kNoLimit);
    ASSERT_FALSE(out.has_value()) << size;
    EXPECT_EQ(out.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(out.error().message, HasSubstr("a/b.gz: expected gzip"));
  }
}

TEST(Gzip, RefusesCorruptAndTrailingBytes) {
  Bytes gzip = packed(Bytes(3000, std::byte{9}));
  Bytes longer = gzip;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(gunzip(longer, "x", kNoLimit).has_value());
  gzip[gzip.size() - 6] ^= std::byte{1};  // checksum
  EXPECT_FALSE(gunzip(gzip, "x", kNoLimit).has_value());
}

TEST(Gzip, HoldsTheSizeToWhatIsExpected) {
  const Bytes gzip = packed(Bytes(3000));
  EXPECT_TRUE(gunzip(gzip, "x", 1, 3000).has_value());
  for (const std::uint64_t wrong : {2999u, 3001u}) {
    const auto out = gunzip(gzip, "x", kNoLimit, wrong);
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(out.error().message, HasSubstr(fmt::format("expected {} bytes after gunzip", wrong)));
  }
}

TEST(Gzip, StopsAtTheLimit) {
  const Bytes bomb = packed(Bytes(10'000'000));
  const auto out = gunzip(bomb, "x", 1'000'000);
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code, ErrorCode::limit);
  EXPECT_TRUE(gunzip(bomb, "x", 10'000'000).has_value());
}

TEST(Gzip, DoesNotBelieveTheSizeAtTheEnd) {
  // The last four bytes claim 4 GiB - 1, or nothing: the checksum of the length fails, without an allocation of that
  // size.
  Bytes gzip = packed(Bytes(3000, std::byte{9}));
  for (const std::byte claim : {std::byte{0xff}, std::byte{0}}) {
    for (std::size_t i = gzip.size() - 4; i < gzip.size(); ++i) gzip[i] = claim;
    EXPECT_FALSE(gunzip(gzip, "x", kNoLimit).has_value());
  }
}

}  // namespace
}  // namespace ngforge
