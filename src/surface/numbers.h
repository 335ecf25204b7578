// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "core/byte_cursor.h"
#include "ngforge/types.h"

namespace ngforge {

/// The numbers in `bytes`, whole ones of `type` in the given byte order, as T. Memory: in proportion to the bytes.
template <class T>
std::vector<T> numbers_as(std::span<const std::byte> bytes, DataType type, std::endian order) {
  std::vector<T> out(bytes.size() / size_of(type));
  visit_type(type, [&](auto zero) {
    using Stored = decltype(zero);
    for (std::size_t i = 0; i < out.size(); ++i) {
      Stored value;
      std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      if (order != std::endian::native) value = byte_swapped(value);
      out[i] = static_cast<T>(value);
    }
  });
  return out;
}

}  // namespace ngforge
