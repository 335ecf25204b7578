// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "ngforge/types.h"

namespace ngforge {

/// Bit i of `bits` (64 to a word, the lowest first) tells whether a[i] and b[i] differ, for i < count; the rest of the
/// last word is 0. Uses the best instruction set of the machine.
void mark_differences(const std::uint32_t* a, const std::uint32_t* b, Index count, std::uint64_t* bits);

}  // namespace ngforge
