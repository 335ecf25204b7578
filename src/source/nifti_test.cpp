// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/affine.h"
#include "source/test_files.h"

namespace ngforge {
namespace {

using test::Data;
using ::testing::HasSubstr;

/// A NIfTI file made field by field; offsets from nifti1.h and nifti2.h.
struct NiftiFile {
  int version;
  std::endian order;
  Data bytes;

  explicit NiftiFile(int v = 1, std::endian o = std::endian::little) : version(v), order(o), bytes(v == 1 ? 352 : 544) {
    put(0, static_cast<std::int32_t>(v == 1 ? 348 : 540));
    const char magic[4] = {'n', '+', static_cast<char>('0' + v), '\0'};
    std::memcpy(bytes.data() + (v == 1 ? 344 : 4), magic, 4);
    set_vox_offset(static_cast<double>(bytes.size()));
    for (std::size_t n = 0; n < 8; ++n) set_dim(n, 1);
    for (std::size_t n = 0; n < 4; ++n) set_real(v == 1 ? 76 : 104, n, 1);
  }
  template <class T>
  void put(std::size_t offset, T value) {
    test::put(bytes, offset, value, order);
  }
  void set_dim(std::size_t n, std::int64_t length) {
    version == 1 ? put(40 + 2 * n, static_cast<std::int16_t>(length)) : put(16 + 8 * n, length);
  }
  void set_size(std::initializer_list<std::int64_t> size) {
    set_dim(0, static_cast<std::int64_t>(size.size()));
    std::size_t n = 1;
    for (const auto length : size) set_dim(n++, length);
  }
  void set_type(std::int16_t code, std::int16_t bits) {
    put(version == 1 ? 70 : 12, code);
    put(version == 1 ? 72 : 14, bits);
  }
  void set_real(std::size_t offset, std::size_t n, double value) {
    version == 1 ? put(offset + 4 * n, static_cast<float>(value)) : put(offset + 8 * n, value);
  }
  void set_code(std::size_t offset1, std::size_t offset2, int value) {
    version == 1 ? put(offset1, static_cast<std::int16_t>(value)) : put(offset2, static_cast<std::int32_t>(value));
  }
  void set_vox_offset(double offset) {
    version == 1 ? put(108, static_cast<float>(offset)) : put(168, static_cast<std::int64_t>(offset));
  }
  void set_pixdim(std::size_t n, double value) { set_real(version == 1 ? 76 : 104, n, value); }
  void set_scaling(double slope, double intercept) {
    set_real(version == 1 ? 112 : 176, 0, slope);
    set_real(version == 1 ? 116 : 184, 0, intercept);
  }
  void set_srow(std::size_t row, std::array<double, 4> values) {
    for (std::size_t n = 0; n < 4; ++n) set_real(version == 1 ? 280 : 400, 4 * row + n, values[n]);
  }
  void set_quaternion(std::array<double, 3> bcd, std::array<double, 3> offset) {
    for (std::size_t n = 0; n < 3; ++n) {
      set_real(version == 1 ? 256 : 352, n, bcd[n]);
      set_real(version == 1 ? 268 : 376, n, offset[n]);
    }
  }
  void set_qform_code(int code) { set_code(252, 344, code); }
  void set_sform_code(int code) { set_code(254, 348, code); }
  void set_units(int units) {
    version == 1 ? put(123, static_cast<std::uint8_t>(units)) : put(500, std::int32_t{units});
  }
  template <class T>
  void append(T value) {
    bytes.resize(bytes.size() + sizeof(T));
    put(bytes.size() - sizeof(T), value);
  }
};

/// 2 x 3 x 2 uint8 with voxels 0 to 11.
NiftiFile small_file(int version = 1, std::endian order = std::endian::little) {
  NiftiFile file(version, order);
  file.set_size({2, 3, 2});
  file.set_type(2, 8);
  for (std::uint8_t n = 0; n < 12; ++n) file.append(n);
  return file;
}

class Nifti : public ::testing::Test {
 protected:
  test::TempFolder folder_;

