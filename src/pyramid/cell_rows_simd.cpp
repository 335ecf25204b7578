// SPDX-License-Identifier: Apache-2.0
#include "pyramid/cell_rows_simd.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "pyramid/cell_rows_simd.cpp"
#include <hwy/foreach_target.h>
// Highway asks for this order: its own header after the loop over targets.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#define NGFORGE_AVERAGED_TYPES(MACRO) \
  MACRO(uint8, std::uint8_t)          \
  MACRO(int8, std::int8_t)            \
  MACRO(uint16, std::uint16_t)        \
  MACRO(int16, std::int16_t)          \
  MACRO(uint32, std::uint32_t)        \
  MACRO(int32, std::int32_t)          \
  MACRO(float32, float)               \
  MACRO(float64, double)

#define NGFORGE_VOTING_TYPES(MACRO) \
  MACRO(uint8, std::uint8_t)        \
  MACRO(int8, std::int8_t)          \
  MACRO(uint16, std::uint16_t)      \
  MACRO(int16, std::int16_t)        \
  MACRO(uint32, std::uint32_t)      \
  MACRO(int32, std::int32_t)        \
  MACRO(uint64, std::uint64_t)      \
  MACRO(int64, std::int64_t)

HWY_BEFORE_NAMESPACE();
namespace ngforge {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR  // has no shuffles

#define NGFORGE_AVERAGE(name, type)                 \
  void average_##name(const CellRow<type>& cells) { \
    plain_average_cells(cells);                     \
  }
NGFORGE_AVERAGED_TYPES(NGFORGE_AVERAGE)
#undef NGFORGE_AVERAGE

#define NGFORGE_MAJORITY(name, type)                 \
  void majority_##name(const CellRow<type>& cells) { \
    plain_majority_cells(cells);                     \
  }
NGFORGE_VOTING_TYPES(NGFORGE_MAJORITY)
#undef NGFORGE_MAJORITY

#else

namespace hn = hwy::HWY_NAMESPACE;

// Cells take turns in rows that lie planes apart, and the processor's own prefetching ends with each page. A page ahead
// is the rows after the next in a volume and the next plane in a chunk: twice as fast on volumes, no loss on chunks.
constexpr std::uintptr_t kPrefetchBytes = 4096;

/// Asks for the memory of a vector that comes later. The address need not exist.
template <class T>
void prefetch_ahead(const T* values, Index count) {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(values) + kPrefetchBytes;
  for (std::uintptr_t line = 0; line < static_cast<std::uintptr_t>(count) * sizeof(T); line += 64)
    hwy::Prefetch(reinterpret_cast<const T*>(begin + line));
}

/// Applies `Kernel::step(d, rows, out)`, which makes Lanes(d) cells, to all cells of a row.
template <class Kernel, class D, class T = hn::TFromD<D>>
void for_each_vector(D d, const T* const* rows, Index count, T* out) {
  constexpr int kRows = Kernel::kRows;
  constexpr int kX = Kernel::kX;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const T* at[kRows];
  if (count >= lanes) {
    for (Index done = 0; done < count;) {
      // The last vector ends with the row: it overlaps the one before rather than leaving a rest.
      const Index c = done + lanes <= count ? done : count - lanes;
      for (int r = 0; r < kRows; ++r) {
        at[r] = rows[r] + c * kX;
        prefetch_ahead(at[r], lanes * kX);
      }
      Kernel::step(d, at, out + c);
      done = c + lanes;
    }
  } else if constexpr (hn::MaxLanes(D()) * sizeof(T) > 16) {
    for_each_vector<Kernel>(hn::Half<D>(), rows, count, out);
  } else {
    constexpr std::size_t kLanes = hn::MaxLanes(D());
    T in[kRows][kLanes * kX] = {};
    T result[kLanes];
    for (int r = 0; r < kRows; ++r) {
      std::memcpy(in[r], rows[r], static_cast<std::size_t>(count * kX) * sizeof(T));
      at[r] = in[r];
    }
    Kernel::step(d, at, result);
    std::memcpy(out, result, static_cast<std::size_t>(count) * sizeof(T));
  }
}

/// log2 of the voxels in a cell.
template <class Kernel>
constexpr int shift_of() {
  constexpr int kVoxels = Kernel::kRows * Kernel::kX;
  static_assert(kVoxels == 2 || kVoxels == 4 || kVoxels == 8);
  return kVoxels == 2 ? 1 : kVoxels == 4 ? 2 : 3;
}

/// Integers: sums in lanes of twice the width, even and odd values apart.
template <int kRowCount, int kWidth>
struct IntegerAverage {
  static constexpr int kRows = kRowCount, kX = kWidth;

  template <class V>
  static V divide_half_even(V sum) {
    constexpr int kShift = shift_of<IntegerAverage>();
    const hn::DFromV<V> d;
    const V odd = hn::And(hn::ShiftRight<kShift>(sum), hn::Set(d, 1));
    const V bias = hn::Set(d, (1 << (kShift - 1)) - 1);
    return hn::ShiftRight<kShift>(hn::Add(sum, hn::Add(bias, odd)));
  }

