// SPDX-License-Identifier: Apache-2.0
// Neuroglancer's state JSON (precomputed specification, 8.7).
#include "viewer/state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace ngforge {
namespace {

using Json = nlohmann::ordered_json;

// Pixels that the longest side of the first layer takes in a panel.
constexpr double kPanelPixels = 300;

constexpr const char* kRgbShader =
    "void main() {\n  emitRGB(vec3(toNormalized(getDataValue(0)), toNormalized(getDataValue(1)), "
    "toNormalized(getDataValue(2))));\n}\n";

Json number(double value) {
  if (value == std::nearbyint(value) && std::abs(value) < 9e15) return Json(static_cast<std::int64_t>(value));
  return Json(value);
}

Json transform_json(const Dataset& dataset) {
  if (!dataset.transform_nm) return nullptr;
  const bool has_channels = dataset.channels > 1;
  Json dimensions = Json::object();
  for (const char* axis : {"x", "y", "z"}) dimensions[axis] = {1e-9, "m"};
  if (has_channels) dimensions["c^"] = {1, ""};
  Json matrix = Json::array();
  for (std::size_t row = 0; row < 3; ++row) {
    Json line = Json::array();
    for (std::size_t column = 0; column < 3; ++column)
      line.push_back(number(dataset.transform_nm->m[row][column] * dataset.resolution_nm[column]));
    if (has_channels) line.push_back(0);
    line.push_back(number(dataset.transform_nm->m[row][3]));
    matrix.push_back(std::move(line));
  }
  if (has_channels) matrix.push_back({0, 0, 0, 1, 0});
  // The viewer's linear part relates lengths, not counts: it is told that an input voxel is one output unit long, so
  // that the matrix maps voxels.
  return {{"outputDimensions", dimensions}, {"inputDimensions", dimensions}, {"matrix", matrix}};
}

// Those of all segments, or of the selected ones; none when they are too many.
Json colors_json(const ViewerLayer& layer) {
  const std::set<std::string_view> selected(layer.segments.begin(), layer.segments.end());
  Json colors = Json::object();
  for (const auto& [id, color] : layer.dataset->segment_colors) {
    const std::string name = fmt::format("{}", id);
    if (!selected.empty() && !selected.contains(name)) continue;
    if (colors.size() == kMostColors) return Json::object();
    colors[name] = color;
  }
  return colors;
}

Json make_layer(const ViewerLayer& layer) {
  const Dataset& dataset = *layer.dataset;
  Json json;
  const bool has_segments = dataset.type != "image";
  json["type"] = has_segments ? "segmentation" : "image";
  json["name"] = dataset.name;
  json["source"]["url"] = layer_source(layer.url);
  if (dataset.transform_nm) json["source"]["transform"] = transform_json(dataset);
  if (has_segments) {
    for (const std::uint64_t segment : layer.segments.empty() ? dataset.segments : std::vector<std::uint64_t>())
      json["segments"].push_back(fmt::format("{}", segment));
    if (!layer.segments.empty()) json["segments"] = layer.segments;
    if (Json colors = colors_json(layer); !colors.empty()) json["segmentColors"] = std::move(colors);
    return json;
  }
  json["opacity"] = 1;
  if (dataset.is_rgb) {
    json["shader"] = kRgbShader;
  } else if (layer.contrast) {
    const auto& [low, high] = *layer.contrast;
    json["shaderControls"]["normalized"]["range"] = {number(low), number(high)};
  }
  return json;
}

// World nm of a corner coordinate in voxels.
std::array<double, 3> world_nm(const Dataset& dataset, const std::array<double, 3>& corner_vox) {
  std::array<double, 3> scaled{}, world{};
  for (std::size_t a = 0; a < 3; ++a) scaled[a] = corner_vox[a] * dataset.resolution_nm[a];
  if (!dataset.transform_nm) return scaled;
  for (std::size_t row = 0; row < 3; ++row) {
    world[row] = dataset.transform_nm->m[row][3];
    for (std::size_t column = 0; column < 3; ++column)
      world[row] += dataset.transform_nm->m[row][column] * scaled[column];
  }
  return world;
}

// The unit of a view in world space: people count brains in millimetres, but the viewer shows whole units only, so the
// smallest voxel must not vanish in one.
double world_unit_nm(const Dataset& dataset) {
  const double voxel_nm = *std::min_element(dataset.resolution_nm.begin(), dataset.resolution_nm.end());
  return voxel_nm >= 1e5 ? 1e6 : voxel_nm >= 1e2 ? 1e3 : 1;
}

}  // namespace

