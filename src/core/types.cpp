// SPDX-License-Identifier: Apache-2.0
#include "ngforge/types.h"

#include <type_traits>

namespace ngforge {

std::string_view name_of(DataType type) {
  switch (type) {
#define NGFORGE_TYPE(name, cpp_type) \
  case DataType::name: return #name;
#include "ngforge/types.def"
#undef NGFORGE_TYPE
  }
  __builtin_unreachable();
}

std::optional<DataType> parse_data_type(std::string_view name) {
#define NGFORGE_TYPE(type_name, cpp_type) \
  if (name == #type_name) return DataType::type_name;
#include "ngforge/types.def"
#undef NGFORGE_TYPE
  return std::nullopt;
}

std::size_t size_of(DataType type) {
  return visit_type(type, [](auto value) { return sizeof(value); });
}

bool is_integer(DataType type) {
  return visit_type(type, [](auto value) { return std::is_integral_v<decltype(value)>; });
}

bool is_signed(DataType type) {
  return visit_type(type, [](auto value) { return std::is_signed_v<decltype(value)>; });
}

}  // namespace ngforge
