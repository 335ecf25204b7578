// SPDX-License-Identifier: Apache-2.0
#include "compress/unpack.h"

#include <cstring>
#include <functional>
#include <string>

#include <blosc.h>
#include <bzlib.h>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "compress/crc32c.h"
#include "compress/gzip.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto span = std::as_bytes(std::span(text));
  return {span.begin(), span.end()};
}

// Half noise, half a ramp.
Bytes sample(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<std::byte>(i < size / 2 ? state >> 24 : i / 16);
  }
  return bytes;
}

Bytes cut(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes pack_gzip(const Bytes& in) {
  Bytes out;
  GzipCompressor(6).compress(in, out);
  return out;
}
Bytes pack_zlib(const Bytes& in) {
  Bytes out(in.size() + 1000);
  uLongf size = out.size();
  EXPECT_EQ(
      compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(in.data()), in.size(), 6),
      Z_OK);
  return cut(out, size);
}
Bytes pack_zstd(const Bytes& in) {
  Bytes out(ZSTD_compressBound(in.size()));
  return cut(out, ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 3));
}
// Without its size, as streams are written.
Bytes pack_zstd_stream(const Bytes& in) {
  Bytes out(ZSTD_compressBound(in.size()) + 100);
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  EXPECT_FALSE(ZSTD_isError(ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue)));
  while (ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  return cut(out, output.pos);
}
Bytes pack_bzip2(const Bytes& in) {
  char nothing = 0;  // the library refuses null
  Bytes out(in.size() + 1000);
  auto size = static_cast<unsigned>(out.size());
  EXPECT_EQ(
      BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(out.data()), &size,
                               in.empty() ? &nothing : const_cast<char*>(reinterpret_cast<const char*>(in.data())),
                               static_cast<unsigned>(in.size()), 9, 0, 0),
      BZ_OK);
  return cut(out, size);
}
Bytes pack_blosc(const Bytes& in, const char* name, int shuffle) {
  Bytes out(in.size() + BLOSC_MAX_OVERHEAD);
  const int size = blosc_compress_ctx(5, shuffle, 2, in.size(), in.data(), out.data(), out.size(), name, 0, 1);
  EXPECT_GT(size, 0);
  return cut(out, static_cast<std::size_t>(size));
}
Bytes lz4_block(std::span<const std::byte> in) {
  Bytes out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(in.size()))));
  return cut(out, static_cast<std::size_t>(LZ4_compress_default(
                      reinterpret_cast<const char*>(in.data()), reinterpret_cast<char*>(out.data()),
                      static_cast<int>(in.size()), static_cast<int>(out.size()))));
}
Bytes pack_lz4_sized(const Bytes& in) {
  Bytes out(4);
  store(out.data(), static_cast<std::uint32_t>(in.size()));
  const Bytes block = lz4_block(in);
  out.insert(out.end(), block.begin(), block.end());
  return out;
}
Bytes pack_lz4_frame(const Bytes& in) {
  Bytes out(LZ4F_compressFrameBound(in.size(), nullptr));
  return cut(out, LZ4F_compressFrame(out.data(), out.size(), in.data(), in.size(), nullptr));
}
// As lz4-java: packed and raw blocks of 1000 bytes, and an empty one at the end.
Bytes pack_lz4_java(const Bytes& in) {
  Bytes out;
  const auto add = [&](std::uint8_t method, std::size_t size, std::span<const std::byte> stored) {
    const Bytes magic = bytes_of("LZ4Block");
    out.insert(out.end(), magic.begin(), magic.end());
    Bytes head(13);
    head[0] = static_cast<std::byte>(method);
    store(head.data() + 1, static_cast<std::uint32_t>(stored.size()));
    store(head.data() + 5, static_cast<std::uint32_t>(size));
    out.insert(out.end(), head.begin(), head.end());
    out.insert(out.end(), stored.begin(), stored.end());
  };
  for (std::size_t at = 0; at < in.size(); at += 1000) {
    const auto part = std::span(in).subspan(at, std::min<std::size_t>(1000, in.size() - at));
    const Bytes packed = lz4_block(part);
    if (packed.size() < part.size())
      add(0x20, part.size(), packed);
    else
      add(0x10, part.size(), part);
  }
  add(0x10, 0, {});
  return out;
}

