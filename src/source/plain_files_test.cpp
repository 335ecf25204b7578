// SPDX-License-Identifier: Apache-2.0
// .npy, raw binary, NRRD and pairs of files, made byte by byte.
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/hdf5_filters.h"
#include "source/nrrd_header.h"
#include "source/number_text.h"
#include "source/plain_array.h"
#include "source/test_files.h"

namespace ngforge {
namespace {

using test::Data;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Data bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Data counting(std::size_t count) {
  Data bytes(count);
  for (std::size_t n = 0; n < count; ++n) bytes[n] = static_cast<std::byte>(n);
  return bytes;
}

Data joined(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Version 1, without the padding that NumPy adds: it is not needed to read it.
Data npy(std::string_view dictionary, const Data& values) {
  Data bytes = bytes_of("\x93NUMPY");
  bytes.resize(10);
  bytes[6] = std::byte{1};
  test::put(bytes, 8, static_cast<std::uint16_t>(dictionary.size()));
  return joined(joined(bytes, bytes_of(dictionary)), values);
}

class PlainFiles : public ::testing::Test {
 protected:
  test::TempFolder folder_;

  std::unique_ptr<VolumeSource> opened(const std::string& name, const Data& bytes, const SourceOptions& options = {}) {
    auto source = open_source(folder_.write(name, bytes), options);
    EXPECT_TRUE(source.has_value()) << source.error().message;
    return source.has_value() ? std::move(*source) : nullptr;
  }
  Error error_of(const std::string& name, const Data& bytes, const SourceOptions& options = {}) {
    auto source = open_source(folder_.write(name, bytes), options);
    EXPECT_FALSE(source.has_value());
    return source.has_value() ? Error{} : source.error();
  }
};

TEST_F(PlainFiles, CArraysBeginWithTheSlowestAxis) {
  const auto source =
      opened("a.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4), }", counting(24)));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->header().size_ijk, (SourceVec{4, 3, 2}));
  EXPECT_EQ(source->header().channels, 1);
  EXPECT_FALSE(source->header().has_voxel_size);
  Data value(1);
  ASSERT_TRUE(source->read({{1, 2, 1}, {2, 3, 2}}, {0, 1}, value).has_value());
  EXPECT_EQ(value[0], std::byte{1 * 12 + 2 * 4 + 1});
}

TEST_F(PlainFiles, FortranArraysBeginWithTheFastestAxis) {
  const auto source = opened("a.npy", npy("{\"shape\":(2,3,4L),'fortran_order':True,'descr':'<u1'}", counting(24)));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->header().size_ijk, (SourceVec{2, 3, 4}));
}

TEST_F(PlainFiles, ShortLastAxesOfCArraysAreChannels) {
  // [z, y, x, channel] of 16-bit numbers, big-endian: 2 x 1 x 5 voxels of 3 channels.
  Data values;
  for (int n = 0; n < 30; ++n) {
    values.push_back(std::byte{1});
    values.push_back(static_cast<std::byte>(n));
  }
  const auto source = opened("a.npy", npy("{'descr': '>u2', 'fortran_order': False, 'shape': (2, 1, 5, 3)}", values));
  ASSERT_TRUE(source);
  const auto& header = source->header();
  EXPECT_EQ(header.size_ijk, (SourceVec{5, 1, 2}));
  EXPECT_EQ(header.channels, 3);
  EXPECT_TRUE(header.channels_come_together());
  EXPECT_FALSE(header.channels_are_colors);
  Data out(2 * 2 * 2);
  ASSERT_TRUE(source->read({{1, 0, 1}, {3, 1, 2}}, {1, 3}, out).has_value());
  std::array<std::uint16_t, 4> found{};
  std::memcpy(found.data(), out.data(), out.size());
  // Voxels 6 and 7 of 3 channels each: first their second channel, then their third.
  EXPECT_THAT(found, ElementsAre(256 + 19, 256 + 22, 256 + 20, 256 + 23));
}