  Result<std::unique_ptr<VolumeSource>> open(const Data& bytes) { return open_source(folder_.write("a.nii", bytes)); }
  std::unique_ptr<VolumeSource> opened(const NiftiFile& file) {
    auto source = open(file.bytes);
    EXPECT_TRUE(source.has_value()) << source.error().message;
    return source.has_value() ? std::move(*source) : nullptr;
  }
  void expect_error(const NiftiFile& file, ErrorCode code, const std::string& message) {
    const auto source = open(file.bytes);
    ASSERT_FALSE(source.has_value()) << message;
    EXPECT_EQ(source.error().code, code) << source.error().message;
    EXPECT_THAT(source.error().message, HasSubstr(folder_.path("a.nii") + ": " + message));
    EXPECT_TRUE(source.error().concerns_source);
  }
};

struct TypeCase {
  std::int16_t code, bits;
  StoredType type;
  Index channels;
};
// The table of datatypes in nifti1.h.
const TypeCase kTypes[] = {
    {2, 8, StoredType::uint8, 1},           {4, 16, StoredType::int16, 1},
    {8, 32, StoredType::int32, 1},          {16, 32, StoredType::float32, 1},
    {32, 64, StoredType::complex64, 1},     {64, 64, StoredType::float64, 1},
    {128, 24, StoredType::uint8, 3},        {256, 8, StoredType::int8, 1},
    {512, 16, StoredType::uint16, 1},       {768, 32, StoredType::uint32, 1},
    {1024, 64, StoredType::int64, 1},       {1280, 64, StoredType::uint64, 1},
    {1536, 128, StoredType::float128, 1},   {1792, 128, StoredType::complex128, 1},
    {2048, 256, StoredType::complex256, 1}, {2304, 32, StoredType::uint8, 4},
};

TEST_F(Nifti, EveryTypeInBothOrdersAndVersions) {
  for (const int version : {1, 2}) {
    for (const auto order : {std::endian::little, std::endian::big}) {
      for (const auto& type : kTypes) {
        NiftiFile file(version, order);
        file.set_size({2, 1, 1});
        file.set_type(type.code, type.bits);
        const std::size_t voxel = static_cast<std::size_t>(type.bits) / 8;
        const bool is_color = type.channels > 1;
        const bool is_complex = type.type >= StoredType::complex64;
        const std::size_t number = is_color ? 1 : is_complex ? voxel / 2 : voxel;
        for (std::size_t n = 0; n < 2 * voxel; ++n) file.bytes.push_back(static_cast<std::byte>(n + 1));
        const auto source = opened(file);
        ASSERT_NE(source, nullptr);
        EXPECT_EQ(source->header().type, type.type);
        EXPECT_EQ(source->header().channels, type.channels);
        EXPECT_EQ(source->header().channels_are_colors, is_color);
        EXPECT_EQ(source->header().format, version == 1 ? "NIfTI-1" : "NIfTI-2");
        Data expected(2 * voxel);
        for (std::size_t n = 0; n < 2 * voxel; ++n) {
          // Numbers are turned round one by one when the orders differ; colours are moved from RGBRGB to RRGGBB.
          std::size_t from = order == std::endian::native ? n : n / number * number + (number - 1 - n % number);
          if (is_color) from = n % 2 * voxel + n / 2;
          expected[n] = static_cast<std::byte>(from + 1);
        }
        EXPECT_EQ(test::read_all(*source).value(), expected) << type.code;
      }
    }
  }
}

TEST_F(Nifti, SizesOfAnyRank) {
  struct Case {
    std::initializer_list<std::int64_t> size;
    SourceVec size_ijk;
    Index channels;
    std::vector<Index> axes;
  };
  const Case cases[] = {{{4}, {4, 1, 1}, 1, {}},
                        {{4, 3}, {4, 3, 1}, 1, {}},
                        {{4, 3, 2}, {4, 3, 2}, 1, {}},
                        {{4, 3, 2, 1}, {4, 3, 2}, 1, {}},
                        {{4, 3, 2, 5}, {4, 3, 2}, 5, {5}},
                        {{4, 3, 2, 1, 3}, {4, 3, 2}, 3, {1, 3}},
                        {{4, 3, 2, 5, 3}, {4, 3, 2}, 15, {5, 3}},
                        {{4, 3, 2, 5, 1, 1, 1}, {4, 3, 2}, 5, {5}},
                        {{4, 3, 2, 2, 1, 2, 2}, {4, 3, 2}, 8, {2, 1, 2, 2}}};
  for (const auto& c : cases) {
    NiftiFile file;
    file.set_size(c.size);
    file.set_type(2, 8);
    file.bytes.resize(352 + static_cast<std::size_t>(c.size_ijk.product() * c.channels));
    const auto source = opened(file);
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(source->header().size_ijk, c.size_ijk);
    EXPECT_EQ(source->header().channels, c.channels);
    EXPECT_EQ(source->header().channel_axes, c.axes);
  }
}

void expect_affine(const Affine& found, std::array<std::array<double, 4>, 3> expected) {
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(found.m[r][c], expected[r][c], 1e-12) << r << c;
}

TEST_F(Nifti, FormsInTheirOrderOfPrecedence) {
  auto file = small_file();
  file.set_size({3, 2, 2});
  file.set_pixdim(0, -1);
  for (std::size_t n = 1; n < 4; ++n) file.set_pixdim(n, std::array{0.5, 0.75, 2.0}[n - 1]);
  // Neither form: nibabel's base affine, i to the left, origin in the middle.
  expect_affine(opened(file)->header().affine_ijk_to_mm, {{{-0.5, 0, 0, 0.5}, {0, 0.75, 0, -0.375}, {0, 0, 2, -1}}});
  file.set_quaternion({0.1, -0.2, 0.95}, {-10.5, 20.25, -30.125});
  file.set_qform_code(1);
  // From nibabel 5.4 get_qform.
  expect_affine(opened(file)->header().affine_ijk_to_mm,
                {{{-0.44249997854232803, -0.3405716158987527, -0.2056440017194894, -10.5},
                  {0.18704774274040886, -0.6187499664723876, 0.8471780013754293, 20.25},
                  {0.13858900001716246, -0.25230825082531844, -1.7999999940395355, -30.125}}});
  file.set_srow(0, {-2, 0, 0, 90});
  file.set_srow(1, {0, 0.5, 2.5, -126});
  file.set_srow(2, {0, 0, 3, -72});
  file.set_sform_code(4);
  expect_affine(opened(file)->header().affine_ijk_to_mm, {{{-2, 0, 0, 90}, {0, 0.5, 2.5, -126}, {0, 0, 3, -72}}});
  file.set_sform_code(-1);
  EXPECT_NEAR(opened(file)->header().affine_ijk_to_mm.m[0][3], -10.5, 1e-12);
  EXPECT_TRUE(opened(file)->header().is_anatomical);
}

TEST_F(Nifti, QuaternionOfAHalfTurnHasNoRealPart) {
  auto file = small_file(2);
  file.set_pixdim(0, -1);
  for (std::size_t n = 1; n < 4; ++n) file.set_pixdim(n, std::array{0.5, 0.75, 2.0}[n - 1]);
  file.set_quaternion({0.6, 0.8, 0}, {0, 0, 0});
  file.set_qform_code(2);
  expect_affine(opened(file)->header().affine_ijk_to_mm, {{{-0.14, 0.72, 0, 0}, {0.48, 0.21, 0, 0}, {0, 0, 2, 0}}});
}

TEST_F(Nifti, UnitsBecomeMillimetres) {
  for (const auto& [units, mm] : {std::pair{0, 1.0}, {1, 1000.0}, {2, 1.0}, {3, 0.001}, {8 | 3, 0.001}}) {
    auto file = small_file(2);
    file.set_units(units);
    file.set_sform_code(1);
    file.set_srow(0, {2, 0, 0, 10});
    file.set_srow(1, {0, 3, 0, 20});
    file.set_srow(2, {0, 0, 4, 30});
    expect_affine(opened(file)->header().affine_ijk_to_mm,
                  {{{2 * mm, 0, 0, 10 * mm}, {0, 3 * mm, 0, 20 * mm}, {0, 0, 4 * mm, 30 * mm}}});
  }
}

TEST_F(Nifti, VoxelSizeIsMissingWhereALongAxisHasNone) {
  auto file = small_file();
  EXPECT_TRUE(opened(file)->header().has_voxel_size);
  file.set_pixdim(2, 0);
  EXPECT_FALSE(opened(file)->header().has_voxel_size);
  expect_affine(opened(file)->header().affine_ijk_to_mm, {{{-1, 0, 0, 0.5}, {0, 1, 0, -1}, {0, 0, 1, -0.5}}});
  file.set_size({12, 1, 1});
  EXPECT_TRUE(opened(file)->header().has_voxel_size);
}

TEST_F(Nifti, ScalingCountsOnlyWithAFiniteSlope) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [slope, intercept, is_scaled] : {std::tuple{0.0, 5.0, false},
                                                    {kNaN, kNaN, false},
                                                    {INFINITY, 1.0, false},
                                                    {1.0, 0.0, true},
                                                    {0.5, -3.0, true}}) {
    auto file = small_file();
    file.set_scaling(slope, intercept);
    const auto source = opened(file);
    EXPECT_EQ(source->header().slope, is_scaled ? slope : 1);
    EXPECT_EQ(source->header().intercept, is_scaled ? intercept : 0);
  }
}

