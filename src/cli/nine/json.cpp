// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/json.h"

#include <cmath>

namespace ngforge::cli::nine {
namespace {

Error wrong(std::string_view where, const char* name, std::string_view expected, const Json& found) {
  constexpr std::size_t kMostShown = 60;
  std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kMostShown) text = text.substr(0, kMostShown) + "...";
  return make_error(ErrorCode::invalid_data, "{}: {}: expected {}, found {}", where, name, expected, text);
}

bool is_integer_from(const Json& value, Index low) {
  constexpr Index kHigh = Index{1} << 53;
  if (!value.is_number_integer()) return false;
  const bool fits = !value.is_number_unsigned() || value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kHigh);
  return fits && value.get<Index>() >= low && value.get<Index>() <= kHigh;
}

Result<const Json*> triple_member(const Json& object, const char* name, std::string_view expected,
                                  std::string_view where, bool (*is_good)(const Json&, Index), Index low) {
  NGFORGE_TRY(const Json* const values, member(object, name, where));
  bool good = values->is_array() && values->size() == 3;
  for (std::size_t a = 0; good && a < 3; ++a) good = is_good((*values)[a], low);
  if (!good) return wrong(where, name, expected, *values);
  return values;
}

}  // namespace

Result<Json> parse(std::string_view text, std::string_view where) {
  constexpr int kMaxDepth = 100;  // the library would run out of stack on dumping
  bool is_too_deep = false;
  const auto take = [&](int depth, Json::parse_event_t, const Json&) {
    is_too_deep |= depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  Json json = Json::parse(text, take, false);
  if (is_too_deep)
    return make_error(ErrorCode::limit, "{}: expected at most {} levels of JSON, found more", where, kMaxDepth);
  if (json.is_discarded()) return make_error(ErrorCode::invalid_data, "{}: expected JSON, found something else", where);
  if (!json.is_object())
    return make_error(ErrorCode::invalid_data, "{}: expected a JSON object, found another value", where);
  return json;
}

Result<const Json*> member(const Json& object, const char* name, std::string_view where) {
  if (!object.is_object()) return wrong(where, name, "a member of an object", object);
  const auto found = object.find(name);
  if (found == object.end())
    return make_error(ErrorCode::invalid_data, "{}: expected the member {}, found none", where, name);
  return &*found;
}

Result<std::string> text_member(const Json& object, const char* name, std::string_view where) {
  NGFORGE_TRY(const Json* const value, member(object, name, where));
  if (!value->is_string()) return wrong(where, name, "a text", *value);
  return value->get<std::string>();
}

Result<Index> integer_member(const Json& object, const char* name, Index low, std::string_view where) {
  NGFORGE_TRY(const Json* const value, member(object, name, where));
  if (!is_integer_from(*value, low))
    return wrong(where, name, fmt::format("a whole number of at least {}", low), *value);
  return value->get<Index>();
}

Result<std::array<Index, 3>> integers_member(const Json& object, const char* name, Index low, std::string_view where) {
  NGFORGE_TRY(
      const Json* const values,
      triple_member(object, name, fmt::format("three whole numbers of at least {}", low), where, is_integer_from, low));
  return values->get<std::array<Index, 3>>();
}

Result<std::array<double, 3>> lengths_member(const Json& object, const char* name, std::string_view where) {
  const auto is_length = [](const Json& value, Index) {
    return value.is_number() && value.get<double>() > 0 && std::isfinite(value.get<double>());
  };
  NGFORGE_TRY(const Json* const values, triple_member(object, name, "three numbers above zero", where, is_length, 0));
  return values->get<std::array<double, 3>>();
}

Result<const Json*> scales_member(const Json& info, std::size_t least, std::string_view where) {
  NGFORGE_TRY(const Json* const scales, member(info, "scales", where));
  if (!scales->is_array() || scales->size() < least)
    return wrong(where, "scales", least == 0 ? "a list" : "a list of at least one scale", *scales);
  for (const Json& scale : *scales)
    if (!scale.is_object()) return wrong(where, "scales", "an object for each scale", scale);
  return scales;
}

}  // namespace ngforge::cli::nine
