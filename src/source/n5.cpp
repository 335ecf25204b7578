// SPDX-License-Identifier: Apache-2.0
// N5 as a source: a dataset, or the levels of a group in the layouts that n5-viewer, BigDataViewer and COSEM write and
// the Neuroglancer client reads.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/ranges.h>

#include "core/json.h"
#include "core/length_units.h"
#include "source/array_source.h"
#include "source/fingerprint.h"
#include "store/store.h"

namespace ngforge {
namespace {

constexpr const char* kAttributes = "attributes.json";
constexpr std::size_t kMostLevels = 64;

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found != object.end() ? *found : kNull;
}

// Later members win, as in the viewer.
void merge(const Json& from, Json& to) {
  for (const auto& [name, value] : from.items()) to[name] = value;
}

Result<Json> parse_attributes(const std::string& text, const std::string& where) {
  NGFORGE_TRY(Json json, parse_json(text, where));
  if (!json.is_object())
    return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", where, json.type_name());
  return json;
}

/// One number > 0 per axis, the fastest first; nothing when `list` is something else.
std::optional<std::vector<double>> parse_numbers(const Json& list, std::size_t rank) {
  if (!list.is_array() || list.size() != rank) return std::nullopt;
  std::vector<double> numbers;
  for (const Json& number : list) {
    if (!number.is_number() || !(number.get<double>() > 0) || !std::isfinite(number.get<double>())) return std::nullopt;
    numbers.push_back(number.get<double>());
  }
  return numbers;
}

/// A resolution of a group.
struct Level {
  std::string path;                            // folder below the place, "" for the place itself
  std::optional<std::vector<double>> factors;  // of the group's list
  Json transform;                              // COSEM: {"axes", "scale", "translate", "units"}; else null
};

/// What all levels share.
struct Group {
  std::shared_ptr<Store> store;
  Json attributes;  // of the place and of the folders above it
  std::vector<Level> levels;
};

std::string folder_of(const Level& level) {
  return level.path.empty() ? "" : level.path + "/";
}

/// COSEM's transform of a level, whose axes are named. False when it says nothing of lengths.
bool take_transform(const Json& transform, const std::vector<std::string>& names, ArrayGeometry& geometry) {
  const Json &axes = member(transform, "axes"), &units = member(transform, "units");
  const std::size_t rank = names.size();
  if (!axes.is_array() || axes.size() != rank || !units.is_array() || units.size() != rank) return false;
  const auto scale = parse_numbers(member(transform, "scale"), rank);
  const Json& translate = member(transform, "translate");
  if (!scale) return false;
  for (std::size_t a = 0; a < rank; ++a) {
    const auto at = std::ranges::find(axes, Json(names[a]));
    if (at == axes.end()) return false;
    const auto i = static_cast<std::size_t>(at - axes.begin());
    const auto mm = units[i].is_string() ? millimetres_of(units[i].get<std::string>()) : std::nullopt;
    if (!mm) return false;
    geometry.scale_mm[a] = (*scale)[i] * *mm;
    const bool is_moved = translate.is_array() && translate.size() == rank && translate[i].is_number();
    geometry.first_centre_mm[a] = (is_moved ? translate[i].get<double>() : 0) * *mm;
  }
  geometry.has_voxel_size = true;
  return true;
}

/// Millimetres of a voxel of the finest level along each axis, the fastest first.
std::optional<std::vector<double>> finest_voxel_mm(const Json& attributes, std::size_t rank) {
  const Json &pixel = member(attributes, "pixelResolution"), &units = member(attributes, "units");
  std::optional<std::vector<double>> lengths;
  std::vector<std::optional<double>> unit_mm(rank, millimetres_of("nm"));
  if (pixel.is_object() && member(pixel, "dimensions").is_array()) {
    lengths = parse_numbers(member(pixel, "dimensions"), rank);
    const Json& unit = member(pixel, "unit");
    std::ranges::fill(unit_mm, unit.is_string() ? millimetres_of(unit.get<std::string>()) : std::nullopt);
  } else if (pixel.is_array()) {  // n5-viewer: in micrometres
    lengths = parse_numbers(pixel, rank);
    std::ranges::fill(unit_mm, millimetres_of("um"));
  } else {
    lengths = parse_numbers(member(attributes, "resolution"), rank);
    for (std::size_t a = 0; a < rank && units.is_array() && units.size() == rank; ++a)
      unit_mm[a] = units[a].is_string() ? millimetres_of(units[a].get<std::string>()) : std::nullopt;
  }
  for (std::size_t a = 0; a < rank && lengths; ++a) {
    // Channels and time have no length; theirs is not looked at.
    if (!unit_mm[a] && a < 3) return std::nullopt;
    (*lengths)[a] *= unit_mm[a].value_or(1);
  }
  return lengths;
}

ArrayGeometry geometry_of(const Level& level, const Json& attributes, const ArrayMetadata& array,
                          const std::vector<std::string>& names) {
  const std::size_t rank = array.rank();
  ArrayGeometry geometry{std::vector<double>(rank, 1), std::vector<double>(rank, 0.5), false};
  const Json& own = member(attributes, "transform");
  if (take_transform(level.transform.is_null() ? own : level.transform, names, geometry)) return geometry;
  const auto voxel_mm = finest_voxel_mm(attributes, rank);
  auto factors = parse_numbers(member(attributes, "downsamplingFactors"), rank);
  if (level.factors && level.factors->size() == rank) factors = level.factors;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t a = rank - 1 - i;
    geometry.scale_mm[a] = (voxel_mm ? (*voxel_mm)[i] : 1) * (factors ? (*factors)[i] : 1);
    geometry.first_centre_mm[a] = geometry.scale_mm[a] / 2;  // all levels begin at the same corner
  }
  geometry.has_voxel_size = voxel_mm.has_value();
  return geometry;
}