struct Case {
  const char* name;
  Unpack* unpack;
  std::function<Bytes(const Bytes&)> pack;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> list{{"gzip", unpack_gzip, pack_gzip},
                           {"zlib", unpack_zlib, pack_zlib},
                           {"zstd", unpack_zstd, pack_zstd},
                           {"zstd stream", unpack_zstd, pack_zstd_stream},
                           {"bzip2", unpack_bzip2, pack_bzip2},
                           {"lz4 sized", unpack_lz4_sized, pack_lz4_sized},
                           {"lz4 frame", unpack_lz4_stream, pack_lz4_frame},
                           {"lz4 java", unpack_lz4_stream, pack_lz4_java}};
    for (const char* name : {"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"})
      for (const int shuffle : {BLOSC_NOSHUFFLE, BLOSC_SHUFFLE, BLOSC_BITSHUFFLE})
        list.push_back({"blosc", unpack_blosc, [=](const Bytes& in) { return pack_blosc(in, name, shuffle); }});
    return list;
  }();
  return all;
}

TEST(Unpack, GivesBackWhatWasPacked) {
  for (const Case& c : cases())
    for (const std::size_t size : {0, 1, 100, 5000, 300000}) {
      const Bytes in = sample(size);
      const auto out = c.unpack(c.pack(in), c.name, size);
      ASSERT_TRUE(out.has_value()) << c.name << " " << size << ": " << out.error().message;
      EXPECT_EQ(*out, in) << c.name << " " << size;
    }
}

TEST(Unpack, TakesManyTimesItsSize) {
  const Bytes in(3000000);
  for (const Case& c : cases()) {
    const auto out = c.unpack(c.pack(in), c.name, in.size());
    ASSERT_TRUE(out.has_value()) << c.name << ": " << out.error().message;
    EXPECT_EQ(*out, in) << c.name;
  }
}

TEST(Unpack, RefusesEveryTruncationAndBytesBehind) {
  for (const Case& c : cases()) {
    const Bytes in = sample(2500);
    Bytes packed = c.pack(in);
    for (std::size_t size = 0; size < packed.size(); ++size) {
      Bytes tight(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
      tight.shrink_to_fit();
      EXPECT_FALSE(c.unpack(tight, c.name, in.size()).has_value()) << c.name << " cut to " << size;
    }
    packed.push_back(std::byte{1});
    EXPECT_FALSE(c.unpack(packed, c.name, in.size()).has_value()) << c.name;
  }
}

TEST(Unpack, StaysBelowTheLimit) {
  for (const Case& c : cases()) {
    const auto out = c.unpack(c.pack(sample(5000)), c.name, 4999);
    ASSERT_FALSE(out.has_value()) << c.name;
    EXPECT_EQ(out.error().code, ErrorCode::limit) << c.name << ": " << out.error().message;
  }
}

TEST(Unpack, JoinsMembersFramesAndStreams) {
  const Bytes in = sample(5000);
  for (const std::size_t i : {0u, 2u, 3u, 4u}) {
    const Case& c = cases()[i];
    Bytes packed = c.pack(in);
    packed.insert(packed.end(), packed.begin(), packed.end());
    const auto out = c.unpack(packed, c.name, 20000);
    ASSERT_TRUE(out.has_value()) << c.name << ": " << out.error().message;
    EXPECT_EQ(out->size(), 10000u);
    EXPECT_EQ(std::memcmp(out->data() + 5000, in.data(), 5000), 0);
  }
}

TEST(Crc32c, AgreesWithRfc3720) {
  // Appendix B.4, and the check value of the polynomial's catalogue entry.
  EXPECT_EQ(crc32c(Bytes(32)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0xff})), 0x62a8ab43u);
  Bytes ascending(32);
  for (std::size_t i = 0; i < 32; ++i) ascending[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

}  // namespace
}  // namespace ngforge
