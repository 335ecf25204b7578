// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/test_files.h"

namespace ngforge {
namespace {

using test::Data;
using ::testing::HasSubstr;

/// An MGH file made field by field; offsets from FreeSurfer's description of the format.
struct MghFile {
  Data bytes = Data(284);

  MghFile(std::array<std::int32_t, 4> dims, std::int32_t type) {
    put(0, std::int32_t{1});
    for (std::size_t n = 0; n < 4; ++n) put(4 + 4 * n, dims[n]);
    put(20, type);
    put(28, std::int16_t{1});
    for (std::size_t n = 0; n < 3; ++n) {
      put(30 + 4 * n, 1.0f);
      put(42 + 16 * n, 1.0f);
    }
  }
  template <class T>
  void put(std::size_t offset, T value) {
    test::put(bytes, offset, value, std::endian::big);
  }
  template <class T>
  void append(T value) {
    bytes.resize(bytes.size() + sizeof(T));
    put(bytes.size() - sizeof(T), value);
  }
};

class Mgh : public ::testing::Test {
 protected:
  test::TempFolder folder_;

  std::unique_ptr<VolumeSource> opened(const Data& bytes, const std::string& name = "a.mgh") {
    auto source = open_source(folder_.write(name, bytes));
    EXPECT_TRUE(source.has_value()) << source.error().message;
    return source.has_value() ? std::move(*source) : nullptr;
  }
  void expect_error(const MghFile& file, ErrorCode code, const std::string& message) {
    const auto source = open_source(folder_.write("a.mgh", file.bytes));
    ASSERT_FALSE(source.has_value()) << message;
    EXPECT_EQ(source.error().code, code);
    EXPECT_THAT(source.error().message, HasSubstr(folder_.path("a.mgh") + ": " + message));
    EXPECT_TRUE(source.error().concerns_source);
  }
};

TEST_F(Mgh, EveryTypeIsBigEndian) {
  const std::tuple<std::int32_t, StoredType, std::size_t> types[] = {{0, StoredType::uint8, 1},
                                                                     {1, StoredType::int32, 4},
                                                                     {3, StoredType::float32, 4},
                                                                     {4, StoredType::int16, 2},
                                                                     {10, StoredType::uint16, 2}};
  for (const auto& [code, type, size] : types) {
    MghFile file({2, 1, 1, 2}, code);
    for (std::size_t n = 0; n < 4 * size; ++n) file.bytes.push_back(static_cast<std::byte>(n));
    Data expected;
    for (std::size_t n = 0; n < 4 * size; ++n)
      expected.push_back(static_cast<std::byte>(n / size * size + (size - 1 - n % size)));
    const auto plain = opened(file.bytes);
    ASSERT_NE(plain, nullptr);
    EXPECT_EQ(plain->header().type, type);
    EXPECT_EQ(plain->header().channels, 2);
    EXPECT_EQ(plain->header().channel_axes, std::vector<Index>{2});
    EXPECT_EQ(plain->header().format, "MGH");
    EXPECT_EQ(test::read_all(*plain).value(), expected);
    file.bytes.resize(file.bytes.size() + 20);  // a footer changes nothing
    const auto zipped = opened(test::gzip(file.bytes), "a.mgz");
    EXPECT_EQ(zipped->header().format, "MGZ");
    EXPECT_EQ(zipped->access(), Access::once);
    EXPECT_EQ(test::read_all(*zipped).value(), expected);
  }
}

TEST_F(Mgh, AffinePutsTheMiddleOfTheVolumeAtTheCentre) {
  // conform'ed brains: 256 cubed, 1 mm, x to the left, y down, z forwards.
  MghFile file({4, 6, 8, 1}, 0);
  file.bytes.resize(284 + 4 * 6 * 8);
  const float delta[3] = {1, 2, 3}, centre[3] = {10, 20, 30};
  const float directions[3][3] = {{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}};  // of x, y, z
  for (std::size_t a = 0; a < 3; ++a) {
    file.put(30 + 4 * a, delta[a]);
    file.put(78 + 4 * a, centre[a]);
    for (std::size_t r = 0; r < 3; ++r) file.put(42 + 12 * a + 4 * r, directions[a][r]);
  }
  const auto source = opened(file.bytes);
  // Voxel (2, 3, 4), half of each size, lies at the centre.
  Affine expected;
  expected.m = {{{-1, 0, 0, 12}, {0, 0, 3, 8}, {0, -2, 0, 36}, {0, 0, 0, 1}}};
  EXPECT_EQ(source->header().affine_ijk_to_mm, expected);
  EXPECT_TRUE(source->header().has_voxel_size);
  EXPECT_TRUE(source->header().is_anatomical);
}

TEST_F(Mgh, WithoutRasMatrixTheAxesAreNibabels) {
  MghFile file({2, 4, 6, 1}, 0);
  file.bytes.resize(284 + 2 * 4 * 6);
  file.put(28, std::int16_t{0});
  file.put(30, 7.0f);
  const auto source = opened(file.bytes);
  Affine expected;
  expected.m = {{{-1, 0, 0, 1}, {0, 0, -1, 3}, {0, 1, 0, -2}, {0, 0, 0, 1}}};
  EXPECT_EQ(source->header().affine_ijk_to_mm, expected);
  EXPECT_FALSE(source->header().has_voxel_size);
}

TEST_F(Mgh, WrongHeadersAreNamedByField) {
  const auto with = [](std::size_t offset, auto value) {
    MghFile file({1, 1, 1, 1}, 0);
    file.bytes.push_back(std::byte{1});
    file.put(offset, value);
    return file;
  };
  const auto bad = ErrorCode::invalid_data;
  expect_error(with(0, 2), bad, "version: expected 1, found 2 (byte 0)");
  expect_error(with(4, 0), bad, "width: expected 1 or more, found 0 (byte 4)");
  expect_error(with(12, -3), bad, "depth: expected 1 or more, found -3 (byte 12)");
  expect_error(with(16, 0), bad, "nframes: expected 1 or more, found 0 (byte 16)");
  expect_error(with(20, 2), ErrorCode::unsupported,
               "type: expected 0 (uint8), 1 (int32), 3 (float32), 4 (int16) or 10 (uint16), found 2 (byte 20)");
  expect_error(with(30, 0.0f), bad, "delta, Mdc, Pxyz_c: expected voxel sizes and three independent directions");
  expect_error(with(78, NAN), bad, "delta, Mdc, Pxyz_c: expected voxel sizes and three independent directions");
  expect_error(with(16, 2), bad, "expected 286 bytes for 1 x 1 x 1 x 2 uint8 from byte 284, found 285 (truncated)");
}

TEST_F(Mgh, EveryTruncationIsAnError) {
  MghFile file({3, 2, 2, 1}, 4);
  for (std::int16_t n = 0; n < 12; ++n) file.append(n);
  for (const auto& [name, whole] : {std::pair{"t.mgh", file.bytes}, {"t.mgz", test::gzip(file.bytes)}}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      auto source = open_source(folder_.write(name, std::span(whole).first(size)));
      const auto values = source.has_value() ? test::read_all(**source) : Result<Data>(source.error());
      ASSERT_FALSE(values.has_value()) << name << " cut at " << size;
      EXPECT_TRUE(values.error().concerns_source);
    }
  }
}

}  // namespace
}  // namespace ngforge
