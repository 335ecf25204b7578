// SPDX-License-Identifier: Apache-2.0
#include "compress/compressor.h"

#include <random>

#include <gtest/gtest.h>
#include <zstd.h>

#include "compress/unpack.h"

namespace ngforge {
namespace {

// Values of `value_bytes` that pack well after a shuffle, and noise.
Bytes values(std::size_t bytes, std::size_t value_bytes, bool is_noise) {
  Bytes values(bytes);
  std::minstd_rand random(7);
  for (std::size_t i = 0; i < bytes; ++i)
    values[i] = static_cast<std::byte>(is_noise || i % value_bytes == 0 ? random() >> 8 : 0);
  return values;
}

Unpack* unpacker(std::string_view name) {
  return name == "gzip" ? unpack_gzip : name == "zstd" ? unpack_zstd : name == "blosc" ? unpack_blosc : nullptr;
}

TEST(Compressor, EveryOneGivesBackWhatItWasGivenWithinItsBound) {
  for (const CompressorDescriptor* row : all_compressors())
    for (const int level : {row->lowest_level, row->initial_level, row->highest_level})
      for (const std::size_t value_bytes : {1, 2, 4, 8}) {
        const auto compressor = row->create(level, value_bytes);
        Buffer space;
        for (const std::size_t size : {1, 5, 131, 65536})
          for (const bool is_noise : {false, true}) {
            const Bytes in = values(size, value_bytes, is_noise);
            const auto packed = compressor->compress(in, space);
            ASSERT_LE(packed.size(), row->bound(size)) << row->name << ' ' << level << ' ' << size;
            const auto out = unpacker(row->name)(packed, "x", size);
            ASSERT_TRUE(out.has_value()) << row->name;
            ASSERT_EQ(*out, in) << row->name << ' ' << level << ' ' << size;
          }
      }
}

TEST(Compressor, BytesDoNotDependOnWhatCameBefore) {
  const Bytes other = values(300000, 2, true);
  for (const CompressorDescriptor* row : all_compressors())
    for (const std::size_t size : {6, 144, 100000})
      for (const bool is_noise : {false, true}) {
        const Bytes in = values(size, 2, is_noise);
        Buffer fresh_space, used_space;
        const auto fresh = row->create(row->initial_level, 2)->compress(in, fresh_space);
        const auto used = row->create(row->initial_level, 2);
        for (int i = 0; i < 3; ++i) used->compress(other, used_space);
        const auto again = used->compress(in, used_space);
        EXPECT_TRUE(std::equal(fresh.begin(), fresh.end(), again.begin(), again.end())) << row->name << ' ' << size;
      }
}

TEST(Compressor, ZstdTakesNoMoreMemoryThanItSays) {
  const CompressorDescriptor* const row = find_compressor("zstd");
  for (int level = row->lowest_level; level <= row->highest_level; ++level)
    for (const std::size_t size : {1 << 12, 1 << 16, 1 << 18, 1 << 20}) {
      const Bytes in = values(size, 2, false);
      Bytes out(ZSTD_compressBound(size));
      ZSTD_CCtx* const context = ZSTD_createCCtx();
      ASSERT_FALSE(ZSTD_isError(ZSTD_compressCCtx(context, out.data(), out.size(), in.data(), in.size(), level)));
      EXPECT_LE(ZSTD_sizeof_CCtx(context), row->memory_bytes(level, size)) << level << ' ' << size;
      ZSTD_freeCCtx(context);
    }
}

TEST(Compressor, UnknownNamesAreNone) {
  EXPECT_EQ(find_compressor("none"), nullptr);
  EXPECT_EQ(find_compressor(""), nullptr);
  EXPECT_STREQ(find_compressor("zstd")->name, "zstd");
}

}  // namespace
}  // namespace ngforge
