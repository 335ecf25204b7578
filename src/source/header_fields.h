// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/byte_cursor.h"
#include "ngforge/error.h"

namespace ngforge {

/// A header of fields at known offsets, in one byte order. Offsets given must lie in `bytes`, which must outlive this.
class HeaderFields {
 public:
  HeaderFields(std::span<const std::byte> bytes, std::string place, std::endian order)
      : order(order), bytes_(bytes), place_(std::move(place)) {}

  const std::endian order;

  template <class T>
  T get(std::size_t offset) const {
    const T value = load<T, std::endian::native>(bytes_.data() + offset);
    return order == std::endian::native ? value : byte_swapped(value);
  }
  /// Text up to the first zero byte, without control characters.
  std::string text(std::size_t offset, std::size_t size) const {
    std::string text;
    for (const std::byte byte : bytes_.subspan(offset, size)) {
      const char c = static_cast<char>(byte);
      if (c == '\0') break;
      text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }
  /// invalid_data; the header is the source's.
  template <class Expected, class Found>
  Error wrong(std::string_view field, std::size_t offset, const Expected& expected, const Found& found) const {
    return make_error(ErrorCode::invalid_data, "{}: {}: expected {}, found {} (byte {})", place_, field, expected,
                      found, offset)
        .of_source();
  }

 private:
  std::span<const std::byte> bytes_;
  std::string place_;
};

}  // namespace ngforge