/// Names of the axes, slowest first; the viewer's when the dataset has none.
std::vector<std::string> names_of_axes(const ArrayMetadata& array) {
  if (!array.axis_names.empty()) return array.axis_names;
  std::vector<std::string> names(array.rank());
  for (std::size_t a = 0; a < names.size(); ++a)
    if (const std::size_t i = names.size() - 1 - a; i < 5) names[a] = std::string_view("xyztc").substr(i, 1);
  return names;
}

Result<std::unique_ptr<VolumeSource>> open_level(const std::shared_ptr<const Group>& group, std::size_t number) {
  const Level& level = group->levels[number];
  const std::string key = folder_of(level) + kAttributes, where = group->store->describe() + "/" + key;
  Json attributes = group->attributes;
  if (!level.path.empty()) {
    NGFORGE_TRY(const auto text, read_text(*group->store, key));
    if (!text) return make_error(ErrorCode::invalid_data, "{}: expected the attributes of a level, found none", where);
    NGFORGE_TRY(const Json own, parse_attributes(*text, where));
    attributes.erase("downsamplingFactors");  // of the group: a list of lists
    merge(own, attributes);
  }
  const std::string text = dump_json(attributes, -1);
  NGFORGE_TRY(ArrayMetadata array, parse_n5_array(text, where));
  const auto names = names_of_axes(array);
  const VolumeAxes axes = find_axes(names, array.rank());
  VolumeHeader header = make_array_header(array, axes, geometry_of(level, attributes, array, names));
  header.format = "N5";
  header.details =
      fmt::format("level {} of {}, blocks {} (x fastest), {}", number, group->levels.size(),
                  fmt::join(array.chunk_shape.rbegin(), array.chunk_shape.rend(), " x "), array.codec_names);
  header.fingerprint = fingerprint_of(text, "");
  auto reader = std::make_shared<const ArrayReader>(group->store, folder_of(level), std::move(array));
  return make_array_source(std::move(reader), axes, std::move(header), group->levels.size() - number,
                           [group, number](std::size_t next) { return open_level(group, number + next); });
}

/// Attributes of the folders above a place, and how its last part is called. The viewer inherits them, too.
Result<Json> attributes_above(std::string place) {
  constexpr int kHighest = 8;
  std::vector<Json> above;
  for (int height = 0; height < kHighest; ++height) {
    const auto slash = place.rfind('/');
    if (slash == std::string::npos || slash == 0 || place[slash - 1] == '/') break;
    place.resize(slash);
    const auto store = open_store(place);
    if (!store) break;
    const auto text = read_text(**store, kAttributes);
    if (!text || !*text) continue;
    NGFORGE_TRY(Json json, parse_attributes(**text, place + "/" + kAttributes));
    above.push_back(std::move(json));
    if (above.back().contains("n5")) break;  // the root of the container
  }
  Json merged = Json::object();
  for (auto json = above.rbegin(); json != above.rend(); ++json) merge(*json, merged);
  return merged;
}

bool is_list_of_lists(const Json& value) {
  return value.is_array() && !value.empty() && value[0].is_array();
}