TEST_F(PlainFiles, BadNpyHeadersSayWhere) {
  const auto expect = [&](std::string_view dictionary, ErrorCode code, const std::string& message) {
    const Error error = error_of("a.npy", npy(dictionary, counting(24)));
    EXPECT_EQ(error.code, code) << dictionary;
    EXPECT_THAT(error.message, HasSubstr(message));
    EXPECT_TRUE(error.concerns_source);
  };
  expect("{'descr': 'O', 'fortran_order': False, 'shape': (2,)}", ErrorCode::unsupported, "descr: expected a numeric");
  expect("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (2,)}", ErrorCode::unsupported, "a record");
  expect("{'descr': '<u2', 'fortran_order': 0, 'shape': (2,)}", ErrorCode::invalid_data, "True or False, found \"0, ");
  expect("{'descr': '<u2', 'fortran_order': False}", ErrorCode::invalid_data, "fortran_order and shape");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3", ErrorCode::invalid_data, "the end of the header");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': (-2, 3)}", ErrorCode::invalid_data, "a size");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999,)}", ErrorCode::invalid_data,
         "a size");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': ()}", ErrorCode::unsupported, "a single value");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': (0, 2)}", ErrorCode::invalid_data, "found 2 x 0");
  expect("{'descr': '<u2', 'fortran_order': False, 'shape': (5,2,3,4,5)}", ErrorCode::unsupported, "2 to 4 axes");
  expect("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 3, 3)}", ErrorCode::invalid_data, "truncated");
  expect("{'descr': '<u8', 'fortran_order': False, 'shape': (4611686018427387904, 3, 3)}", ErrorCode::invalid_data,
         "2^63");
}

TEST_F(PlainFiles, RawValuesNeedExactlyTheirBytes) {
  SourceOptions options;
  options.shape = {2, 3, 4};
  options.dtype = ">u2";
  EXPECT_TRUE(opened("a.raw", counting(48), options));
  EXPECT_EQ(error_of("a.raw", counting(47), options).code, ErrorCode::invalid_data);
  EXPECT_EQ(error_of("a.raw", counting(49), options).code, ErrorCode::invalid_data);
  EXPECT_EQ(error_of("a.raw", counting(48)).code, ErrorCode::needs_decision);
  options.dtype = "u3";
  EXPECT_EQ(error_of("a.raw", counting(48), options).code, ErrorCode::invalid_argument);
  options.shape = {Index{1} << 40, Index{1} << 40, 4};
  options.dtype = "u1";
  EXPECT_EQ(error_of("a.raw", counting(48), options).code, ErrorCode::invalid_argument);
}

TEST_F(PlainFiles, RawValuesMayBeginLikeGzip) {
  SourceOptions options;
  options.shape = {2, 3, 4};
  options.dtype = "u1";
  Data values = counting(24);
  values[0] = std::byte{0x1f};
  values[1] = std::byte{0x8b};
  const auto source = opened("a.raw", values, options);
  ASSERT_TRUE(source);
  EXPECT_FALSE(source->header().is_compressed_stream);
  EXPECT_EQ(error_of("a.raw", Data(values.begin(), values.end() - 1), options).code, ErrorCode::invalid_data);
}

TEST(NumpyType, EverySpelling) {
  const auto type = [](std::string_view text) { return parse_numpy_type(text).value().type; };
  EXPECT_EQ(type("uint16"), StoredType::uint16);
  EXPECT_EQ(type("=i8"), StoredType::int64);
  EXPECT_EQ(type("?"), StoredType::boolean);
  EXPECT_EQ(type("|b1"), StoredType::boolean);
  EXPECT_EQ(type("<c16"), StoredType::complex128);
  EXPECT_EQ(parse_numpy_type(">c16")->number_bytes(), 8u);
  EXPECT_FALSE(parse_numpy_type(">u1")->is_foreign_order);
  EXPECT_NE(parse_numpy_type(">u2")->is_foreign_order, parse_numpy_type("<u2")->is_foreign_order);
  for (const char* wrong : {"", "<", "u3", "U8", "<M8[ns]", "u2 ", "uint", "<<u2"})
    EXPECT_FALSE(parse_numpy_type(wrong).has_value()) << wrong;
}

constexpr std::string_view kNrrd =
    "NRRD0005\n# comment\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
    "space directions: (0,2,0) (0.5,0,0) (0,0,-3)\nspace origin: (10,20,30)\nencoding: raw\nkey:=value: with colon\n\n";

TEST_F(PlainFiles, NrrdDirectionsAreTurnedToRas) {
  const auto source = opened("a.nrrd", joined(bytes_of(kNrrd), counting(24)));
  ASSERT_TRUE(source);
  const auto& header = source->header();
  EXPECT_TRUE(header.is_anatomical && header.has_voxel_size);
  const Affine expected{{{{0, -0.5, 0, -10}, {-2, 0, 0, -20}, {0, 0, -3, 30}, {0, 0, 0, 1}}}};
  EXPECT_EQ(header.affine_ijk_to_mm, expected);
  const auto values = test::read_all(*source);
  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(*values, counting(24));
}

