// SPDX-License-Identifier: Apache-2.0
#include "core/value_map.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class From, class To>
std::optional<BadValue> run(const ValueMap& map, const std::vector<From>& in, std::vector<To>& out) {
  out.assign(in.size() * sizeof(From) / size_of(map.from), To{});
  return map_values(map, std::as_bytes(std::span(in)), std::as_writable_bytes(std::span(out)));
}

TEST(StoredTypes, NamesAndSizesAreNumPys) {
  EXPECT_EQ(name_of(StoredType::boolean), "bool");
  EXPECT_EQ(name_of(StoredType::complex256), "complex256");
  EXPECT_EQ(size_of(StoredType::float16), 2u);
  EXPECT_EQ(size_of(StoredType::float128), 16u);
  EXPECT_EQ(size_of(StoredType::complex64), 8u);
  EXPECT_EQ(size_of(StoredType::complex256), 32u);
  EXPECT_EQ(same_data_type(StoredType::int64), DataType::int64);
  EXPECT_EQ(same_data_type(StoredType::float16), std::nullopt);
  EXPECT_EQ(same_data_type(StoredType::boolean), std::nullopt);
  EXPECT_EQ(stored_type_of(DataType::float32), StoredType::float32);
  for (int t = 0; t <= static_cast<int>(DataType::float64); ++t) {
    const auto type = static_cast<DataType>(t);
    EXPECT_EQ(same_data_type(stored_type_of(type)), type);
    EXPECT_EQ(size_of(stored_type_of(type)), size_of(type));
  }
}

TEST(ValueMap, IdentityCopies) {
  ValueMap map{.from = StoredType::float64, .to = DataType::float64};
  EXPECT_TRUE(map.is_identity());
  map.slope = 2;
  EXPECT_FALSE(map.is_identity());
  EXPECT_FALSE((ValueMap{.from = StoredType::int8, .to = DataType::uint8}).is_identity());
  EXPECT_FALSE((ValueMap{.from = StoredType::float32, .to = DataType::float32, .nan = 0}).is_identity());
  EXPECT_TRUE((ValueMap{.from = StoredType::uint8, .to = DataType::uint8, .nan = 0}).is_identity());
  std::vector<std::uint16_t> out;
  EXPECT_FALSE(
      run(ValueMap{.from = StoredType::uint16, .to = DataType::uint16}, std::vector<std::uint16_t>{1, 65535}, out));
  EXPECT_EQ(out, (std::vector<std::uint16_t>{1, 65535}));
}

TEST(ValueMap, IntegersStayExact) {
  const std::vector<std::int64_t> in{0, 1, (std::int64_t{1} << 53) + 1, std::numeric_limits<std::int64_t>::max()};
  std::vector<std::uint64_t> out;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::int64, .to = DataType::uint64}, in, out));
  EXPECT_EQ(out, (std::vector<std::uint64_t>{0, 1, 9007199254740993u, 9223372036854775807u}));
}

TEST(ValueMap, FirstValueThatDoesNotFitIsNamed) {
  std::vector<std::int32_t> in(5000, 7);
  in[3001] = -3;
  in[4000] = -4;
  std::vector<std::uint32_t> out;
  const auto bad = run(ValueMap{.from = StoredType::int32, .to = DataType::uint32}, in, out);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->index, 3001u);
  EXPECT_EQ(bad->text, "-3");
  std::vector<float> real(2000, 1.0f);
  real[1500] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::uint8_t> bytes;
  const auto nan = run(ValueMap{.from = StoredType::float32, .to = DataType::uint8, .clamps = true}, real, bytes);
  ASSERT_TRUE(nan);
  EXPECT_EQ(nan->index, 1500u);
  EXPECT_EQ(nan->text, "nan");
}

TEST(ValueMap, WithoutClampingAFractionHasNoPlaceInAnInteger) {
  std::vector<std::uint32_t> out;
  EXPECT_FALSE(
      run(ValueMap{.from = StoredType::float32, .to = DataType::uint32}, std::vector<float>{0, 3, 16777216}, out));
  EXPECT_EQ(out, (std::vector<std::uint32_t>{0, 3, 16777216}));
  const auto bad = run(ValueMap{.from = StoredType::float32, .to = DataType::uint32}, std::vector<float>{1, 2.5f}, out);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->text, "2.5");
}

