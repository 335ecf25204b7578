// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/json.h"
#include "ngforge/error.h"

// Include in .cpp files only, as core/json.h.
namespace ngforge {

/// One place in the JSON of an `info`: the value and its path, which messages name.
struct JsonPlace {
  const Json& json;
  std::string path;
  bool is_root = false;

  bool has(const char* member) const { return json.is_object() && json.contains(member); }
  JsonPlace at(const char* member) const { return {json.at(member), path + (is_root ? ": " : ".") + member}; }
  JsonPlace at(std::size_t i) const { return {json.at(i), fmt::format("{}[{}]", path, i)}; }
  /// Errors: invalid_data (no object, no such member).
  Result<JsonPlace> need(const char* member) const {
    if (!json.is_object())
      return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", path, json.type_name());
    if (!has(member))
      return make_error(ErrorCode::invalid_data, "{}: expected a member \"{}\", found none", path, member);
    return at(member);
  }
};

}  // namespace ngforge