TEST_F(PlainFiles, NrrdHeadersBehindTheFirstKilobyte) {
  std::string text(kNrrd.substr(0, kNrrd.size() - 1));
  for (int n = 0; n < 200; ++n) text += fmt::format("DWMRI_gradient_{}:=0.1 0.2 0.3\n", n);
  const Data bytes = joined(bytes_of(text + "\n"), counting(24));
  for (const auto& [name, content] : {std::pair{"a.nrrd", bytes}, {"a.nrrd.gz", test::gzip(bytes)}}) {
    const auto source = opened(name, content);
    ASSERT_TRUE(source);
    const auto values = test::read_all(*source);
    ASSERT_TRUE(values.has_value()) << values.error().message;
    EXPECT_EQ(*values, counting(24));
  }
}

TEST_F(PlainFiles, BadNrrdFieldsAreNamed) {
  const auto expect = [&](std::string_view from, std::string_view to, const std::string& message) {
    std::string text(kNrrd);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    EXPECT_THAT(error_of("a.nrrd", joined(bytes_of(text), counting(24))).message, HasSubstr(message)) << to;
  };
  expect("type: uchar", "type: block", "type: expected a numeric type, found \"block\"");
  expect("type: uchar\n", "", "type: expected the type of values, found no such field");
  expect("dimension: 3", "dimension: 17", "dimension: expected 1 to 16");
  expect("sizes: 4 3 2", "sizes: 4 3", "sizes: expected 3 whole number(s), found \"4 3\"");
  expect("sizes: 4 3 2", "sizes: 4 3 0", "sizes: expected axes of 1 or more");
  expect("sizes: 4 3 2", "sizes: 4 3 3", "truncated");
  expect("sizes: 4 3 2", "sizes: 9223372036854775807 9 9", "2^63");
  expect("encoding: raw", "encoding: hex", "encoding: expected raw, gzip, bzip2 or ascii, found \"hex\"");
  expect("(0.5,0,0)", "(0,1,0)", "space directions: expected independent directions");
  expect("(0.5,0,0)", "(0.5,0)", "space directions: expected 3 vector(s)");
  expect("(10,20,30)", "(10,20)", "space origin: expected a vector of 3 numbers");
  expect("space: left-posterior-superior", "space: outer", "space: expected the name of a space, found \"outer\"");
  expect("type: uchar", "type: short", "endian: expected little or big, found no such field");
  expect("encoding: raw", "encoding: raw\nencoding: raw", "encoding: expected the field once");
  expect("encoding: raw", "encoding raw", "expected \"field: description\" in each line, found \"encoding raw\"");
  expect("encoding: raw", "encoding: raw\ndata file: LIST", "data file: expected the name of one file");
  expect("encoding: raw", "encoding: raw\nbyte skip: -2", "byte skip: expected a whole number");
}

TEST_F(PlainFiles, NumbersInText) {
  std::string text(kNrrd);
  text.replace(text.find("raw"), 3, "text");
  std::string numbers;
  for (int n = 0; n < 24; ++n) numbers += fmt::format("{}{}", n, n % 4 == 3 ? ",\r\n" : "\t ");
  const auto source = opened("a.nrrd", bytes_of(text + numbers));
  ASSERT_TRUE(source);
  const auto values = test::read_all(*source);
  ASSERT_TRUE(values.has_value()) << values.error().message;
  EXPECT_EQ(*values, counting(24));
  const auto cut = opened("a.nrrd", bytes_of(text + numbers.substr(0, numbers.size() - 5)));
  ASSERT_TRUE(cut);
  EXPECT_FALSE(test::read_all(*cut).has_value());
}

TEST(NumberText, WordsMayLieAcrossPieces) {
  const std::string text = " 1.5 -2e3 nan +7,8";
  std::size_t at = 0;
  const auto input = numbers_from_text(
      [&](std::span<std::byte> out) -> Result<std::size_t> {
        if (at == text.size()) return std::size_t{0};
        out[0] = static_cast<std::byte>(text[at++]);
        return std::size_t{1};
      },
      StoredType::float32, "t");
  std::array<float, 6> values{};
  std::size_t done = 0;
  while (true) {
    const auto count = input(std::as_writable_bytes(std::span(values)).subspan(done, 3));
    ASSERT_TRUE(count.has_value());
    if (*count == 0) break;
    done += *count;
  }
  EXPECT_EQ(done, 5 * sizeof(float));
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], -2000.0f);
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_EQ(values[3], 7.0f);
  EXPECT_EQ(values[4], 8.0f);
}

