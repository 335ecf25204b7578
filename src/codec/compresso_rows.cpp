// SPDX-License-Identifier: Apache-2.0
#include "codec/compresso_rows.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/compresso_rows.cpp"
#include <hwy/foreach_target.h>
// Highway asks for this order: its own header after the loop over targets.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ngforge {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Which of 64 values equal their neighbours.
template <bool kHasBelow, class T>
HWY_INLINE std::uint64_t equal_bits(const T* row, const T* below) {
  const hn::CappedTag<T, 64> d;
  const std::size_t lanes = hn::Lanes(d);
  std::uint64_t equal = 0;
  for (std::size_t x = 0; x < 64; x += lanes) {
    const auto values = hn::LoadU(d, row + x);
    auto same = hn::Eq(values, hn::LoadU(d, row + x + 1));
    if constexpr (kHasBelow) same = hn::And(same, hn::Eq(values, hn::LoadU(d, below + x)));
    std::uint8_t part[8] = {};  // Highway may write all eight
    hn::StoreMaskBits(d, same, part);
    // A load as wide as the store: it need not wait for it.
    std::uint64_t bits = part[0];
    if (lanes > 8) std::memcpy(&bits, part, lanes / 8);
    equal |= bits << x;
  }
  return equal;
}

template <class T>
void find(const T* row, const T* below, Index count, std::uint64_t* bits) {
  const Index last = count - 1;
  for (Index x = 0; x < count; x += 64)
    bits[x / 64] = ~(below == nullptr ? equal_bits<false>(row + x, below) : equal_bits<true>(row + x, below + x));
  // What follows the last value is no neighbour.
  const std::uint64_t last_bit = std::uint64_t{1} << (last % 64);
  std::uint64_t& last_word = bits[last / 64];
  last_word &= last_bit - 1;
  if (below != nullptr && row[last] != below[last]) last_word |= last_bit;
}

void find_uint8(const std::uint8_t* row, const std::uint8_t* below, Index count, std::uint64_t* bits) {
  find(row, below, count, bits);
}
void find_uint16(const std::uint16_t* row, const std::uint16_t* below, Index count, std::uint64_t* bits) {
  find(row, below, count, bits);
}
void find_uint32(const std::uint32_t* row, const std::uint32_t* below, Index count, std::uint64_t* bits) {
  find(row, below, count, bits);
}
void find_uint64(const std::uint64_t* row, const std::uint64_t* below, Index count, std::uint64_t* bits) {
  find(row, below, count, bits);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ngforge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ngforge {

HWY_EXPORT(find_uint8);
template <>
void find_boundaries(const std::uint8_t* row, const std::uint8_t* below, Index count, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(find_uint8)(row, below, count, bits);
}

HWY_EXPORT(find_uint16);
template <>
void find_boundaries(const std::uint16_t* row, const std::uint16_t* below, Index count, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(find_uint16)(row, below, count, bits);
}

HWY_EXPORT(find_uint32);
template <>
void find_boundaries(const std::uint32_t* row, const std::uint32_t* below, Index count, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(find_uint32)(row, below, count, bits);
}

HWY_EXPORT(find_uint64);
template <>
void find_boundaries(const std::uint64_t* row, const std::uint64_t* below, Index count, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(find_uint64)(row, below, count, bits);
}

}  // namespace ngforge
#endif  // HWY_ONCE