  template <class D, class T>
  static void step(D d, const T* const* rows, T* out) {
    const hn::RepartitionToWide<D> wide;
    using W = hn::Vec<decltype(wide)>;
    constexpr int kBits = 8 * sizeof(T);
    const auto even = [&](W v) { return hn::ShiftRight<kBits>(hn::ShiftLeft<kBits>(v)); };
    const auto odd = [&](W v) { return hn::ShiftRight<kBits>(v); };
    const Index lanes = static_cast<Index>(hn::Lanes(d));
    if constexpr (kX == 2) {
      W low = hn::Zero(wide), high = hn::Zero(wide);
      for (int r = 0; r < kRows; ++r) {
        const W first = hn::BitCast(wide, hn::LoadU(d, rows[r]));
        const W second = hn::BitCast(wide, hn::LoadU(d, rows[r] + lanes));
        low = hn::Add(low, hn::Add(even(first), odd(first)));
        high = hn::Add(high, hn::Add(even(second), odd(second)));
      }
      // The means fill the even narrow lanes.
      hn::StoreU(hn::ConcatEven(d, hn::BitCast(d, divide_half_even(high)), hn::BitCast(d, divide_half_even(low))), d,
                 out);
    } else {
      W evens = hn::Zero(wide), odds = hn::Zero(wide);
      for (int r = 0; r < kRows; ++r) {
        const W values = hn::BitCast(wide, hn::LoadU(d, rows[r]));
        evens = hn::Add(evens, even(values));
        odds = hn::Add(odds, odd(values));
      }
      const auto means = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<kBits>(divide_half_even(odds))),
                                     hn::BitCast(d, divide_half_even(evens)));
      hn::StoreU(means, d, out);
    }
  }
};

/// Floats: double sums of what is not NaN, in x, y, z order.
template <int kRowCount, int kWidth>
struct FloatAverage {
  static constexpr int kRows = kRowCount, kX = kWidth;

  template <class V>
  struct Mean {
    V sum, count;
    void add(V values) {
      const hn::DFromV<V> d;
      const auto is_number = hn::Eq(values, values);
      sum = hn::Add(sum, hn::IfThenElseZero(is_number, values));
      count = hn::Add(count, hn::IfThenElseZero(is_number, hn::Set(d, 1)));
    }
    V value() const {
      const hn::DFromV<V> d;
      // Not 0 / 0, whose sign bit depends on the machine.
      const V nan = hn::Set(d, std::numeric_limits<hn::TFromV<V>>::quiet_NaN());
      return hn::IfThenElse(hn::Eq(count, hn::Zero(d)), nan, hn::Div(sum, count));
    }
  };

  template <class D>
  static void step(D d, const double* const* rows, double* out) {
    using V = hn::Vec<D>;
    Mean<V> mean{hn::Zero(d), hn::Zero(d)};
    for (int r = 0; r < kRows; ++r) {
      if constexpr (kX == 2) {
        V even, odd;
        hn::LoadInterleaved2(d, rows[r], even, odd);
        mean.add(even);
        mean.add(odd);
      } else {
        mean.add(hn::LoadU(d, rows[r]));
      }
    }
    hn::StoreU(mean.value(), d, out);
  }

  template <class D>
  static void step(D d, const float* const* rows, float* out) {
    const hn::Half<D> half;
    const hn::Rebind<double, decltype(half)> wide;
    using W = hn::Vec<decltype(wide)>;
    Mean<W> low{hn::Zero(wide), hn::Zero(wide)}, high = low;
    const auto add = [&](hn::Vec<D> values) {
      low.add(hn::PromoteTo(wide, hn::LowerHalf(half, values)));
      high.add(hn::PromoteTo(wide, hn::UpperHalf(half, values)));
    };
    for (int r = 0; r < kRows; ++r) {
      if constexpr (kX == 2) {
        hn::Vec<D> even, odd;
        hn::LoadInterleaved2(d, rows[r], even, odd);
        add(even);
        add(odd);
      } else {
        add(hn::LoadU(d, rows[r]));
      }
    }
    hn::StoreU(hn::Combine(d, hn::DemoteTo(half, high.value()), hn::DemoteTo(half, low.value())), d, out);
  }
};

/// Most cells of a segmentation hold one label: rows that agree are recognised before anything is counted. Else each
/// voxel of a cell gets one vote from every equal voxel.
template <int kRowCount, int kWidth>
struct Majority {
  static constexpr int kRows = kRowCount, kX = kWidth;
  static constexpr int kVoxels = kRows * kX;

