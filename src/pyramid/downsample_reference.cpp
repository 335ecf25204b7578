// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/byte_cursor.h"
#include "pyramid/cell.h"
#include "pyramid/downsample.h"

namespace ngforge {
namespace {

/// The voxels of one cell in x, y, z order; `padding` stands for those that do not exist, if given.
template <class T>
std::vector<T> cell_values(const BlockView& fine, const Box& cell, const Box& fine_bounds, Index channel,
                           const T* padding) {
  std::vector<T> values;
  for (Index z = cell.begin.z; z < cell.end.z; ++z) {
    for (Index y = cell.begin.y; y < cell.end.y; ++y) {
      for (Index x = cell.begin.x; x < cell.end.x; ++x) {
        if (fine_bounds.contains(VoxelVec{x, y, z})) {
          values.push_back(load<T>(fine.row(y, z, channel) + (x - fine.box.begin.x) * static_cast<Index>(sizeof(T))));
        } else if (padding != nullptr) {
          values.push_back(*padding);
        }
      }
    }
  }
  return values;
}

template <class T>
T average_of(const std::vector<T>& values) {
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    int count = 0;
    for (const T value : values) {
      if (std::isnan(value)) continue;
      sum += static_cast<double>(value);
      ++count;
    }
    return count == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(sum / count);
  } else {
    Int128 sum = 0;
    for (const T value : values) sum += value;
    return static_cast<T>(divide_half_even(sum, static_cast<Int128>(values.size())));
  }
}

template <class T>
T majority_of(const std::vector<T>& values) {
  T best = values.front();
  std::size_t best_votes = 0;
  for (const T candidate : values) {
    std::size_t votes = 0;
    for (const T value : values) votes += value == candidate ? 1 : 0;  // NaN equals nothing, so it gets no vote
    if (votes > best_votes || (votes == best_votes && candidate < best)) {
      best = candidate;
      best_votes = votes;
    }
  }
  return best;
}

/// The value at `place(count)` among those that are not NaN, sorted by `order`.
template <class T, class Place, class Order>
T ordered_of(const std::vector<T>& values, Place place, Order order) {
  std::vector<T> numbers;
  for (const T value : values)
    if (value == value) numbers.push_back(value);
  if (numbers.empty()) return std::numeric_limits<T>::quiet_NaN();
  std::stable_sort(numbers.begin(), numbers.end(), order);
  return numbers[place(numbers.size())];
}

template <class T>
T reduce_cell(const BlockView& fine, const Box& cell, const Box& fine_bounds, Index channel, Downsampling method,
              const Outside& outside) {
  const T padding = nearest_value<T>(outside.value);
  const bool pads = method == Downsampling::average && !outside.is_edge;
  const auto values = cell_values<T>(fine, cell, fine_bounds, channel, pads ? &padding : nullptr);
  switch (method) {
    case Downsampling::average: return average_of(values);
    case Downsampling::majority: return majority_of(values);
    case Downsampling::stride: return values.front();
    case Downsampling::min: return ordered_of(values, [](std::size_t) -> std::size_t { return 0; }, std::less<T>());
    case Downsampling::max: return ordered_of(values, [](std::size_t) -> std::size_t { return 0; }, std::greater<T>());
    case Downsampling::median: return ordered_of(values, [](std::size_t n) { return (n - 1) / 2; }, std::less<T>());
  }
  __builtin_unreachable();
}

}  // namespace

void downsample_reference(const BlockView& fine, const Box& fine_bounds, const Factor& factor, Downsampling method,
                          const Outside& outside, const MutableBlockView& coarse) {
  const VoxelVec f{factor[0], factor[1], factor[2]};
  visit_type(coarse.type, [&](auto zero) {
    using T = decltype(zero);
    for (Index channel = 0; channel < coarse.channels; ++channel) {
      for (Index z = coarse.box.begin.z; z < coarse.box.end.z; ++z) {
        for (Index y = coarse.box.begin.y; y < coarse.box.end.y; ++y) {
          for (Index x = coarse.box.begin.x; x < coarse.box.end.x; ++x) {
            const VoxelVec begin{x * f.x, y * f.y, z * f.z};
            const T value = reduce_cell<T>(fine, {begin, begin + f}, fine_bounds, channel, method, outside);
            store(coarse.row(y, z, channel) + (x - coarse.box.begin.x) * static_cast<Index>(sizeof(T)), value);
          }
        }
      }
    }
  });
}

}  // namespace ngforge
