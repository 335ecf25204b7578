// SPDX-License-Identifier: Apache-2.0
#include "pyramid/cell_rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "pyramid/cell.h"
#include "pyramid/cell_rows_simd.h"

namespace ngforge {
namespace {

/// The most frequent of `values`, which are sorted on the way; ties to the smallest.
template <class T>
T most_frequent(std::span<T> values) {
  if constexpr (std::is_floating_point_v<T>) {
    values =
        values.first(std::remove_if(values.begin(), values.end(), [](T v) { return std::isnan(v); }) - values.begin());
    if (values.empty()) return std::numeric_limits<T>::quiet_NaN();
  }
  if (std::all_of(values.begin() + 1, values.end(), [&](T v) { return v == values.front(); })) return values.front();
  if constexpr (std::is_floating_point_v<T>) {
    // Stable, so that of +0.0 and -0.0 the first met stands for both.
    std::stable_sort(values.begin(), values.end());
  } else {
    std::sort(values.begin(), values.end());
  }
  T best = values.front();
  std::size_t best_votes = 0;
  for (std::size_t begin = 0; begin < values.size();) {
    std::size_t end = begin + 1;
    while (end < values.size() && values[end] == values[begin]) ++end;
    if (end - begin > best_votes) {
      best = values[begin];
      best_votes = end - begin;
    }
    begin = end;
  }
  return best;
}

template <class T>
T average_cell(const CellRow<T>& cells, Index x) {
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    Index count = 0;
    for (const T* row : cells.rows) {
      for (Index i = x; i < x + cells.factor_x; ++i) {
        if (std::isnan(row[i])) continue;
        sum += static_cast<double>(row[i]);
        ++count;
      }
    }
    return count == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(sum / static_cast<double>(count));
  } else {
    using Sum = std::conditional_t<sizeof(T) == 8, Int128, std::int64_t>;
    Sum sum = 0;
    for (const T* row : cells.rows) {
      for (Index i = x; i < x + cells.factor_x; ++i) sum += row[i];
    }
    const auto count = cells.rows.size() * static_cast<std::size_t>(cells.factor_x);
    return static_cast<T>(std::has_single_bit(count) ? shift_half_even(sum, std::countr_zero(count))
                                                     : divide_half_even(sum, static_cast<Sum>(count)));
  }
}

template <class T>
bool is_halving(const CellRow<T>& cells) {
  const std::size_t rows = cells.rows.size();
  return cells.factor_x <= 2 && (rows == 1 || rows == 2 || rows == 4);
}

}  // namespace

template <class T>
void plain_average_cells(const CellRow<T>& cells) {
  for (Index c = 0; c < cells.count; ++c) cells.out[c] = average_cell(cells, c * cells.factor_x);
}

template <class T>
void plain_majority_cells(const CellRow<T>& cells) {
  std::vector<T> values;
  for (Index c = 0; c < cells.count; ++c) {
    values.clear();
    for (const T* row : cells.rows)
      values.insert(values.end(), row + c * cells.factor_x, row + (c + 1) * cells.factor_x);
    cells.out[c] = most_frequent(std::span<T>(values));
  }
}

template <class T>
void average_cells(const CellRow<T>& cells) {
  if constexpr (sizeof(T) < 8 || std::is_floating_point_v<T>) {
    if (is_halving(cells)) return average_halves(cells);
  }
  plain_average_cells(cells);
}

template <class T>
void majority_cells(const CellRow<T>& cells) {
  if constexpr (std::is_integral_v<T>) {
    if (is_halving(cells)) return majority_of_halves(cells);
  }
  plain_majority_cells(cells);
}

#define NGFORGE_TYPE(name, cpp_type)                                  \
  template void plain_average_cells(const CellRow<cpp_type>& cells);  \
  template void plain_majority_cells(const CellRow<cpp_type>& cells); \
  template void average_cells(const CellRow<cpp_type>& cells);        \
  template void majority_cells(const CellRow<cpp_type>& cells);
#include "ngforge/types.def"
#undef NGFORGE_TYPE

}  // namespace ngforge
