// SPDX-License-Identifier: Apache-2.0
// Minimum, maximum and median. All go through a cell in x, y, z order and let the first of equal values stand, so that
// +0.0 and -0.0 come out alike whatever the shape of the blocks.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "pyramid/cell_rows.h"

namespace ngforge {
namespace {

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
  return false;
}

/// For each cell the first value that no other one `beats`; NaN only where there is nothing else.
template <class T, class Beats>
void best_of_cells(const CellRow<T>& cells, const Beats& beats) {
  const T* const first = cells.rows.front();
  for (Index c = 0; c < cells.count; ++c) cells.out[c] = first[c * cells.factor_x];
  for (const T* row : cells.rows) {
    for (Index dx = row == first ? 1 : 0; dx < cells.factor_x; ++dx) {
      for (Index c = 0; c < cells.count; ++c) {
        const T value = row[c * cells.factor_x + dx], best = cells.out[c];
        cells.out[c] = beats(value, best) || (is_nan(best) && !is_nan(value)) ? value : best;
      }
    }
  }
}

}  // namespace

template <class T>
void min_cells(const CellRow<T>& cells) {
  best_of_cells(cells, [](T value, T best) { return value < best; });
}

template <class T>
void max_cells(const CellRow<T>& cells) {
  best_of_cells(cells, [](T value, T best) { return value > best; });
}

template <class T>
void median_cells(const CellRow<T>& cells) {
  std::vector<T> values;
  for (Index c = 0; c < cells.count; ++c) {
    values.clear();
    for (const T* row : cells.rows)
      for (Index x = c * cells.factor_x; x < (c + 1) * cells.factor_x; ++x)
        if (!is_nan(row[x])) values.push_back(row[x]);
    if (values.empty()) {
      cells.out[c] = std::numeric_limits<T>::quiet_NaN();
      continue;
    }
    // Sorted stably, because nth_element may take any of equal values. Cells are small.
    for (auto at = values.begin(); at != values.end(); ++at)
      std::rotate(std::upper_bound(values.begin(), at, *at), at, at + 1);
    cells.out[c] = values[(values.size() - 1) / 2];
  }
}

#define NGFORGE_TYPE(name, cpp_type)                       \
  template void min_cells(const CellRow<cpp_type>& cells); \
  template void max_cells(const CellRow<cpp_type>& cells); \
  template void median_cells(const CellRow<cpp_type>& cells);
#include "ngforge/types.def"
#undef NGFORGE_TYPE

}  // namespace ngforge