TEST_F(Nifti, ExtensionsAreListedAndSkipped) {
  for (const auto order : {std::endian::little, std::endian::big}) {
    NiftiFile file(1, order);
    file.set_size({2, 1, 1});
    file.set_type(2, 8);
    file.bytes[348] = std::byte{1};
    for (const std::int32_t code : {4, 6}) {
      file.append(std::int32_t{16});
      file.append(code);
      file.append(std::int64_t{-1});
    }
    file.set_vox_offset(384);
    file.bytes.push_back(std::byte{8});
    file.bytes.push_back(std::byte{9});
    const auto source = opened(file);
    EXPECT_THAT(source->header().details, HasSubstr("extensions with codes 4, 6"));
    EXPECT_EQ(test::read_all(*source).value(), (Data{std::byte{8}, std::byte{9}}));
    auto zipped = open_source(folder_.write("a.nii.gz", test::gzip(file.bytes))).value();
    EXPECT_EQ(test::read_all(*zipped).value(), (Data{std::byte{8}, std::byte{9}}));
  }
}

TEST_F(Nifti, HeaderTellsOfIntentAndFile) {
  auto file = small_file();
  EXPECT_FALSE(opened(file)->header().has_label_intent);
  file.set_code(68, 504, 1002);
  std::memcpy(file.bytes.data() + 148, "a \x01 mouse", 9);
  const auto source = opened(file);
  EXPECT_TRUE(source->header().has_label_intent);
  EXPECT_EQ(source->header().stored_bytes, file.bytes.size());
  EXPECT_FALSE(source->header().is_compressed_stream);
  EXPECT_EQ(
      source->header().details,
      "sform 0 (none), qform 0 (none), unit unknown, taken as mm, little-endian, intent 1002 (label), \"a ? mouse\"");
  const auto zipped = open_source(folder_.write("a.nii.gz", test::gzip(file.bytes))).value();
  EXPECT_TRUE(zipped->header().is_compressed_stream);
  EXPECT_EQ(zipped->access(), Access::once);
}

