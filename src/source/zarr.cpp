// SPDX-License-Identifier: Apache-2.0
// Zarr of versions 2 and 3 as a source: a single array, or the levels of an OME-Zarr image (NGFF 0.4 and 0.5).
#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/ranges.h>

#include "core/affine.h"
#include "core/json.h"
#include "source/array_source.h"
#include "source/fingerprint.h"
#include "source/ome.h"
#include "store/store.h"

namespace ngforge {
namespace {

constexpr std::string_view kVersion3 = "zarr.json", kArray2 = ".zarray", kGroup2 = ".zgroup", kAttributes2 = ".zattrs";

/// What a folder of a Zarr hierarchy says of itself.
struct Node {
  int version = 0;         // 2, 3; 0: there is nothing
  std::string metadata;    // zarr.json, .zarray; "" for a group of version 2
  std::string attributes;  // JSON: the user's attributes, or ""
  std::string where;       // file, for messages
  bool is_array = false;
};

/// `folder`: "" or with '/' behind it. `scheme`: zarr2 and zarr3 look for one version only.
Result<Node> read_node(Store& store, const std::string& folder, std::string_view scheme) {
  Node node;
  const auto place = [&](std::string_view file) { return fmt::format("{}/{}{}", store.describe(), folder, file); };
  if (scheme != "zarr2") {
    NGFORGE_TRY(auto text, read_text(store, folder + std::string(kVersion3)));
    if (text) {
      node = {3, std::move(*text), "", place(kVersion3), false};
      NGFORGE_TRY(const Json json, parse_json(node.metadata, node.where));
      if (!json.is_object())
        return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", node.where, json.type_name());
      node.is_array = json.value("node_type", Json()) == "array";
      if (json.contains("attributes")) node.attributes = dump_json(json["attributes"], -1);
      return node;
    }
  }
  if (scheme == "zarr3") return node;
  NGFORGE_TRY(auto array, read_text(store, folder + std::string(kArray2)));
  NGFORGE_TRY(auto attributes, read_text(store, folder + std::string(kAttributes2)));
  if (!array && !attributes && !store.stat(folder + std::string(kGroup2))) return node;
  node.version = 2;
  node.is_array = array.has_value();
  node.where = place(array ? kArray2 : kAttributes2);
  node.metadata = array.value_or("");
  node.attributes = attributes.value_or("");
  return node;
}

Result<ArrayMetadata> parse_array(const Node& node) {
  return node.version == 3 ? parse_zarr3_array(node.metadata, node.where)
                           : parse_zarr2_array(node.metadata, node.attributes, node.where);
}

std::string title_of(const Node& node) {
  return fmt::format("Zarr v{}", node.version);
}

std::string array_details(const ArrayMetadata& array) {
  const bool is_sharded = array.codecs.sharding != nullptr;
  return fmt::format("{} {}{}, {}", is_sharded ? "shards" : "chunks", fmt::join(array.chunk_shape, " x "),
                     is_sharded ? fmt::format(" of chunks {}", fmt::join(array.read_shape(), " x ")) : "",
                     array.codec_names.empty() ? "not compressed" : array.codec_names);
}

/// The plain array's own words for its place in space: the attribute dimension_units ("4 nm"), as the viewer reads it.
Result<ArrayGeometry> plain_geometry(const Node& node, const ArrayMetadata& array, const VolumeAxes& axes) {
  std::vector<std::optional<double>> lengths_mm(array.rank());
  if (!node.attributes.empty()) {
    NGFORGE_TRY(const Json json, parse_json(node.attributes, node.where));
    lengths_mm = parse_dimension_units(json, array.rank());
  }
  ArrayGeometry geometry{std::vector<double>(array.rank(), 1), std::vector<double>(array.rank(), 0.5), true};
  for (const auto& axis : axes.ijk)
    if (axis && !lengths_mm[*axis]) geometry.has_voxel_size = false;
  for (std::size_t a = 0; a < array.rank() && geometry.has_voxel_size; ++a) {
    geometry.scale_mm[a] = lengths_mm[a].value_or(1);
    geometry.first_centre_mm[a] = geometry.scale_mm[a] / 2;  // the viewer puts 0 at the corner
  }
  return geometry;
}

/// An OME image and the folder that it is described in.
struct Image {
  std::shared_ptr<Store> store;
  std::string scheme;
  OmeImage ome;
  std::string fingerprint;
};

Result<std::unique_ptr<VolumeSource>> open_level(const std::shared_ptr<const Image>& image, std::size_t level) {
  const OmeLevel& of = image->ome.levels[level];
  NGFORGE_TRY(const Node node, read_node(*image->store, of.path + "/", image->scheme));
  if (!node.is_array)
    return make_error(ErrorCode::invalid_data, "{}: expected the array {} of multiscales, found none",
                      image->store->describe(), of.path);
  NGFORGE_TRY(ArrayMetadata array, parse_array(node));
  if (array.rank() != image->ome.axis_names.size())
    return make_error(ErrorCode::invalid_data, "{}: expected {} axes, as multiscales says, found {}", node.where,
                      image->ome.axis_names.size(), array.rank());
  const VolumeAxes axes = find_axes(image->ome.axis_names, array.rank());
  VolumeHeader header = make_array_header(array, axes, of.geometry);
  header.format = fmt::format("OME-Zarr {}", image->ome.version);
  header.details = fmt::format("level {} of {}, axes {}, {}", level, image->ome.levels.size(),
                               fmt::join(image->ome.axis_names, ""), array_details(array));
  header.has_label_intent = image->ome.is_label;
  header.is_anatomical = image->ome.is_anatomical;
  if (image->ome.placed_to_world_mm)
    header.affine_ijk_to_mm = multiply(*image->ome.placed_to_world_mm, header.affine_ijk_to_mm);
  header.fingerprint = fingerprint_of(node.metadata, image->fingerprint);
  auto reader = std::make_shared<const ArrayReader>(image->store, of.path + "/", std::move(array));
  return make_array_source(std::move(reader), axes, std::move(header), image->ome.levels.size() - level,
                           [image, level](std::size_t next) { return open_level(image, level + next); });
}

/// The level of an OME image that lies at `path` in it, if its group says so.
Result<std::unique_ptr<VolumeSource>> open_as_level(const std::string& place, std::string_view scheme) {
  constexpr int kDeepest = 3;
  std::string group = place, path;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto slash = group.rfind('/');
    if (slash == std::string::npos || slash == 0 || group[slash - 1] == '/') return nullptr;
    path = group.substr(slash + 1) + (path.empty() ? "" : "/" + path);
    group.resize(slash);
    auto store = open_store(group);
    if (!store) return nullptr;
    const auto node = read_node(**store, "", scheme);
    if (!node || node->version == 0 || node->is_array) continue;
    auto ome = parse_ome(node->attributes, node->where);
    if (!ome || !*ome) continue;
    const auto& levels = (*ome)->levels;
    const auto level = std::ranges::find(levels, path, &OmeLevel::path);
    if (level == levels.end()) continue;
    const auto number = static_cast<std::size_t>(level - levels.begin());
    const auto image = std::make_shared<const Image>(
        Image{std::move(*store), std::string(scheme), std::move(**ome), fingerprint_of(node->attributes, "")});
    return open_level(image, number);
  }
  return nullptr;
}

Result<std::unique_ptr<VolumeSource>> open_array(std::shared_ptr<Store> store, const Node& node) {
  NGFORGE_TRY(ArrayMetadata array, parse_array(node));
  const VolumeAxes axes = find_axes(array.axis_names, array.rank());
  NGFORGE_TRY(const ArrayGeometry geometry, plain_geometry(node, array, axes));
  VolumeHeader header = make_array_header(array, axes, geometry);
  header.format = title_of(node);
  header.details = array_details(array);
  header.fingerprint = fingerprint_of(node.metadata, node.attributes);
  auto reader = std::make_shared<const ArrayReader>(std::move(store), "", std::move(array));
  return make_array_source(std::move(reader), axes, std::move(header), 1, nullptr);
}

Error not_an_image(Store& store, const std::string& place, const Node& node) {
  std::vector<std::string> folders;
  if (const auto names = store.list(""))
    for (const std::string& name : *names)
      if (name.ends_with('/')) folders.push_back(name.substr(0, name.size() - 1));
  auto error = make_error(ErrorCode::unsupported, "{}: expected an array or an OME-Zarr image, found another group{}",
                          node.where, folders.empty() ? "" : fmt::format(" (it holds {})", fmt::join(folders, ", ")));
  return std::move(error).with_hint(
      fmt::format("name what is to be opened, for example {}/{}", place, folders.empty() ? "0" : folders.front()));
}

Result<std::unique_ptr<VolumeSource>> open_place(const SourceRequest& request) {
  const std::string place = without_slash(request.place);
  NGFORGE_TRY(auto store, open_store(place));
  NGFORGE_TRY(const Node node, read_node(*store, "", request.scheme));
  if (node.version == 0)
    return make_error(ErrorCode::not_found, "{}: expected {}, found none of them", place,
                      request.scheme == "zarr3"   ? "zarr.json"
                      : request.scheme == "zarr2" ? ".zarray, .zattrs or .zgroup"
                                                  : "zarr.json, .zarray, .zattrs or .zgroup");
  if (node.is_array) {
    NGFORGE_TRY(auto level, open_as_level(place, request.scheme));
    if (level) return level;
    return open_array(std::move(store), node);
  }
  NGFORGE_TRY(auto ome, parse_ome(node.attributes, node.where));
  if (!ome) return not_an_image(*store, place, node);
  const auto image = std::make_shared<const Image>(
      Image{std::move(store), request.scheme, std::move(*ome), fingerprint_of(node.attributes, "")});
  return open_level(image, 0);
}

Result<std::unique_ptr<VolumeSource>> open(const SourceRequest& request) {
  auto source = open_place(request);
  if (!source) return std::move(source).error().of_source();
  return source;
}

int sniff(std::span<const std::byte> names, std::string_view) {
  const std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
  for (const std::string_view file : {kVersion3, kArray2, kGroup2, kAttributes2}) {
    const std::string line = fmt::format("{}\n", file);
    if (text.starts_with(line) || text.find("\n" + line) != std::string_view::npos) return 70;
  }
  return 0;
}

}  // namespace

extern const SourceDescriptor zarr_source;
const SourceDescriptor zarr_source{.name = "zarr",
                                   .title = "Zarr v2 and v3, OME-Zarr 0.4 and 0.5 (a folder)",
                                   .url_scheme = "zarr",
                                   .is_folder = true,
                                   .other_schemes = {"zarr2", "zarr3"},
                                   .markers = {"zarr.json", ".zarray", ".zattrs", ".zgroup"},
                                   .sniff = sniff,
                                   .open = open};

}  // namespace ngforge
