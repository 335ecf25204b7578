// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pyramid/cell_rows.h"

namespace ngforge {

// Kernels for halving: factor_x of 1 or 2; 1, 2 or 4 rows. Each picks the best instruction set of the machine when
// called. The result is the same for all of them, to the bit.

/// uint8, int8, uint16, int16, uint32, int32, float32, float64.
template <class T>
void average_halves(const CellRow<T>& cells);
/// All integer types.
template <class T>
void majority_of_halves(const CellRow<T>& cells);

}  // namespace ngforge
