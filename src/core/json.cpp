// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <charconv>
#include <cmath>

namespace ngforge {
namespace {

constexpr int kMaxDepth = 100;
// The largest double below which every integer is exact.
constexpr double kExactInteger = 9007199254740992.0;

std::string_view kind_of(const Json& value) {
  return value.type_name();
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

// The library nests without limit and would run out of stack on dumping or destroying.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

void write_number(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == std::nearbyint(value) && std::abs(value) < kExactInteger) {
    out += fmt::format("{}", static_cast<std::int64_t>(value));
    return;
  }
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

bool is_flat(const Json& value) {
  for (const auto& item : value)
    if (item.is_structured()) return false;
  return true;
}

void write(const Json& value, int indent, int depth, std::string& out) {
  const auto new_line = [&](int at) {
    if (indent >= 0) out.append("\n").append(static_cast<std::size_t>(indent * at), ' ');
  };
  if (value.is_object()) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value.items()) {
      if (!first) out += ',';
      first = false;
      new_line(depth + 1);
      out += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace);
      out += indent >= 0 ? ": " : ":";
      write(item, indent, depth + 1, out);
    }
    if (!first) new_line(depth);
    out += '}';
  } else if (value.is_array()) {
    // Tuples stay on one line: an info file is mostly sizes.
    const bool one_line = is_flat(value);
    out += '[';
    bool first = true;
    for (const auto& item : value) {
      if (!first) out += one_line && indent >= 0 ? ", " : ",";
      first = false;
      if (!one_line) new_line(depth + 1);
      write(item, indent, depth + 1, out);
    }
    if (!first && !one_line) new_line(depth);
    out += ']';
  } else if (value.is_number_float()) {
    write_number(value.get<double>(), out);
  } else {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  if (is_too_deep(text))
    return make_error(ErrorCode::limit, "{}: expected JSON of at most {} levels, found more", where, kMaxDepth);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    return make_error(ErrorCode::invalid_data, "{}: expected JSON, found something else at byte {}", where, error.byte);
  } catch (const nlohmann::json::exception&) {
    return make_error(ErrorCode::invalid_data, "{}: expected JSON, found a number that no double can hold", where);
  }
}

std::string dump_json(const Json& json, int indent) {
  std::string out;
  write(json, indent, 0, out);
  if (indent >= 0) out += '\n';
  return out;
}

Result<Index> json_integer(const Json& value, std::string_view path, Index low, Index high) {
  const auto fail = [&] {
    return make_error(ErrorCode::invalid_data, "{}: expected an integer from {} to {}, found {}", path, low, high,
                      shown(value));
  };
  Index number = 0;
  if (value.is_number_unsigned()) {
    const auto raw = value.get<std::uint64_t>();
    if (raw > static_cast<std::uint64_t>(INT64_MAX)) return fail();
    number = static_cast<Index>(raw);
  } else if (value.is_number_integer()) {
    number = value.get<Index>();
  } else if (value.is_number_float() || value.is_string()) {
    // The viewer reads integers by parseInt: strings and fractions are cut (spec 0.1).
    std::string text =
        value.is_string() ? value.get<std::string>() : fmt::format("{:.0f}", std::trunc(value.get<double>()));
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || (parsed.ptr != end && *parsed.ptr != '.')) return fail();
  } else {
    return fail();
  }
  if (number < low || number > high) return fail();
  return number;
}

Result<double> json_number(const Json& value, std::string_view path) {
  if (!value.is_number())
    return make_error(ErrorCode::invalid_data, "{}: expected a number, found {}", path, shown(value));
  return value.get<double>();
}

Result<std::string> json_string(const Json& value, std::string_view path) {
  if (!value.is_string())
    return make_error(ErrorCode::invalid_data, "{}: expected a string, found {} ({})", path, shown(value),
                      kind_of(value));
  return value.get<std::string>();
}

}  // namespace ngforge
