// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "ngforge/types.h"

namespace ngforge {

/// Whole cells that lie side by side along x. Cell c covers the values [c * factor_x, (c + 1) * factor_x) of every row;
/// rows are in y, z order (y fastest). Nothing overlaps `out`.
template <class T>
struct CellRow {
  std::span<const T* const> rows;
  Index factor_x = 1;
  Index count = 0;
  T* out = nullptr;
};

/// One value per cell, as downsample() defines it. Pure.
template <class T>
void average_cells(const CellRow<T>& cells);
template <class T>
void majority_cells(const CellRow<T>& cells);

template <class T>
void min_cells(const CellRow<T>& cells);
template <class T>
void max_cells(const CellRow<T>& cells);
template <class T>
void median_cells(const CellRow<T>& cells);

/// The first two without SIMD.
template <class T>
void plain_average_cells(const CellRow<T>& cells);
template <class T>
void plain_majority_cells(const CellRow<T>& cells);

}  // namespace ngforge
