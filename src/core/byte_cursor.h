// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "ngforge/error.h"

namespace ngforge {

/// Reverses the bytes of one value.
template <class T>
T byte_swapped(T value) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  std::reverse(bytes.begin(), bytes.end());
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

/// Reads a value of the given byte order from `p`, which needs no alignment.
template <class T, std::endian Order = std::endian::little>
T load(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return Order == std::endian::native ? value : byte_swapped(value);
}

/// Writes a value in the given byte order to `p`, which needs no alignment.
template <std::endian Order = std::endian::little, class T>
void store(void* p, T value) {
  if (Order != std::endian::native) value = byte_swapped(value);
  std::memcpy(p, &value, sizeof(T));
}

/// Walks over untrusted bytes. Every read is checked; an error says what was wanted, what is left and at which byte.
class ByteCursor {
 public:
  /// `what` names the bytes in messages and must outlive the cursor.
  ByteCursor(std::span<const std::byte> bytes, std::string_view what, std::endian order = std::endian::little)
      : bytes_(bytes), what_(what), order_(order) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  Result<void> seek(std::size_t position) {
    if (position > bytes_.size())
      return make_error(ErrorCode::invalid_data, "{}: expected byte {} to exist, found {} bytes", what_, position,
                        bytes_.size());
    position_ = position;
    return {};
  }
  Result<std::span<const std::byte>> take(std::size_t count) {
    if (count > remaining())
      return make_error(ErrorCode::invalid_data, "{}: expected {} bytes at byte {}, found {}", what_, count, position_,
                        remaining());
    auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }
  template <class T>
  Result<T> read() {
    static_assert(std::is_arithmetic_v<T>);
    auto part = take(sizeof(T));
    if (!part) return std::move(part).error();
    T value;
    std::memcpy(&value, part->data(), sizeof(T));
    return order_ == std::endian::native ? value : byte_swapped(value);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  std::size_t position_ = 0;
  std::endian order_;
};

}  // namespace ngforge
