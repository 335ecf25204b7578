// SPDX-License-Identifier: Apache-2.0
// NGFF (https://ngff.openmicroscopy.org), versions 0.4 and 0.5: multiscales. A translation is that of a voxel's centre,
// which is how the viewer reads it. RFC 4: the anatomical
// direction of an axis.
#include "source/ome.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "core/length_units.h"
#include "layout/ome_zarr.h"
#include "layout/transform.h"
#include "store/store.h"

namespace ngforge {
namespace {

const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found != object.end() ? *found : kNull;
}

// x -> scale * x + shift, axis by axis.
struct Placement {
  std::vector<double> scale, shift;
  bool has_scale = false;
};

Result<std::vector<double>> parse_vector(const Json& list, std::size_t rank, const std::string& path) {
  if (!list.is_array() || list.size() != rank)
    return make_error(ErrorCode::invalid_data, "{}: expected {} numbers, found {}", path, rank,
                      list.is_array() ? fmt::format("{}", list.size()) : std::string(list.type_name()));
  std::vector<double> numbers;
  for (std::size_t a = 0; a < rank; ++a) {
    NGFORGE_TRY(const double number, json_number(list[a], fmt::format("{}[{}]", path, a)));
    if (!std::isfinite(number)) return make_error(ErrorCode::invalid_data, "{}[{}]: expected a finite number", path, a);
    numbers.push_back(number);
  }
  return numbers;
}

Result<void> apply_transformations(const Json& list, const std::string& path, Placement& placement) {
  if (list.is_null()) return {};
  if (!list.is_array()) return make_error(ErrorCode::invalid_data, "{}: expected a list", path);
  const std::size_t rank = placement.scale.size();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    const Json& type = member(list[i], "type");
    if (type == "identity") continue;
    if (type != "scale" && type != "translation")
      return make_error(ErrorCode::unsupported, "{}.type: expected scale, translation or identity, found {}", at,
                        type.dump());
    const char* const key = type == "scale" ? "scale" : "translation";
    NGFORGE_TRY(const auto numbers, parse_vector(member(list[i], key), rank, fmt::format("{}.{}", at, key)));
    for (std::size_t a = 0; a < rank; ++a) {
      if (type == "translation") {
        placement.shift[a] += numbers[a];
        continue;
      }
      if (!(numbers[a] > 0))
        return make_error(ErrorCode::invalid_data, "{}.scale[{}]: expected a number > 0, found {}", at, a, numbers[a]);
      placement.scale[a] *= numbers[a];
      placement.shift[a] *= numbers[a];
      placement.has_scale = true;
    }
  }
  return {};
}

struct Axes {
  std::vector<std::string> names;
  std::vector<std::optional<double>> unit_mm;
  std::vector<std::optional<char>> direction;  // letters of anatomical ones
};

Result<Axes> parse_axes(const Json& list, const std::string& path) {
  Axes axes;
  if (list.is_null()) {  // versions 0.1 and 0.2
    axes.names = {"t", "c", "z", "y", "x"};
    axes.unit_mm.resize(axes.names.size());
    axes.direction.resize(axes.names.size());
    return axes;
  }
  if (!list.is_array() || list.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected a list of axes, found {}", path, list.type_name());
  for (std::size_t a = 0; a < list.size(); ++a) {
    const Json& name = list[a].is_string() ? list[a] : member(list[a], "name");
    NGFORGE_TRY(std::string text, json_string(name, fmt::format("{}[{}].name", path, a)));
    const Json &unit = member(list[a], "unit"), &type = member(list[a], "type");
    axes.unit_mm.push_back(unit.is_string() ? millimetres_of(unit.get<std::string>()) : std::nullopt);
    const Json& orientation = member(list[a], "orientation");
    const Json& direction = member(orientation, "type") == "anatomical" ? member(orientation, "value") : Json();
    axes.direction.push_back(direction.is_string() ? anatomical_letter(direction.get<std::string>()) : std::nullopt);
    // What an axis is matters more than what it is called.
    if (type == "channel") text.assign(1, 'c');
    if (type == "time") text.assign(1, 't');
    axes.names.push_back(std::move(text));
  }
  return axes;
}

// Lengths are known when all axes of space have a unit of length and a scale.
ArrayGeometry geometry_of(const Placement& placement, const Placement& finest, const Axes& axes) {
  const std::size_t rank = axes.names.size();
  const VolumeAxes volume = find_axes(axes.names, rank);
  ArrayGeometry geometry{std::vector<double>(rank, 1), std::vector<double>(rank, 0), placement.has_scale};
  for (const auto& axis : volume.ijk)
    if (axis && !axes.unit_mm[*axis]) geometry.has_voxel_size = false;
  for (std::size_t a = 0; a < rank; ++a) {
    const double mm = axes.unit_mm[a].value_or(1);
    geometry.scale_mm[a] = geometry.has_voxel_size ? placement.scale[a] * mm : placement.scale[a] / finest.scale[a];
    geometry.first_centre_mm[a] =
        geometry.has_voxel_size ? placement.shift[a] * mm : (placement.shift[a] - finest.shift[a]) / finest.scale[a];
  }
  return geometry;
}

// From lengths along x, y, z to RAS+; nothing unless they say three directions that are not of the same axis.
std::optional<Affine> turn_to_ras(const Axes& axes) {
  const VolumeAxes volume = find_axes(axes.names, axes.names.size());
  Affine turn;
  std::array<bool, 3> is_said{};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto letter = volume.ijk[a] ? axes.direction[*volume.ijk[a]] : std::nullopt;
    if (!letter) return std::nullopt;
    const std::size_t number = std::string_view("RLAPSI").find(*letter);
    for (std::size_t row = 0; row < 3; ++row) turn.m[row][a] = row != number / 2 ? 0 : number % 2 == 0 ? 1 : -1;
    is_said[number / 2] = true;
  }
  return is_said[0] && is_said[1] && is_said[2] ? std::optional(turn) : std::nullopt;
}

