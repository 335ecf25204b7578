// SPDX-License-Identifier: Apache-2.0
#include "core/byte_order.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ngforge {
namespace {

template <class T>
void swap_numbers(std::span<std::byte> bytes) {
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    std::memcpy(bytes.data() + i, &value, sizeof(T));
  }
}

}  // namespace

void swap_numbers(std::span<std::byte> bytes, std::size_t number_bytes) {
  switch (number_bytes) {
    case 1: return;
    case 2: return swap_numbers<std::uint16_t>(bytes);
    case 4: return swap_numbers<std::uint32_t>(bytes);
    case 8: return swap_numbers<std::uint64_t>(bytes);
    default:
      for (std::size_t i = 0; i + number_bytes <= bytes.size(); i += number_bytes)
        std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                     bytes.begin() + static_cast<std::ptrdiff_t>(i + number_bytes));
  }
}

}  // namespace ngforge