TEST(ValueMap, ClampingRoundsHalfToEven) {
  const std::vector<double> in{-0.5, 0.5, 1.5, 2.5, 254.5, 255.49, 256, -7, kInfinity, -kInfinity, 0.49999999999999994};
  std::vector<std::uint8_t> out;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float64, .to = DataType::uint8, .clamps = true}, in, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 0, 2, 2, 254, 255, 255, 0, 255, 0, 0}));
  std::vector<std::int8_t> small;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::int16, .to = DataType::int8, .clamps = true},
                   std::vector<std::int16_t>{-300, -128, 127, 128}, small));
  EXPECT_EQ(small, (std::vector<std::int8_t>{-128, -128, 127, 127}));
}

TEST(ValueMap, ClampingReachesTheEndsOf64BitTypes) {
  std::vector<std::int64_t> out;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float64, .to = DataType::int64, .clamps = true},
                   std::vector<double>{1e30, -1e30, 0x1p62, 4503599627370496.5, 4503599627370497.5}, out));
  EXPECT_EQ(out, (std::vector<std::int64_t>{INT64_MAX, INT64_MIN, std::int64_t{1} << 62, 4503599627370496,
                                            4503599627370498}));
  std::vector<std::uint64_t> unsigned_out;
  EXPECT_TRUE(
      run(ValueMap{.from = StoredType::float64, .to = DataType::uint64}, std::vector<double>{0x1p64}, unsigned_out));
  EXPECT_FALSE(
      run(ValueMap{.from = StoredType::float64, .to = DataType::uint64}, std::vector<double>{0x1p63}, unsigned_out));
  EXPECT_EQ(unsigned_out[0], std::uint64_t{1} << 63);
}

TEST(ValueMap, SlopeAndInterceptAreAppliedInDouble) {
  std::vector<float> out;
  const ValueMap map{.from = StoredType::int16, .slope = 0.1, .intercept = -3, .to = DataType::float32};
  EXPECT_FALSE(run(map, std::vector<std::int16_t>{0, 10, -32768}, out));
  EXPECT_EQ(out, (std::vector<float>{-3.0f, static_cast<float>(10 * 0.1 - 3), static_cast<float>(-32768 * 0.1 - 3)}));
}

TEST(ValueMap, WindowSpansTheTargetAndClamps) {
  std::vector<std::uint8_t> out;
  ValueMap map{.from = StoredType::int16, .to = DataType::uint8, .window = std::array{100.0, 200.0}};
  EXPECT_FALSE(run(map, std::vector<std::int16_t>{0, 100, 150, 200, 900}, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 0, 128, 255, 255}));  // 127.5 rounds to even
  map.to = DataType::float32;
  std::vector<float> real;
  EXPECT_FALSE(run(map, std::vector<std::int16_t>{0, 100, 150, 900}, real));
  EXPECT_EQ(real, (std::vector<float>{0, 0, 0.5, 1}));
  map.to = DataType::uint64;
  std::vector<std::uint64_t> wide;
  EXPECT_FALSE(run(map, std::vector<std::int16_t>{100, 200}, wide));
  EXPECT_EQ(wide, (std::vector<std::uint64_t>{0, UINT64_MAX}));
  map.window = std::array{5.0, 5.0};
  map.to = DataType::uint8;
  EXPECT_FALSE(run(map, std::vector<std::int16_t>{4, 5, 6}, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 255, 255}));
}

TEST(ValueMap, NanBecomesTheGivenOutputValue) {
  const std::vector<double> in{kNaN, 2};
  std::vector<std::uint8_t> out;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float64, .to = DataType::uint8, .nan = 9, .clamps = true}, in, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{9, 2}));
  EXPECT_FALSE(run(
      ValueMap{.from = StoredType::float64, .to = DataType::uint8, .window = std::array{0.0, 2.0}, .nan = 9}, in, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{9, 255}));
  std::vector<float> real;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float64, .to = DataType::float32}, in, real));
  EXPECT_TRUE(std::isnan(real[0]));
}