TEST_F(Nifti, BoxesOfAPlainFileInAnyOrder) {
  NiftiFile file(1, std::endian::big);
  file.set_size({7, 5, 4, 3});
  file.set_type(512, 16);
  for (std::uint16_t n = 0; n < 7 * 5 * 4 * 3; ++n) file.append(n);
  const auto source = opened(file);
  ASSERT_EQ(source->access(), Access::any_box);
  for (const SourceBox& box :
       {SourceBox{{0, 0, 0}, {7, 5, 4}}, SourceBox{{2, 1, 1}, {5, 4, 3}}, SourceBox{{0, 2, 0}, {7, 4, 4}},
        SourceBox{{6, 4, 3}, {7, 5, 4}}, SourceBox{{0, 0, 2}, {7, 5, 3}}}) {
    for (const ChannelRange channels : {ChannelRange{0, 3}, ChannelRange{1, 2}}) {
      std::vector<std::uint16_t> found(static_cast<std::size_t>(box.volume() * channels.size())), expected;
      ASSERT_TRUE(source->read(box, channels, std::as_writable_bytes(std::span(found))).has_value());
      for (Index c = channels.begin; c < channels.end; ++c)
        for (Index k = box.begin.z; k < box.end.z; ++k)
          for (Index j = box.begin.y; j < box.end.y; ++j)
            for (Index i = box.begin.x; i < box.end.x; ++i)
              expected.push_back(static_cast<std::uint16_t>(i + 7 * (j + 5 * (k + 4 * c))));
      EXPECT_EQ(found, expected);
    }
  }
}