std::string layer_source(const std::string& url) {
  return url + (url.ends_with("/") ? "" : "/") + "|neuroglancer-precomputed:";
}

std::string layer_transform(const Dataset& dataset) {
  return transform_json(dataset).dump();
}

Result<void> find_contrast(ViewerLayer& layer) {
  const Dataset& dataset = *layer.dataset;
  if (!dataset.contrast || dataset.type != "image" || dataset.is_rgb) return {};
  NGFORGE_TRY(layer.contrast, dataset.contrast());
  return {};
}

std::string layer_json(const ViewerLayer& layer) {
  return make_layer(layer).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string viewer_state(std::span<const ViewerLayer> layers) {
  // A volume says better than a surface where to look, and in which unit.
  const auto volume = std::ranges::find_if(layers, [](const ViewerLayer& l) { return l.dataset->type != "surface"; });
  const Dataset& first = *(volume == layers.end() ? layers.front() : *volume).dataset;
  const bool has_world = std::ranges::any_of(
      layers, [](const ViewerLayer& l) { return l.dataset->transform_nm || l.dataset->type == "surface"; });
  // Nanometres of one unit of each global dimension.
  std::array<double, 3> unit_nm = first.resolution_nm;
  if (has_world) unit_nm.fill(world_unit_nm(first));
  Json state;
  const char* const names[] = {"x", "y", "z"};
  for (std::size_t a = 0; a < 3; ++a) state["dimensions"][names[a]] = {unit_nm[a] * 1e-9, "m"};
  std::array<double, 3> centre_vox{};
  double longest_nm = 0;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    centre_vox[i] = 0.5 * static_cast<double>(first.box_vox.begin[a] + first.box_vox.end[a]);
    longest_nm = std::max(longest_nm, static_cast<double>(first.box_vox.size()[a]) * first.resolution_nm[i]);
  }
  const auto centre_nm = world_nm(first, centre_vox);
  state["position"] = Json::array();
  for (std::size_t a = 0; a < 3; ++a) state["position"].push_back(centre_nm[a] / unit_nm[a]);
  const double canonical_nm = *std::min_element(unit_nm.begin(), unit_nm.end());
  state["crossSectionScale"] = longest_nm / canonical_nm / kPanelPixels;
  state["projectionScale"] = 1.5 * longest_nm / canonical_nm;
  if (has_world) {
    // Half a turn about x: the viewer draws y and z downwards, people expect anterior and superior above.
    state["crossSectionOrientation"] = {1, 0, 0, 0};
    state["projectionOrientation"] = {1, 0, 0, 0};
  }
  state["layers"] = Json::array();
  for (const ViewerLayer& layer : layers) state["layers"].push_back(make_layer(layer));
  state["selectedLayer"] = {{"layer", layers.front().dataset->name}};
  state["layout"] = "4panel";
  return state.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string viewer_link(const std::string& viewer_url, const std::string& state) {
  std::string link = viewer_url + "#!";
  for (const unsigned char c : state) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c != 0 && std::strchr("-._~:/?@$&=", c) != nullptr);
    if (is_plain)
      link += static_cast<char>(c);
    else
      link += fmt::format("%{:02X}", c);
  }
  return link;
}

}  // namespace ngforge
