// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "array/parse_parts.h"

namespace ngforge {
namespace {

template <class T>
Bytes bytes_of(T value) {
  Bytes bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

Error bad_value(const Json& value, StoredType type, std::string_view path) {
  return make_error(ErrorCode::invalid_data, "{}: expected a value of {}, found {}", path, name_of(type),
                    value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60));
}

// IEEE binary16, rounded to nearest, ties to even.
std::uint16_t half_of(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  const double size = std::abs(value);
  // Units of the last bit: 2^-24 for what is subnormal, else 2^(exponent - 10).
  const int exponent = size < 0x1p-14 ? -14 : std::ilogb(size);
  if (std::isinf(size) || exponent > 15) return static_cast<std::uint16_t>(sign | 0x7c00);
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, 10 - exponent)));
  // Rounding up into the next exponent carries by itself.
  const std::uint32_t bits = (static_cast<std::uint32_t>(exponent + 14) << 10) + units;
  return static_cast<std::uint16_t>(sign | std::min<std::uint32_t>(bits, 0x7c00));
}

Result<Bytes> float_value(const Json& value, StoredType type, std::string_view path) {
  double number = 0;
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    if (text.starts_with("0x")) {
      std::uint64_t bits = 0;
      const auto* end = text.data() + text.size();
      const auto parsed = std::from_chars(text.data() + 2, end, bits, 16);
      if (parsed.ec != std::errc{} || parsed.ptr != end || text.size() != 2 + 2 * size_of(type))
        return bad_value(value, type, path);
      switch (size_of(type)) {
        case 2: return bytes_of(static_cast<std::uint16_t>(bits));
        case 4: return bytes_of(static_cast<std::uint32_t>(bits));
        default: return bytes_of(bits);
      }
    }
    if (text == "NaN")
      number = std::numeric_limits<double>::quiet_NaN();
    else if (text == "Infinity" || text == "-Infinity")
      number = text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    else
      return bad_value(value, type, path);
  } else if (value.is_number()) {
    number = value.get<double>();
  } else {
    return bad_value(value, type, path);
  }
  switch (type) {
    case StoredType::float16: return bytes_of(half_of(number));
    case StoredType::float32: return bytes_of(static_cast<float>(number));
    default: return bytes_of(number);
  }
}

Result<Bytes> complex_value(const Json& value, StoredType type, std::string_view path) {
  const StoredType part = type == StoredType::complex64 ? StoredType::float32 : StoredType::float64;
  const bool is_pair = value.is_array() && value.size() == 2;
  if (!is_pair && !value.is_number()) return bad_value(value, type, path);
  NGFORGE_TRY(Bytes bytes, float_value(is_pair ? value[0] : value, part, path));
  NGFORGE_TRY(const Bytes imaginary, float_value(is_pair ? value[1] : Json(0), part, path));
  bytes.insert(bytes.end(), imaginary.begin(), imaginary.end());
  return bytes;
}

}  // namespace

Result<Bytes> parse_fill_value(const Json& value, StoredType type, std::string_view path) {
  if (value.is_null()) return Bytes(size_of(type));
  switch (type) {
    case StoredType::boolean:
      if (value.is_boolean()) return bytes_of(static_cast<std::uint8_t>(value.get<bool>()));
      if (value == 0 || value == 1) return bytes_of(static_cast<std::uint8_t>(value == 1));
      return bad_value(value, type, path);
    case StoredType::float16:
    case StoredType::float32:
    case StoredType::float64: return float_value(value, type, path);
    case StoredType::complex64:
    case StoredType::complex128: return complex_value(value, type, path);
    default: break;
  }
  return visit_type(*same_data_type(type), [&](auto zero) -> Result<Bytes> {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      // Zarr v2 writers give integers as 0.0, too.
      if (value.is_number_float() && value.get<double>() == 0) return bytes_of(T{0});
      if (value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<T>::max()})
        return bytes_of(static_cast<T>(value.get<std::uint64_t>()));
      if (std::is_signed_v<T> && value.is_number_integer() && !value.is_number_unsigned() &&
          value.get<std::int64_t>() >= static_cast<std::int64_t>(std::numeric_limits<T>::min()))
        return bytes_of(static_cast<T>(value.get<std::int64_t>()));
    }
    return bad_value(value, type, path);
  });
}

}  // namespace ngforge