TEST_F(PlainFiles, HalvesOfAPairFindEachOther) {
  Data header(348);
  test::put(header, 0, std::int32_t{348}, std::endian::big);
  for (const auto& [offset, value] : {std::pair{40, 3}, {42, 4}, {44, 3}, {46, 2}, {70, 2}, {72, 8}})
    test::put(header, static_cast<std::size_t>(offset), static_cast<std::int16_t>(value), std::endian::big);
  for (const std::size_t n : {1, 2, 3}) test::put(header, 76 + 4 * n, static_cast<float>(n), std::endian::big);
  const std::string image = folder_.write("a.IMG", counting(24));
  const auto source = opened("a.HDR", header);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->header().size_ijk, (SourceVec{4, 3, 2}));
  // nibabel: the first axis runs to the left, and the middle of the volume is the origin.
  const Affine expected{{{{-1, 0, 0, 1.5}, {0, 2, 0, -2}, {0, 0, 3, -1.5}, {0, 0, 0, 1}}}};
  EXPECT_EQ(source->header().affine_ijk_to_mm, expected);
  EXPECT_TRUE(open_source(image).has_value());
  EXPECT_EQ(error_of("b.hdr", header).code, ErrorCode::not_found);
}

Bytes undone(int id, std::vector<unsigned> parameters, Bytes bytes, std::size_t size) {
  const Hdf5Filter filter{id, "", std::move(parameters)};
  auto values = undo_filters(std::span(&filter, 1), 0, std::move(bytes), size, "t");
  EXPECT_TRUE(values.has_value()) << values.error().message;
  return values.has_value() ? *values : Bytes();
}

TEST(Hdf5Filters, ShuffleKeepsBytesThatMakeNoWhole) {
  EXPECT_EQ(undone(2, {2}, bytes_of("acebdf!"), 7), bytes_of("abcdef!"));
  EXPECT_EQ(undone(2, {3}, bytes_of("adbecf"), 6), bytes_of("abcdef"));
  EXPECT_EQ(undone(2, {1}, bytes_of("abc"), 3), bytes_of("abc"));
}

TEST(Hdf5Filters, LzfRepeatsWhatItHasWritten) {
  // Three literals, then nine bytes from three back, then three from one back.
  const Bytes packed = joined(joined(bytes_of(std::string_view("\x02"
                                                               "abc",
                                                               4)),
                                     bytes_of(std::string_view("\xe0\x00\x02", 3))),
                              bytes_of(std::string_view("\x20\x00", 2)));
  EXPECT_EQ(undone(32000, {}, packed, 15), bytes_of("abcabcabcabcccc"));
  const Hdf5Filter lzf{32000, "lzf", {}};
  for (std::size_t n = 1; n < packed.size(); ++n)
    EXPECT_FALSE(undo_filters(std::span(&lzf, 1), 0,
                              Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(n)), 15, "t")
                     .has_value());
  EXPECT_FALSE(undo_filters(std::span(&lzf, 1), 0, bytes_of(std::string_view("\x20\x00", 2)), 3, "t").has_value());
}

TEST(Hdf5Filters, FletcherByHand) {
  // Big-endian words 0x0102, 0x0300: sums 0x0402; of sums 0x0102 + 0x0402 = 0x0504.
  const Bytes bytes = bytes_of(std::string_view("\x01\x02\x03\x02\x04\x04\x05", 7));
  EXPECT_EQ(undone(3, {}, bytes, 3), bytes_of("\x01\x02\x03"));
  const Hdf5Filter checksum{3, "", {}};
  EXPECT_FALSE(undo_filters(std::span(&checksum, 1), 0, bytes_of("abcdefg"), 3, "t").has_value());
  EXPECT_FALSE(undo_filters(std::span(&checksum, 1), 0, bytes_of("abc"), 3, "t").has_value());
  // A chunk whose filter was left out is as long as it is.
  EXPECT_TRUE(undo_filters(std::span(&checksum, 1), 1, bytes_of("abc"), 3, "t").has_value());
}

}  // namespace
}  // namespace ngforge
