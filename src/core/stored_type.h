// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "ngforge/types.h"

namespace ngforge {

/// The type of the values in a file, before anything is made of them. The names are NumPy's.
enum class StoredType : std::uint8_t {
  boolean,  // one byte a value
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  uint64,
  int64,
  float16,
  float32,
  float64,
  float128,  // float128: 16 bytes, x86 extended precision in the first 10
  complex64,
  complex128,
  complex256,  // pairs (real, imaginary) of float32, float64, float128
};
std::string_view name_of(StoredType type);
/// Bytes of one value: 1 to 32.
std::size_t size_of(StoredType type);
/// The memory type of the same name, if there is one.
std::optional<DataType> same_data_type(StoredType type);
StoredType stored_type_of(DataType type);

}  // namespace ngforge
