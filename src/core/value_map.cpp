// SPDX-License-Identifier: Apache-2.0
#include "core/value_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// Values go through a buffer of doubles that stays in the first-level cache: one decoder per stored type and one
// encoder per data type, instead of a kernel for every pair.
constexpr std::size_t kBlock = 1024;

double from_float16(std::uint16_t half) {
  const auto magnitude = static_cast<std::uint32_t>(half & 0x7fff) << 13;
  // Rebias the exponent by a multiplication, which also makes subnormals right; 2^112 = 2^(127 - 15).
  float value = std::bit_cast<float>(magnitude) * 0x1p112f;
  if ((half & 0x7c00) == 0x7c00) value = std::bit_cast<float>(magnitude | 0x7f800000u);
  return (half & 0x8000) != 0 ? -value : value;
}

/// x87 extended precision: 64 bits of significand with an explicit leading one, 15 of exponent, one of sign.
double from_float80(const std::byte* p) {
  const auto significand = load<std::uint64_t>(p);
  const auto sign_exponent = load<std::uint16_t>(p + 8);
  const int exponent = sign_exponent & 0x7fff;
  double value = 0;
  if (exponent == 0x7fff)
    value =
        (significand << 1) == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  else
    value = std::ldexp(static_cast<double>(significand), exponent - 16383 - 63);
  return (sign_exponent & 0x8000) != 0 ? -value : value;
}

template <class T>
void decode_native(const std::byte* in, std::size_t count, std::size_t step, double* out) {
  if (step == sizeof(T)) {  // a constant stride lets the compiler vectorise
    for (std::size_t i = 0; i < count; ++i)
      out[i] = static_cast<double>(load<T, std::endian::native>(in + i * sizeof(T)));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<double>(load<T, std::endian::native>(in + i * step));
}

/// Real values `step` bytes apart to doubles; complex types: the part that `in` points to.
void decode(StoredType type, const std::byte* in, std::size_t count, std::size_t step, double* out) {
  switch (type) {
    case StoredType::boolean:
      for (std::size_t i = 0; i < count; ++i) out[i] = in[i * step] != std::byte{0} ? 1 : 0;
      return;
    case StoredType::float16:
      for (std::size_t i = 0; i < count; ++i)
        out[i] = from_float16(load<std::uint16_t, std::endian::native>(in + i * step));
      return;
    case StoredType::float128:
      for (std::size_t i = 0; i < count; ++i) out[i] = from_float80(in + i * step);
      return;
    default:
      visit_type(*same_data_type(type), [&](auto value) { decode_native<decltype(value)>(in, count, step, out); });
  }
}

std::optional<StoredType> component_type(StoredType type) {
  switch (type) {
    case StoredType::complex64: return StoredType::float32;
    case StoredType::complex128: return StoredType::float64;
    case StoredType::complex256: return StoredType::float128;
    default: return std::nullopt;
  }
}

bool is_scaled(const ValueMap& map) {
  return map.slope != 1 || map.intercept != 0;
}

void scale(const ValueMap& map, double intercept, double* values, std::size_t count) {
  if (!is_scaled(map)) return;
  for (std::size_t i = 0; i < count; ++i) values[i] = values[i] * map.slope + intercept;
}

void join_complex(ComplexPart part, const double* imaginary, double* values, std::size_t count) {
  switch (part) {
    case ComplexPart::abs:
      for (std::size_t i = 0; i < count; ++i) values[i] = std::hypot(values[i], imaginary[i]);
      return;
    case ComplexPart::phase:
      for (std::size_t i = 0; i < count; ++i) values[i] = std::atan2(imaginary[i], values[i]);
      return;
    case ComplexPart::imag: std::copy_n(imaginary, count, values); return;
    case ComplexPart::real: return;
    case ComplexPart::none: NGFORGE_ASSERT(part != ComplexPart::none);
  }
}

/// `count` stored values, scaled, as doubles.
void decode_scaled(const ValueMap& map, const std::byte* in, std::size_t count, double* values) {
  const std::size_t step = size_of(map.from);
  const auto component = component_type(map.from);
  decode(component.value_or(map.from), in, count, step, values);
  scale(map, map.intercept, values, count);
  if (!component) return;
  double imaginary[kBlock];
  decode(*component, in + step / 2, count, step, imaginary);
  scale(map, 0, imaginary, count);
  join_complex(map.complex_part, imaginary, values, count);
}

/// Half to even. std::nearbyint would do, but without SSE4.1 it is a call per value.
double rounded(double value) {
  const double magnitude = std::abs(value);
  constexpr double kIntegral = 0x1p52;
  return magnitude < kIntegral ? std::copysign((magnitude + kIntegral) - kIntegral, value) : value;
}

/// The largest double that converts to T: of a 64-bit type, the one below 2^63 or 2^64.
template <class T>
constexpr double high_of() {
  if constexpr (std::is_same_v<T, std::int64_t>) return 0x1.fffffffffffffp62;
  if constexpr (std::is_same_v<T, std::uint64_t>) return 0x1.fffffffffffffp63;
  return static_cast<double>(std::numeric_limits<T>::max());
}

void apply_window(const std::array<double, 2>& window, double low, double high, double* values, std::size_t count) {
  const auto [from, to] = window;
  for (std::size_t i = 0; i < count; ++i) {
    double t = to != from ? (values[i] - from) / (to - from) : (values[i] >= from ? 1.0 : 0.0);
    if (std::isnan(values[i])) t = values[i];
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    // Both ends exactly, whatever the rounding in between.
    values[i] = t == 1 ? high : low + t * (high - low);
  }
}

/// Doubles to T. False when a value has no place; the output is then unspecified.
template <class T>
bool encode(const ValueMap& map, double* values, std::size_t count, std::byte* out) {
  constexpr bool kInteger = std::is_integral_v<T>;
  constexpr T kMax = std::numeric_limits<T>::max();
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::lowest()), kHigh = high_of<T>();
  if (map.window)
    apply_window(*map.window, kInteger ? kLow : 0.0, kInteger ? static_cast<double>(kMax) : 1.0, values, count);
  if (map.nan)
    for (std::size_t i = 0; i < count; ++i) values[i] = std::isnan(values[i]) ? *map.nan : values[i];
  const bool clamps = map.clamps || map.window.has_value();
  bool bad = false;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = values[i];
    double fitted = value;
    if constexpr (kInteger) {
      fitted = value < kLow ? kLow : value > kHigh ? kHigh : value == value ? rounded(value) : 0;
      bad |= (value != value) | (!clamps & (fitted != value));
    } else {
      // Infinities stay; a finite value must not become one.
      const bool is_infinite = std::abs(value) > std::numeric_limits<double>::max();
      if (!is_infinite) fitted = value < kLow ? kLow : value > kHigh ? kHigh : value;
      bad |= !clamps & (fitted != value) & (value == value);
    }
    auto result = static_cast<T>(fitted);
    if (kInteger && value > kHigh) result = kMax;
    std::memcpy(out + i * sizeof(T), &result, sizeof(T));
  }
  return !bad;
}