TEST_F(Nifti, PartsOfLongRowsAndOfColors) {
  NiftiFile file;
  file.set_size({20000, 3, 2});
  file.set_type(128, 24);
  for (std::uint32_t n = 0; n < 20000 * 3 * 2 * 3; ++n) file.bytes.push_back(static_cast<std::byte>(n % 251));
  const auto colors = opened(file);
  file.set_size({30000, 6, 2});
  file.set_type(2, 8);
  const auto grey = open_source(folder_.write("b.nii", file.bytes)).value();
  const SourceBox box{{100, 1, 0}, {110, 3, 2}};
  Data found(static_cast<std::size_t>(box.volume() * 2));
  ASSERT_TRUE(colors->read(box, {1, 3}, found).has_value());
  std::size_t at = 0;
  for (Index c = 1; c < 3; ++c)
    for (Index k = 0; k < 2; ++k)
      for (Index j = 1; j < 3; ++j)
        for (Index i = 100; i < 110; ++i)
          ASSERT_EQ(found[at++], static_cast<std::byte>((3 * (i + 20000 * (j + 3 * k)) + c) % 251));
  found.resize(static_cast<std::size_t>(box.volume()));
  ASSERT_TRUE(grey->read(box, {0, 1}, found).has_value());
  at = 0;
  for (Index k = 0; k < 2; ++k)
    for (Index j = 1; j < 3; ++j)
      for (Index i = 100; i < 110; ++i) ASSERT_EQ(found[at++], static_cast<std::byte>((i + 30000 * (j + 6 * k)) % 251));
}

TEST_F(Nifti, WrongHeadersAreNamedByField) {
  const auto with = [](auto change, int version = 1) {
    auto file = small_file(version);
    change(file);
    return file;
  };
  const auto bad = ErrorCode::invalid_data;
  expect_error(with([](auto& f) { f.set_dim(0, 0); }), bad, "dim[0]: expected 1 to 7 axes, found 0 (byte 40)");
  expect_error(with([](auto& f) { f.set_dim(0, 8); }), bad, "dim[0]: expected 1 to 7 axes, found 8 (byte 40)");
  expect_error(with([](auto& f) { f.set_dim(2, 0); }), bad, "dim[2]: expected 1 or more voxels, found 0 (byte 44)");
  expect_error(with([](auto& f) { f.set_dim(3, -5); }, 2), bad,
               "dim[3]: expected 1 or more voxels, found -5 (byte 40)");
  expect_error(with([](auto& f) { f.put(0, 349); }), bad, "sizeof_hdr: expected 348 or 540, found 349 (byte 0)");
  expect_error(with([](auto& f) { f.bytes[344] = std::byte{'x'}; }), bad,
               "magic: expected \"n+1\", found \"x+1\" (byte 344)");
  expect_error(with([](auto& f) { f.bytes[345] = std::byte{'i'}; }), ErrorCode::unsupported,
               "expected a header called .hdr beside its .img, found another name");
  expect_error(with([](auto& f) { f.set_type(2, 16); }), bad, "bitpix: expected 8 for datatype 2, found 16 (byte 72)");
  expect_error(with([](auto& f) { f.set_type(1, 1); }), ErrorCode::unsupported,
               "datatype: expected the code of a voxel type (2, 4, 8, 16, ...), found 1 (one bit a voxel) (byte 70)");
  expect_error(with([](auto& f) { f.set_type(77, 8); }, 2), ErrorCode::unsupported,
               "datatype: expected the code of a voxel type (2, 4, 8, 16, ...), found 77 (byte 12)");
  expect_error(with([](auto& f) { f.set_scaling(2, INFINITY); }), bad,
               "scl_inter: expected a finite number, found inf (byte 116)");
  expect_error(with([](auto& f) { f.set_vox_offset(100); }), bad,
               "vox_offset: expected a whole number from 352 on, found 100 (byte 108)");
  expect_error(with([](auto& f) { f.set_vox_offset(NAN); }), bad,
               "vox_offset: expected a whole number from 352 on, found nan (byte 108)");
  expect_error(with([](auto& f) { f.set_sform_code(1); }), bad,
               "srow_x, srow_y, srow_z: expected three independent axes, found a singular matrix (byte 280)");
  expect_error(with([](auto& f) { f.set_sform_code(1), f.set_srow(1, {0, 0, NAN, 0}); }), bad,
               "srow_y[2]: expected a finite number, found nan (byte 304)");
  expect_error(with([](auto& f) { f.set_pixdim(2, INFINITY); }), bad,
               "pixdim[2]: expected a finite number, found inf (byte 84)");
  expect_error(with([](auto& f) { f.set_type(128, 24), f.set_size({1, 1, 1, 4}); }), ErrorCode::unsupported,
               "dim[4]: expected 1 where voxels are colours, found 4 (byte 48)");
}