/// The levels that the group lists: BigDataViewer's `downsamplingFactors`, n5-viewer's `scales`, COSEM's `multiscales`.
std::vector<Level> listed_levels(const Json& attributes) {
  std::vector<Level> levels;
  const Json& multiscales = member(attributes, "multiscales");
  const Json& datasets =
      member(multiscales.is_array() && !multiscales.empty() ? multiscales[0] : multiscales, "datasets");
  for (const Json& dataset : datasets.is_array() ? datasets : Json::array()) {
    const Json& path = dataset.is_string() ? dataset : member(dataset, "path");
    if (path.is_string() && is_valid_key(without_slash(path.get<std::string>())))
      levels.push_back({without_slash(path.get<std::string>()), std::nullopt, member(dataset, "transform")});
  }
  if (!levels.empty()) return levels;
  const Json& scales = member(attributes, "scales");
  const Json& list = is_list_of_lists(scales) ? scales : member(attributes, "downsamplingFactors");
  if (!is_list_of_lists(list)) return levels;
  for (std::size_t i = 0; i < list.size() && i < kMostLevels; ++i)
    levels.push_back({fmt::format("s{}", i), parse_numbers(list[i], list[i].size()), nullptr});
  return levels;
}

/// s0, s1 ... as long as there are any (n5-viewer with `multiScale`, Paintera).
std::vector<Level> found_levels(Store& store) {
  std::vector<Level> levels;
  for (std::size_t i = 0; i < kMostLevels; ++i) {
    const std::string path = fmt::format("s{}", i);
    if (!store.stat(path + "/" + kAttributes)) break;
    levels.push_back({path, std::nullopt, nullptr});
  }
  return levels;
}

Error not_a_volume(Store& store, const std::string& place) {
  std::string folders;
  if (const auto names = store.list(""))
    for (const std::string& name : *names)
      if (name.ends_with('/'))
        folders += fmt::format("{}{}", folders.empty() ? "" : ", ", name.substr(0, name.size() - 1));
  return make_error(ErrorCode::unsupported, "{}: expected an N5 dataset or a group of scale levels, found {}", place,
                    folders.empty() ? "neither" : fmt::format("another group (it holds {})", folders))
      .with_hint(fmt::format("name what is to be opened, for example {}/NAME", place));
}

Result<std::unique_ptr<VolumeSource>> open_place(const SourceRequest& request) {
  const std::string place = without_slash(request.place);
  auto group = std::make_shared<Group>();
  NGFORGE_TRY(group->store, open_store(place));
  NGFORGE_TRY(group->attributes, attributes_above(place));
  // A level that is opened by itself has its factors in the list of its group.
  const auto above = listed_levels(group->attributes);
  const std::string name = place.substr(place.rfind('/') + 1);
  NGFORGE_TRY(const auto text, read_text(*group->store, kAttributes));
  if (text) {
    NGFORGE_TRY(const Json own, parse_attributes(*text, place + "/" + kAttributes));
    if (own.contains("dimensions")) {
      Level level;
      if (const auto listed = std::ranges::find(above, name, &Level::path); listed != above.end()) level = *listed;
      level.path.clear();
      group->attributes.erase("downsamplingFactors");
      merge(own, group->attributes);
      group->levels = {std::move(level)};
      return open_level(group, 0);
    }
    merge(own, group->attributes);
  }
  for (Level& level : listed_levels(group->attributes))
    if (group->store->stat(folder_of(level) + kAttributes)) group->levels.push_back(std::move(level));
  if (group->levels.empty()) group->levels = found_levels(*group->store);
  if (group->levels.empty()) return not_a_volume(*group->store, place);
  return open_level(group, 0);
}

Result<std::unique_ptr<VolumeSource>> open(const SourceRequest& request) {
  auto source = open_place(request);
  if (!source) return std::move(source).error().of_source();
  return source;
}

int sniff(std::span<const std::byte> names, std::string_view name) {
  const std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
  constexpr std::string_view kLine = "attributes.json\n";
  if (text.starts_with(kLine) || text.find("\nattributes.json\n") != std::string_view::npos) return 60;
  // Groups need no attributes.
  return name.ends_with(".n5") || name.find(".n5/") != std::string_view::npos ? 50 : 0;
}

}  // namespace

extern const SourceDescriptor n5_source;
const SourceDescriptor n5_source{.name = "n5",
                                 .title = "N5 dataset or group of scale levels (a folder)",
                                 .url_scheme = "n5",
                                 .is_folder = true,
                                 .markers = {"attributes.json"},
                                 .sniff = sniff,
                                 .open = open};

}  // namespace ngforge
