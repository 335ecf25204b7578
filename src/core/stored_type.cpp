// SPDX-License-Identifier: Apache-2.0
#include "core/stored_type.h"

#include <iterator>

namespace ngforge {
namespace {

struct Row {
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr Row kRows[] = {
    {"bool", 1},      {"uint8", 1},     {"int8", 1},        {"uint16", 2},      {"int16", 2},   {"uint32", 4},
    {"int32", 4},     {"uint64", 8},    {"int64", 8},       {"float16", 2},     {"float32", 4}, {"float64", 8},
    {"float128", 16}, {"complex64", 8}, {"complex128", 16}, {"complex256", 32},
};
static_assert(std::size(kRows) == static_cast<std::size_t>(StoredType::complex256) + 1);

const Row& row(StoredType type) {
  return kRows[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view name_of(StoredType type) {
  return row(type).name;
}

std::size_t size_of(StoredType type) {
  return row(type).bytes;
}

std::optional<DataType> same_data_type(StoredType type) {
  return parse_data_type(name_of(type));
}

StoredType stored_type_of(DataType type) {
  switch (type) {
#define NGFORGE_TYPE(name, cpp_type) \
  case DataType::name: return StoredType::name;
#include "ngforge/types.def"
#undef NGFORGE_TYPE
  }
  __builtin_unreachable();
}

}  // namespace ngforge
