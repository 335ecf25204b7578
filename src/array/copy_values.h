// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "array/array_metadata.h"
#include "core/stored_type.h"

namespace ngforge {

/// Copies a box of values between two layouts; strides are in bytes, one for each axis of `shape`. With `swaps` the
/// bytes of every number are reversed (of both numbers of a complex value).
void copy_values(StoredType type, const Extents& shape, const std::byte* from, const Extents& from_strides,
                 std::byte* to, const Extents& to_strides, bool swaps);
/// Sets all values of a box to `value`, the bytes of one of them.
void fill_values(StoredType type, const Extents& shape, std::span<const std::byte> value, std::byte* to,
                 const Extents& to_strides);
/// Bytes between neighbours along each axis when the last axis is the fastest.
Extents dense_strides(const Extents& shape, StoredType type);

}  // namespace ngforge
