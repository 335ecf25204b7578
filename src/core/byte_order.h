// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace ngforge {

/// Turns the bytes of every number around, in place. `bytes` holds whole numbers.
void swap_numbers(std::span<std::byte> bytes, std::size_t number_bytes);

}  // namespace ngforge