Result<OmeImage> parse_image(const Json& multiscale, const std::string& path) {
  OmeImage image;
  NGFORGE_TRY(const Axes axes, parse_axes(member(multiscale, "axes"), path + ".axes"));
  image.axis_names = axes.names;
  const Json& datasets = member(multiscale, "datasets");
  if (!datasets.is_array() || datasets.empty())
    return make_error(ErrorCode::invalid_data, "{}.datasets: expected a list of levels, found {}", path,
                      datasets.type_name());
  std::optional<Placement> finest;
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    const std::string at = fmt::format("{}.datasets[{}]", path, i);
    OmeLevel level;
    NGFORGE_TRY(level.path, json_string(member(datasets[i], "path"), at + ".path"));
    level.path = without_slash(level.path);
    if (!is_valid_key(level.path))
      return make_error(ErrorCode::unsupported, "{}.path: expected a folder inside the group, found \"{}\"", at,
                        level.path);
    Placement placement{std::vector<double>(axes.names.size(), 1), std::vector<double>(axes.names.size(), 0), false};
    NGFORGE_CHECK(apply_transformations(member(datasets[i], "coordinateTransformations"),
                                        at + ".coordinateTransformations", placement));
    NGFORGE_CHECK(apply_transformations(member(multiscale, "coordinateTransformations"),
                                        path + ".coordinateTransformations", placement));
    if (!finest) finest = placement;
    level.geometry = geometry_of(placement, *finest, axes);
    image.levels.push_back(std::move(level));
  }
  if (image.levels[0].geometry.has_voxel_size) image.placed_to_world_mm = turn_to_ras(axes);
  image.is_anatomical = image.placed_to_world_mm.has_value();
  return image;
}

}  // namespace

Result<std::optional<OmeImage>> parse_ome(const std::string& attributes, std::string_view where) {
  if (attributes.empty()) return std::optional<OmeImage>();
  NGFORGE_TRY(const Json json, parse_json(attributes, where));
  const bool is_nested = member(json, "ome").is_object();  // since 0.5
  const Json& ome = is_nested ? member(json, "ome") : json;
  const Json& multiscales = member(ome, "multiscales");
  if (!multiscales.is_array() || multiscales.empty()) return std::optional<OmeImage>();
  NGFORGE_TRY(OmeImage image, parse_image(multiscales[0], fmt::format("{}: multiscales[0]", where)));
  const Json& version = is_nested ? member(ome, "version") : member(multiscales[0], "version");
  image.version = version.is_string() ? version.get<std::string>() : is_nested ? "0.5" : "0.4";
  image.is_label = member(ome, "image-label").is_object();
  if (const Json& transform = member(member(json, "ngforge"), "transform"); !transform.is_null()) {
    NGFORGE_TRY(Affine affine_nm, parse_transform(dump_json(transform), fmt::format("{}: ngforge.transform", where)));
    for (std::size_t row = 0; row < 3; ++row) affine_nm.m[row][3] *= 1e-6;
    image.placed_to_world_mm = affine_nm;
  }
  return std::optional(std::move(image));
}

std::vector<std::optional<double>> parse_dimension_units(const Json& attributes, std::size_t rank) {
  std::vector<std::optional<double>> lengths_mm(rank);
  const Json& units = member(attributes, "dimension_units");
  if (!units.is_array() || units.size() != rank) return lengths_mm;
  for (std::size_t a = 0; a < rank; ++a) {
    if (!units[a].is_string()) continue;
    const auto text = units[a].get<std::string>();
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const double count = end == text.c_str() ? 1 : number;
    while (*end == ' ') ++end;
    if (const auto mm = millimetres_of(end); mm && count > 0 && std::isfinite(count)) lengths_mm[a] = count * *mm;
  }
  return lengths_mm;
}

}  // namespace ngforge
