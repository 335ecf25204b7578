// SPDX-License-Identifier: Apache-2.0
#include "mesh/differences.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mesh/differences.cpp"
#include <hwy/foreach_target.h>
// Highway asks for this order: its own header after the loop over targets.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ngforge {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void mark_differences(const std::uint32_t* a, const std::uint32_t* b, Index count, std::uint64_t* bits) {
  const hn::CappedTag<std::uint32_t, 16> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index begin = 0; begin < count; begin += 64) {
    const Index end = begin + 64 < count ? begin + 64 : count;
    std::uint64_t word = 0;
    Index i = begin;
    for (; i + lanes <= end; i += lanes) {
      std::uint8_t mask[8] = {};
      hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), mask);
      std::uint64_t part;
      std::memcpy(&part, mask, sizeof part);
      word |= part << (i - begin);
    }
    for (; i < end; ++i) word |= std::uint64_t{a[i] != b[i]} << (i - begin);
    *bits++ = word;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ngforge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ngforge {

HWY_EXPORT(mark_differences);

void mark_differences(const std::uint32_t* a, const std::uint32_t* b, Index count, std::uint64_t* bits) {
  HWY_DYNAMIC_DISPATCH(mark_differences)(a, b, count, bits);
}

}  // namespace ngforge
#endif  // HWY_ONCE
