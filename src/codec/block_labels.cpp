// SPDX-License-Identifier: Apache-2.0
#include "codec/block_labels.h"

#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/block_labels.cpp"
#include <hwy/foreach_target.h>
// Highway asks for this order: its own header after the loop over targets.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ngforge {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Which of the eight labels of a row are `wanted`, as bits.
template <class T>
HWY_INLINE std::uint64_t row_bits(const std::byte* row, T wanted) {
  const hn::CappedTag<T, kBlockSide> d;
  const auto target = hn::Set(d, wanted);
  std::uint64_t bits = 0;
  for (std::size_t x = 0; x < kBlockSide; x += hn::Lanes(d)) {
    std::uint8_t part[8] = {};  // Highway may write all eight
    hn::StoreMaskBits(d, hn::Eq(hn::LoadU(d, reinterpret_cast<const T*>(row) + x), target), part);
    bits |= std::uint64_t{part[0]} << x;
  }
  return bits;
}

template <class T>
bool find(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<T>& found) {
  VoxelSet covered{};
  for (int k = 0; k < kMostLabels; ++k) {
    Index z = 0;
    while (z < kBlockSide && covered[static_cast<std::size_t>(z)] == ~std::uint64_t{0}) ++z;
    if (z == kBlockSide) {
      found.count = k;
      return true;
    }
    const Index first = std::countr_one(covered[static_cast<std::size_t>(z)]);
    T label;
    std::memcpy(&label, data + z * stride_z + first / 8 * stride_y + first % 8 * static_cast<Index>(sizeof(T)),
                sizeof(T));
    found.labels[k] = label;
    VoxelSet& voxels = found.voxels[k];
    voxels = {};
    // The label is not in the planes before.
    for (; z < kBlockSide; ++z) {
      const std::byte* plane = data + z * stride_z;
      std::uint64_t bits = 0;
      for (Index y = 0; y < kBlockSide; ++y) bits |= row_bits(plane + y * stride_y, label) << (8 * y);
      voxels[static_cast<std::size_t>(z)] = bits;
      covered[static_cast<std::size_t>(z)] |= bits;
    }
  }
  found.count = kMostLabels;
  for (const std::uint64_t bits : covered)
    if (bits != ~std::uint64_t{0}) return false;
  return true;
}

bool find_uint32(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<std::uint32_t>& found) {
  return find(data, stride_y, stride_z, found);
}
bool find_uint64(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<std::uint64_t>& found) {
  return find(data, stride_y, stride_z, found);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ngforge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ngforge {

HWY_EXPORT(find_uint32);
template <>
bool find_labels(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<std::uint32_t>& found) {
  return HWY_DYNAMIC_DISPATCH(find_uint32)(data, stride_y, stride_z, found);
}

HWY_EXPORT(find_uint64);
template <>
bool find_labels(const std::byte* data, Index stride_y, Index stride_z, BlockLabels<std::uint64_t>& found) {
  return HWY_DYNAMIC_DISPATCH(find_uint64)(data, stride_y, stride_z, found);
}

}  // namespace ngforge
#endif  // HWY_ONCE
