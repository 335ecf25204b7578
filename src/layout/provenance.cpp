// SPDX-License-Identifier: Apache-2.0
#include "layout/provenance.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/json.h"

namespace ngforge {
namespace {

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

// Leaves `triple` as it is where the member is no list of three.
Result<void> parse_triple(const Json& object, const char* name, std::string_view where, Index least, Index most,
                          std::array<Index, 3>& triple) {
  const Json list = object.value(name, Json());
  for (std::size_t a = 0; a < 3 && list.is_array() && list.size() == 3; ++a) {
    NGFORGE_TRY(triple[a], json_integer(list[a], fmt::format("{}: {}", where, name), least, most));
  }
  return {};
}

Result<Provenance> parse_method(const Json& method, Provenance provenance, std::string_view where) {
  provenance.options.clear();
  provenance.scales.clear();
  NGFORGE_TRY(provenance.task, json_string(method.value("task", Json("")), fmt::format("{}: task", where)));
  NGFORGE_TRY(provenance.version, json_string(method.value("version", Json("")), fmt::format("{}: version", where)));
  const Json options = method.value("options", Json::object());
  if (options.is_object())
    for (const auto& [name, value] : options.items())
      if (value.is_string()) provenance.options.emplace_back(name, value.get<std::string>());
  const Json scales = method.value("scales", Json::array());
  for (const Json& item : scales) {
    if (!item.is_object())
      return make_error(ErrorCode::invalid_data, "{}: scales: expected objects, found {}", where, item.dump());
    Provenance::Scale scale;
    NGFORGE_TRY(scale.key, json_string(item.value("key", Json()), fmt::format("{}: key", where)));
    NGFORGE_TRY(const Index stored, json_integer(item.value("stored_chunks", Json(0)),
                                                 fmt::format("{}: stored_chunks", where), 0, INT64_MAX));
    NGFORGE_TRY(const Index empty, json_integer(item.value("empty_chunks", Json(0)),
                                                fmt::format("{}: empty_chunks", where), 0, INT64_MAX));
    scale.stored_chunks = static_cast<std::uint64_t>(stored);
    scale.empty_chunks = static_cast<std::uint64_t>(empty);
    NGFORGE_CHECK(parse_triple(item, "factor", where, 1, 1 << 20, scale.factor));
    NGFORGE_CHECK(parse_triple(item, "size", where, 0, INT64_MAX, scale.size_xyz));
    NGFORGE_CHECK(parse_triple(item, "voxel_offset", where, INT64_MIN, INT64_MAX, scale.voxel_offset_xyz));
    provenance.scales.push_back(std::move(scale));
  }
  return provenance;
}

}  // namespace

std::string Provenance::option(std::string_view name) const {
  for (const auto& [key, value] : options)
    if (key == name) return value;
  return {};
}

void Provenance::set_option(std::string_view name, std::string value) {
  const auto place = std::ranges::find(options, name, &std::pair<std::string, std::string>::first);
  if (place == options.end())
    options.emplace_back(name, std::move(value));
  else
    place->second = std::move(value);
}

std::string write_provenance(const Provenance& provenance) {
  Json method;
  method["task"] = provenance.task;
  method["version"] = provenance.version;
  method["options"] = Json::object();
  for (const auto& [name, value] : provenance.options) method["options"][name] = value;
  method["scales"] = Json::array();
  for (const auto& scale : provenance.scales)
    method["scales"].push_back({{"key", scale.key},
                                {"stored_chunks", scale.stored_chunks},
                                {"empty_chunks", scale.empty_chunks},
                                {"factor", scale.factor},
                                {"size", scale.size_xyz},
                                {"voxel_offset", scale.voxel_offset_xyz}});
  Json json;
  json["description"] = provenance.description;
  json["owners"] = Json::array();
  json["sources"] = provenance.sources;
  json["processing"] =
      Json::array({{{"method", method}, {"by", "ngforge " + provenance.version}, {"date", now_utc()}}});
  return dump_json(json, 2);
}

Result<Provenance> parse_provenance(std::string_view text, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  if (!json.is_object())
    return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", where, json.type_name());
  Provenance provenance;
  if (json.contains("description") && json["description"].is_string())
    provenance.description = json["description"].get<std::string>();
  if (json.contains("sources") && json["sources"].is_array())
    for (const Json& source : json["sources"])
      if (source.is_string()) provenance.sources.push_back(source.get<std::string>());
  if (json.contains("processing") && json["processing"].is_array())
    for (const Json& step : json["processing"]) {
      if (!step.is_object() || !step.contains("method") || !step["method"].is_object()) continue;
      const Json& method = step["method"];
      const Json task = method.value("task", Json());
      if (!task.is_string() || !task.get<std::string>().starts_with("ngforge ")) continue;
      NGFORGE_TRY(provenance, parse_method(method, std::move(provenance), where));
    }
  return provenance;
}

}  // namespace ngforge
