// SPDX-License-Identifier: Apache-2.0
#include "layout/transform.h"

#include "core/affine.h"
#include "core/json.h"

namespace ngforge {

std::string write_transform(const Affine& transform) {
  Json json = Json::array();
  for (const auto& row : transform.m) json.push_back(row);
  return dump_json(json);
}

Result<Affine> parse_transform(std::string_view text, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  if (!json.is_array() || json.size() != 4)
    return make_error(ErrorCode::invalid_data, "{}: expected a nested 4x4 matrix, found {}", where, json.type_name());
  Affine affine;
  for (std::size_t row = 0; row < 4; ++row) {
    if (!json[row].is_array() || json[row].size() != 4)
      return make_error(ErrorCode::invalid_data, "{}: row {}: expected four numbers, found {}", where, row,
                        json[row].dump());
    for (std::size_t column = 0; column < 4; ++column) {
      NGFORGE_TRY(affine.m[row][column], json_number(json[row][column], fmt::format("{}[{}][{}]", where, row, column)));
    }
  }
  if (affine.m[3] != std::array<double, 4>{0, 0, 0, 1})
    return make_error(ErrorCode::invalid_data, "{}: last row: expected 0 0 0 1, found {}", where, json[3].dump());
  if (!inverse(affine)) return make_error(ErrorCode::invalid_data, "{}: expected a matrix with an inverse", where);
  return affine;
}

}  // namespace ngforge