TEST_F(Nifti, PromisesThatTheFileDoesNotKeep) {
  auto file = small_file();
  file.set_size({2, 3, 3});
  expect_error(file, ErrorCode::invalid_data,
               "expected 370 bytes for 2 x 3 x 3 x 1 uint8 from byte 352, found 364 (truncated)");
  const auto zipped = open_source(folder_.write("a.nii.gz", test::gzip(file.bytes)));
  ASSERT_TRUE(zipped.has_value());
  const auto values = test::read_all(**zipped);
  ASSERT_FALSE(values.has_value());
  EXPECT_EQ(values.error().code, ErrorCode::invalid_data);
  EXPECT_THAT(values.error().message, HasSubstr("expected 6 bytes at byte 364, found the end at byte 364"));
  auto huge = small_file(2);
  huge.set_size({std::int64_t{1} << 40, std::int64_t{1} << 30, 2});
  expect_error(huge, ErrorCode::invalid_data, "expected a volume of less than 2^63 bytes");
}

TEST_F(Nifti, TheEndOfAStreamIsVerifiedWithItsLastVoxel) {
  NiftiFile file;
  file.set_size({100, 100, 3});
  file.set_type(2, 8);
  for (unsigned n = 0; n < 30000; ++n) file.bytes.push_back(static_cast<std::byte>(n * n >> 5));
  Data gz = test::gzip(file.bytes);
  gz.push_back(std::byte{0x41});
  const auto source = open_source(folder_.write("a.nii.gz", gz)).value();
  Data planes(20000), last(10000);
  EXPECT_TRUE(source->read({{0, 0, 0}, {100, 100, 2}}, {0, 1}, planes).has_value());
  const auto read = source->read({{0, 0, 2}, {100, 100, 3}}, {0, 1}, last);
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, HasSubstr("found byte 0x41"));
}

TEST_F(Nifti, EveryTruncationIsAnError) {
  for (const int version : {1, 2}) {
    auto file = small_file(version);
    file.set_qform_code(1);
    const Data gz = test::gzip(file.bytes);
    for (const auto& [name, whole] : {std::pair{"t.nii", file.bytes}, {"t.nii.gz", gz}}) {
      for (std::size_t size = 0; size < whole.size(); ++size) {
        auto source = open_source(folder_.write(name, std::span(whole).first(size)));
        const auto values = source.has_value() ? test::read_all(**source) : Result<Data>(source.error());
        ASSERT_FALSE(values.has_value()) << name << " cut at " << size;
        EXPECT_TRUE(values.error().concerns_source);
        EXPECT_THAT(values.error().code, ::testing::AnyOf(ErrorCode::invalid_data, ErrorCode::unsupported));
      }
    }
  }
}

}  // namespace
}  // namespace ngforge
