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

#if HWY_TARGET == HWY_SCALAR  // has no shuffles

template <class T>
bool expand(const std::byte* codes, int bits, const T* labels, std::size_t count, std::byte* data, Index stride_y,
            Index stride_z) {
  const auto mask = (1u << bits) - 1;
  for (Index z = 0; z < kBlockSide; ++z)
    for (Index y = 0; y < kBlockSide; ++y, codes += bits) {
      std::uint32_t packed = 0;
      std::memcpy(&packed, codes, static_cast<std::size_t>(bits));
      for (int x = 0; x < kBlockSide; ++x) {
        const std::size_t code = packed >> (bits * x) & mask;
        if (code >= count) return false;
        std::memcpy(data + z * stride_z + y * stride_y + x * static_cast<Index>(sizeof(T)), labels + code, sizeof(T));
      }
    }
  return true;
}

#else

using Bytes8 = hn::Full128<std::uint8_t>;
using Vector = hn::Vec<Bytes8>;

// The low and the high half of each byte, one behind the other: numbers of 2 * kHalf bits become twice as many of
// kHalf.
template <int kHalf>
HWY_INLINE Vector halves(Vector packed) {
  const Bytes8 d;
  const auto mask = hn::Set(d, static_cast<std::uint8_t>((1 << kHalf) - 1));
  const auto high = hn::BitCast(d, hn::ShiftRight<kHalf>(hn::BitCast(hn::Full128<std::uint16_t>(), packed)));
  return hn::InterleaveLower(d, hn::And(packed, mask), hn::And(high, mask));
}

// Sixteen codes, a byte each. (Through a register: a vector loaded from bytes just stored would wait for them.)
template <int kBits>
HWY_INLINE Vector unpacked(const std::byte* codes) {
  const Bytes8 d;
  std::uint64_t packed_codes = 0;
  std::memcpy(&packed_codes, codes, 2 * kBits);
  const auto packed = hn::BitCast(d, hn::Set(hn::Full128<std::uint64_t>(), packed_codes));
  if constexpr (kBits == 4) return halves<4>(packed);
  if constexpr (kBits == 2) return halves<2>(halves<4>(packed));
  alignas(16) static constexpr std::uint8_t kSource[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  alignas(16) static constexpr std::uint8_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return hn::Min(hn::And(hn::TableLookupBytes(packed, hn::Load(d, kSource)), hn::Load(d, kBit)), hn::Set(d, 1));
}

// The perfect shuffle of all bytes of `parts`, seen as one row: those of the first half alternate with those of the
// second. The bits of each byte's address rotate by one.
template <std::size_t kCount>
HWY_INLINE void shuffle(Vector (&parts)[kCount]) {
  const Bytes8 d;
  Vector shuffled[kCount];
  for (std::size_t i = 0; i < kCount / 2; ++i) {
    shuffled[2 * i] = hn::InterleaveLower(d, parts[i], parts[i + kCount / 2]);
    shuffled[2 * i + 1] = hn::InterleaveUpper(d, parts[i], parts[i + kCount / 2]);
  }
  for (std::size_t i = 0; i < kCount; ++i) parts[i] = shuffled[i];
}

// Labels are looked up byte by byte, in tables of sixteen bytes, and put together again. Sixteen labels of 2^n bytes
// are 2^n vectors: 4 shuffles bring byte b of all of them together in vector b, n more bring them back.
template <int kBits, class T>
bool expand_bits(const std::byte* codes, const T* labels, std::size_t count, std::byte* data, Index stride_y,
                 Index stride_z) {
  constexpr std::size_t kVectors = sizeof(T);
  const Bytes8 d;
  Vector tables[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i)
    tables[i] = hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(labels) + 16 * i);
  for (int i = 0; i < 4; ++i) shuffle(tables);
  auto largest = hn::Zero(d);
  for (Index z = 0; z < kBlockSide; ++z)
    for (Index y = 0; y < kBlockSide; y += 2, codes += 2 * kBits) {
      const auto numbers = unpacked<kBits>(codes);
      largest = hn::Max(largest, numbers);
      Vector parts[kVectors];
      for (std::size_t b = 0; b < kVectors; ++b) parts[b] = hn::TableLookupBytes(tables[b], numbers);
      for (std::size_t i = 1; i < kVectors; i *= 2) shuffle(parts);
      auto* row = reinterpret_cast<std::uint8_t*>(data + z * stride_z + y * stride_y);
      for (std::size_t i = 0; i < kVectors / 2; ++i) {
        hn::StoreU(parts[i], d, row + 16 * i);
        hn::StoreU(parts[i + kVectors / 2], d, row + stride_y + 16 * i);
      }
    }
  return hn::AllFalse(d, hn::Gt(largest, hn::Set(d, static_cast<std::uint8_t>(count - 1))));
}

template <class T>
bool expand(const std::byte* codes, int bits, const T* labels, std::size_t count, std::byte* data, Index stride_y,
            Index stride_z) {
  switch (bits) {
    case 1: return expand_bits<1>(codes, labels, count, data, stride_y, stride_z);
    case 2: return expand_bits<2>(codes, labels, count, data, stride_y, stride_z);
    default: return expand_bits<4>(codes, labels, count, data, stride_y, stride_z);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

bool expand_uint32(const std::byte* codes, int bits, const std::uint32_t* labels, std::size_t count, std::byte* data,
                   Index stride_y, Index stride_z) {
  return expand(codes, bits, labels, count, data, stride_y, stride_z);
}
bool expand_uint64(const std::byte* codes, int bits, const std::uint64_t* labels, std::size_t count, std::byte* data,
                   Index stride_y, Index stride_z) {
  return expand(codes, bits, labels, count, data, stride_y, stride_z);
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

HWY_EXPORT(expand_uint32);
template <>
bool expand_codes(const std::byte* codes, int bits, const std::uint32_t* labels, std::size_t count, std::byte* data,
                  Index stride_y, Index stride_z) {
  return HWY_DYNAMIC_DISPATCH(expand_uint32)(codes, bits, labels, count, data, stride_y, stride_z);
}

HWY_EXPORT(expand_uint64);
template <>
bool expand_codes(const std::byte* codes, int bits, const std::uint64_t* labels, std::size_t count, std::byte* data,
                  Index stride_y, Index stride_z) {
  return HWY_DYNAMIC_DISPATCH(expand_uint64)(codes, bits, labels, count, data, stride_y, stride_z);
}

}  // namespace ngforge
#endif  // HWY_ONCE