  template <class D, class T>
  static void step(D d, const T* const* rows, T* out) {
    using V = hn::Vec<D>;
    const Index lanes = static_cast<Index>(hn::Lanes(d));
    V raw[kVoxels];
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < kX; ++i) raw[r * kX + i] = hn::LoadU(d, rows[r] + i * lanes);
    }
    const V first = kX == 2 ? hn::ConcatEven(d, raw[kX - 1], raw[0]) : raw[0];
    const V second = kX == 2 ? hn::ConcatOdd(d, raw[kX - 1], raw[0]) : raw[0];
    V difference = hn::Xor(first, second);
    for (int i = kX; i < kVoxels; ++i) difference = hn::Or(difference, hn::Xor(raw[i], raw[i % kX]));
    if (hn::AllTrue(d, hn::Eq(difference, hn::Zero(d)))) {
      hn::StoreU(first, d, out);
      return;
    }
    V voxels[kVoxels];
    voxels[0] = first;
    if constexpr (kX == 2) voxels[1] = second;
    for (int i = kX; i < kVoxels; i += kX) {
      voxels[i] = kX == 2 ? hn::ConcatEven(d, raw[i + kX - 1], raw[i]) : raw[i];
      if constexpr (kX == 2) voxels[i + 1] = hn::ConcatOdd(d, raw[i + 1], raw[i]);
    }
    hn::StoreU(most_frequent(d, voxels), d, out);
  }

  template <class D, class V = hn::Vec<D>>
  static V most_frequent(D d, const V* voxels) {
    if constexpr (kVoxels == 2) return hn::Min(voxels[0], voxels[1]);  // equal, or a tie
    const hn::RebindToSigned<D> ds;
    using S = hn::Vec<decltype(ds)>;
    // A mask is -1 in every lane that is equal: votes count downwards.
    S votes[kVoxels];
    for (S& v : votes) v = hn::Zero(ds);
    for (int i = 0; i < kVoxels; ++i) {
      for (int j = i + 1; j < kVoxels; ++j) {
        const S equal = hn::BitCast(ds, hn::VecFromMask(d, hn::Eq(voxels[i], voxels[j])));
        votes[i] = hn::Add(votes[i], equal);
        votes[j] = hn::Add(votes[j], equal);
      }
    }
    V best = voxels[0];
    S best_votes = votes[0];
    for (int i = 1; i < kVoxels; ++i) {
      const V more = hn::BitCast(d, hn::VecFromMask(ds, hn::Lt(votes[i], best_votes)));
      const V as_many = hn::BitCast(d, hn::VecFromMask(ds, hn::Eq(votes[i], best_votes)));
      best = hn::IfVecThenElse(as_many, hn::Min(best, voxels[i]), best);
      best = hn::IfVecThenElse(more, voxels[i], best);
      best_votes = hn::Min(best_votes, votes[i]);
    }
    return best;
  }
};

template <template <int, int> class Kernel, class T>
void reduce_row(const CellRow<T>& cells) {
  const hn::ScalableTag<T> d;
  const T* const* rows = cells.rows.data();
  switch (static_cast<Index>(cells.rows.size()) * 2 + cells.factor_x - 1) {
    case 1 * 2 + 1: return for_each_vector<Kernel<1, 2>>(d, rows, cells.count, cells.out);
    case 2 * 2 + 0: return for_each_vector<Kernel<2, 1>>(d, rows, cells.count, cells.out);
    case 2 * 2 + 1: return for_each_vector<Kernel<2, 2>>(d, rows, cells.count, cells.out);
    case 4 * 2 + 0: return for_each_vector<Kernel<4, 1>>(d, rows, cells.count, cells.out);
    case 4 * 2 + 1: return for_each_vector<Kernel<4, 2>>(d, rows, cells.count, cells.out);
    default: break;
  }
  // Cells of one voxel. The mean of a float is not always itself: 0.0 + -0.0 is 0.0.
  if constexpr (std::is_floating_point_v<T>) {
    for_each_vector<Kernel<1, 1>>(d, rows, cells.count, cells.out);
  } else {
    std::memcpy(cells.out, rows[0], static_cast<std::size_t>(cells.count) * sizeof(T));
  }
}

#define NGFORGE_AVERAGE(name, type)                 \
  void average_##name(const CellRow<type>& cells) { \
    if constexpr (std::is_floating_point_v<type>)   \
      reduce_row<FloatAverage>(cells);              \
    else                                            \
      reduce_row<IntegerAverage>(cells);            \
  }
NGFORGE_AVERAGED_TYPES(NGFORGE_AVERAGE)
#undef NGFORGE_AVERAGE

#define NGFORGE_MAJORITY(name, type)                 \
  void majority_##name(const CellRow<type>& cells) { \
    reduce_row<Majority>(cells);                     \
  }
NGFORGE_VOTING_TYPES(NGFORGE_MAJORITY)
#undef NGFORGE_MAJORITY

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ngforge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ngforge {

#define NGFORGE_AVERAGE(name, type)                 \
  HWY_EXPORT(average_##name);                       \
  template <>                                       \
  void average_halves(const CellRow<type>& cells) { \
    HWY_DYNAMIC_DISPATCH(average_##name)(cells);    \
  }
NGFORGE_AVERAGED_TYPES(NGFORGE_AVERAGE)

#define NGFORGE_MAJORITY(name, type)                    \
  HWY_EXPORT(majority_##name);                          \
  template <>                                           \
  void majority_of_halves(const CellRow<type>& cells) { \
    HWY_DYNAMIC_DISPATCH(majority_##name)(cells);       \
  }
NGFORGE_VOTING_TYPES(NGFORGE_MAJORITY)

}  // namespace ngforge
#endif  // HWY_ONCE
