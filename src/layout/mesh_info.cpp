// SPDX-License-Identifier: Apache-2.0
// The `info` of a folder of meshes (precomputed specification, sections 3.1 and 3.2).
#include "layout/mesh_info.h"

#include "core/json.h"
#include "layout/json_place.h"
#include "layout/sharding_json.h"

namespace ngforge {
namespace {

constexpr std::string_view kMultires = "neuroglancer_multilod_draco", kLegacy = "neuroglancer_legacy_mesh";
constexpr Index kMostMip = 255;

Result<std::array<double, 12>> parse_transform(const JsonPlace& place) {
  std::array<double, 12> transform{};
  if (!place.json.is_array() || place.json.size() != transform.size())
    return make_error(ErrorCode::invalid_data, "{}: expected {} numbers, found {}", place.path, transform.size(),
                      place.json.dump());
  for (std::size_t i = 0; i < transform.size(); ++i) {
    NGFORGE_TRY(transform[i], json_number(place.at(i).json, place.at(i).path));
  }
  return transform;
}

Result<void> parse_multires(const JsonPlace& root, MeshInfo& info) {
  NGFORGE_TRY(const JsonPlace bits, root.need("vertex_quantization_bits"));
  NGFORGE_TRY(const Index number, json_integer(bits.json, bits.path, 0, 64));
  if (number != 10 && number != 16)
    return make_error(ErrorCode::unsupported, "{}: expected 10 or 16, found {}", bits.path, number);
  info.vertex_quantization_bits = static_cast<int>(number);
  if (root.has("transform")) {
    NGFORGE_TRY(info.transform, parse_transform(root.at("transform")));
  }
  NGFORGE_TRY(const JsonPlace multiplier, root.need("lod_scale_multiplier"));
  NGFORGE_TRY(info.lod_scale_multiplier, json_number(multiplier.json, multiplier.path));
  if (!(info.lod_scale_multiplier > 0))
    return make_error(ErrorCode::invalid_data, "{}: expected a number > 0, found {}", multiplier.path,
                      multiplier.json.dump());
  if (root.has("sharding")) {
    NGFORGE_TRY(info.sharding, parse_sharding(root.at("sharding")));
  }
  return {};
}

}  // namespace

Result<MeshInfo> parse_mesh_info(std::string_view json, std::string_view where) {
  NGFORGE_TRY(const Json parsed, parse_json(json, where));
  const JsonPlace root{parsed, std::string(where), true};
  NGFORGE_TRY(const JsonPlace type, root.need("@type"));
  NGFORGE_TRY(const std::string name, json_string(type.json, type.path));
  MeshInfo info;
  if (name == kLegacy)
    info.format = MeshFormat::legacy;
  else if (name != kMultires)
    return make_error(ErrorCode::unsupported, "{}: expected \"{}\" or \"{}\", found \"{}\"", type.path, kMultires,
                      kLegacy, name);
  if (info.format == MeshFormat::multires) NGFORGE_CHECK(parse_multires(root, info));
  if (root.has("segment_properties")) {
    const JsonPlace properties = root.at("segment_properties");
    NGFORGE_TRY(info.segment_properties, json_string(properties.json, properties.path));
  }
  if (root.has("mip")) {
    // Whatever it is, the viewer shows the meshes.
    const JsonPlace mip = root.at("mip");
    if (const auto number = json_integer(mip.json, mip.path, 0, kMostMip)) info.mip = *number;
  }
  return info;
}

std::string write_mesh_info(const MeshInfo& info) {
  Json json;
  if (info.format == MeshFormat::legacy) {
    json["@type"] = kLegacy;
  } else {
    json["@type"] = kMultires;
    json["vertex_quantization_bits"] = info.vertex_quantization_bits;
    json["transform"] = info.transform;
    json["lod_scale_multiplier"] = info.lod_scale_multiplier;
    if (info.sharding) json["sharding"] = to_json(*info.sharding);
  }
  if (!info.segment_properties.empty()) json["segment_properties"] = info.segment_properties;
  if (info.mip) json["mip"] = *info.mip;
  return dump_json(json);
}

}  // namespace ngforge