TEST(ValueMap, FloatsTooLargeForFloat32) {
  std::vector<float> out;
  const std::vector<double> in{1e300, -kInfinity};
  EXPECT_TRUE(run(ValueMap{.from = StoredType::float64, .to = DataType::float32}, in, out));
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float64, .to = DataType::float32, .clamps = true}, in, out));
  EXPECT_EQ(out, (std::vector<float>{std::numeric_limits<float>::max(), -std::numeric_limits<float>::infinity()}));
}

TEST(ValueMap, HalfPrecision) {
  // 1, -2, largest, smallest subnormal, smallest normal, infinity, NaN: IEEE 754 binary16.
  const std::vector<std::uint16_t> in{0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0x7e00, 0x8000};
  std::vector<float> out;
  EXPECT_FALSE(run(ValueMap{.from = StoredType::float16, .to = DataType::float32}, in, out));
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], -2);
  EXPECT_EQ(out[2], 65504);
  EXPECT_EQ(out[3], 0x1p-24f);
  EXPECT_EQ(out[4], 0x1p-14f);
  EXPECT_EQ(out[5], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(out[6]));
  EXPECT_TRUE(std::signbit(out[7]) && out[7] == 0);
}

std::vector<std::byte> extended(std::uint64_t significand, std::uint16_t sign_exponent) {
  std::vector<std::byte> bytes(16);
  std::memcpy(bytes.data(), &significand, 8);
  std::memcpy(bytes.data() + 8, &sign_exponent, 2);
  return bytes;
}

TEST(ValueMap, ExtendedPrecision) {
  const ValueMap map{.from = StoredType::float128, .to = DataType::float64};
  const auto value = [&](std::uint64_t significand, std::uint16_t sign_exponent) {
    std::vector<double> out;
    EXPECT_FALSE(run(map, extended(significand, sign_exponent), out));
    return out[0];
  };
  EXPECT_EQ(value(0x8000000000000000u, 0x3fff), 1);
  EXPECT_EQ(value(0xc000000000000000u, 0xc000), -3);
  EXPECT_EQ(value(0, 0), 0);
  EXPECT_EQ(value(0x8000000000000000u, 0x7fff), kInfinity);
  EXPECT_TRUE(std::isnan(value(0xc000000000000000u, 0x7fff)));
}

TEST(ValueMap, ComplexParts) {
  const std::vector<float> in{3, 4, -1, 0};
  std::vector<float> out;
  ValueMap map{.from = StoredType::complex64, .complex_part = ComplexPart::abs, .to = DataType::float32};
  EXPECT_FALSE(run(map, in, out));
  EXPECT_EQ(out, (std::vector<float>{5, 1}));
  map.complex_part = ComplexPart::phase;
  EXPECT_FALSE(run(map, in, out));
  EXPECT_FLOAT_EQ(out[0], 0.9272952f);
  EXPECT_FLOAT_EQ(out[1], 3.1415927f);
  map.complex_part = ComplexPart::imag;
  map.intercept = 10;  // belongs to the real part
  map.slope = 2;
  EXPECT_FALSE(run(map, in, out));
  EXPECT_EQ(out, (std::vector<float>{8, 0}));
  map.complex_part = ComplexPart::real;
  EXPECT_FALSE(run(map, in, out));
  EXPECT_EQ(out, (std::vector<float>{16, 8}));
}

TEST(ValueMap, BooleansAreZeroOrOne) {
  std::vector<std::uint8_t> out;
  EXPECT_FALSE(
      run(ValueMap{.from = StoredType::boolean, .to = DataType::uint8}, std::vector<std::uint8_t>{0, 1, 255}, out));
  EXPECT_EQ(out, (std::vector<std::uint8_t>{0, 1, 1}));
}

}  // namespace
}  // namespace ngforge