template <class T>
std::optional<BadValue> map_real(const ValueMap& map, const std::byte* in, std::size_t count, std::byte* out) {
  double values[kBlock];
  const std::size_t in_bytes = size_of(map.from);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t n = std::min(kBlock, count - begin);
    decode_scaled(map, in + begin * in_bytes, n, values);
    if (encode<T>(map, values, n, out + begin * sizeof(T))) continue;
    for (std::size_t i = begin; i < begin + n; ++i) {
      decode_scaled(map, in + i * in_bytes, 1, values);
      const double value = values[0];
      if (!encode<T>(map, values, 1, out + i * sizeof(T)))
        return BadValue{i, std::isnan(value) ? "nan" : fmt::format("{}", value)};
    }
  }
  return std::nullopt;
}

template <class From, class To>
std::optional<BadValue> map_integers(bool clamps, const std::byte* in, std::size_t count, std::byte* out) {
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, count);
    bool bad = false;
    for (std::size_t i = begin; i < end; ++i) {
      const auto value = load<From, std::endian::native>(in + i * sizeof(From));
      auto result = static_cast<To>(value);
      if constexpr (std::is_integral_v<To>) {
        const bool fits = std::in_range<To>(value);
        bad |= !fits;
        if (!fits) result = std::cmp_less(value, 0) ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
      }
      std::memcpy(out + i * sizeof(To), &result, sizeof(To));
    }
    if constexpr (std::is_integral_v<To>) {
      if (!bad || clamps) continue;
      for (std::size_t i = begin; i < end; ++i) {
        const auto value = load<From, std::endian::native>(in + i * sizeof(From));
        if (!std::in_range<To>(value)) return BadValue{i, fmt::format("{}", value)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

bool ValueMap::is_identity() const {
  const auto same = same_data_type(from);
  return same == to && !is_scaled(*this) && !window && (!nan || is_integer(to));
}

std::optional<BadValue> map_values(const ValueMap& map, std::span<const std::byte> in, std::span<std::byte> out) {
  const std::size_t count = out.size() / size_of(map.to);
  NGFORGE_ASSERT(in.size() == count * size_of(map.from));
  if (count == 0) return std::nullopt;
  if (map.is_identity()) {
    std::memcpy(out.data(), in.data(), out.size());
    return std::nullopt;
  }
  const auto same = same_data_type(map.from);
  const bool is_exact = same && is_integer(*same) && !is_scaled(map) && !map.window;
  return visit_type(map.to, [&](auto to) -> std::optional<BadValue> {
    using To = decltype(to);
    if (!is_exact) return map_real<To>(map, in.data(), count, out.data());
    return visit_type(*same, [&](auto from) -> std::optional<BadValue> {
      using From = decltype(from);
      if constexpr (std::is_integral_v<From>)
        return map_integers<From, To>(map.clamps, in.data(), count, out.data());
      else
        __builtin_unreachable();
    });
  });
}

}  // namespace ngforge
