// SPDX-License-Identifier: Apache-2.0
// The `info` of a precomputed volume and the names of its chunks (precomputed specification, sections 1.1 and 1.2).
#include "layout/volume_info.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "core/json.h"
#include "layout/json_place.h"
#include "layout/sharding_json.h"
#include "ngforge/text.h"

namespace ngforge {
namespace {

constexpr Index kMaxSize = Index{1} << 53;  // what a viewer in JavaScript can count
constexpr std::size_t kMaxScales = 256;
constexpr const char* kEncodings[] = {"raw", "jpeg", "png", "jxl", "compressed_segmentation", "compresso"};

// Integers cut as the viewer does; resolutions are numbers.
template <class T>
Result<std::array<T, 3>> read_triple(const JsonPlace& place, Index low) {
  if (!place.json.is_array() || place.json.size() != 3)
    return make_error(ErrorCode::invalid_data, "{}: expected three numbers, found {}", place.path, place.json.dump());
  std::array<T, 3> triple{};
  for (std::size_t a = 0; a < 3; ++a) {
    const JsonPlace item = place.at(a);
    if constexpr (std::is_integral_v<T>) {
      NGFORGE_TRY(triple[a], json_integer(item.json, item.path, low, kMaxSize));
    } else {
      NGFORGE_TRY(triple[a], json_number(item.json, item.path));
    }
  }
  return triple;
}

Result<void> parse_encoding(const JsonPlace& place, ScaleInfo& scale) {
  NGFORGE_TRY(const JsonPlace encoding, place.need("encoding"));
  NGFORGE_TRY(scale.encoding, json_string(encoding.json, encoding.path));
  scale.encoding = lower_case(scale.encoding);
  bool is_known = false;
  std::string names;
  for (const char* name : kEncodings) {
    is_known |= scale.encoding == name;
    names += names.empty() ? name : std::string("|") + name;
  }
  if (!is_known)
    return make_error(ErrorCode::unsupported, "{}: expected {}, found \"{}\"", encoding.path, names, scale.encoding);
  if (scale.encoding == "compressed_segmentation") {
    NGFORGE_TRY(const JsonPlace block, place.need("compressed_segmentation_block_size"));
    NGFORGE_TRY(scale.block_size_xyz, read_triple<Index>(block, 1));
  }
  return {};
}

Result<ScaleInfo> parse_scale(const JsonPlace& place) {
  ScaleInfo scale;
  NGFORGE_TRY(const JsonPlace key, place.need("key"));
  NGFORGE_TRY(scale.key, json_string(key.json, key.path));
  NGFORGE_TRY(const JsonPlace size, place.need("size"));
  NGFORGE_TRY(scale.size_xyz, read_triple<Index>(size, 1));
  if (place.has("voxel_offset")) {
    NGFORGE_TRY(scale.voxel_offset, read_triple<Index>(place.at("voxel_offset"), -kMaxSize));
  }
  NGFORGE_TRY(const JsonPlace resolution, place.need("resolution"));
  NGFORGE_TRY(scale.resolution_nm, read_triple<double>(resolution, 0));
  for (const double length : scale.resolution_nm)
    if (!(length > 0) || !std::isfinite(length))
      return make_error(ErrorCode::invalid_data, "{}: expected lengths > 0 in nm, found {}", resolution.path,
                        resolution.json.dump());
  NGFORGE_TRY(const JsonPlace chunks, place.need("chunk_sizes"));
  if (!chunks.json.is_array() || chunks.json.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected at least one [x, y, z], found {}", chunks.path,
                      chunks.json.dump());
  for (std::size_t i = 0; i < chunks.json.size(); ++i) {
    NGFORGE_TRY(const auto chunk, read_triple<Index>(chunks.at(i), 1));
    scale.chunk_sizes.push_back(chunk);
  }
  NGFORGE_CHECK(parse_encoding(place, scale));
  if (place.has("sharding")) {
    NGFORGE_TRY(scale.sharding, parse_sharding(place.at("sharding")));
    if (scale.chunk_sizes.size() != 1)
      return make_error(ErrorCode::invalid_data, "{}: expected one size in a sharded scale, found {}", chunks.path,
                        scale.chunk_sizes.size());
  }
  return scale;
}

// Products of sizes are computed without further checks everywhere else.
bool is_countable(const std::array<Index, 3>& size_xyz, const VolumeInfo& info) {
  Index bytes = info.channels * static_cast<Index>(size_of(info.type));
  for (const Index size : size_xyz)
    if (__builtin_mul_overflow(bytes, size, &bytes)) return false;
  return bytes < Index{1} << 62;
}

// Reads "A-B" where A and B may be negative; moves `text` behind it.
bool read_range(std::string_view& text, Index& begin, Index& end) {
  const auto number = [&](Index& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return true;
  };
  if (!number(begin) || text.empty() || text.front() != '-') return false;
  text.remove_prefix(1);
  return number(end) && begin < end;
}

}  // namespace

GridVec ScaleInfo::grid_shape() const {
  GridVec grid;
  for (int a = 0; a < 3; ++a)
    grid[a] = ceil_div(size_xyz[static_cast<std::size_t>(a)], chunk_size()[static_cast<std::size_t>(a)]);
  return grid;
}

Box ScaleInfo::chunk_box(const GridVec& cell) const {
  Box box;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    box.begin[a] = voxel_offset[i] + cell[a] * chunk_size()[i];
    box.end[a] = voxel_offset[i] + std::min((cell[a] + 1) * chunk_size()[i], size_xyz[i]);
  }
  return box;
}

Result<VolumeInfo> parse_volume_info(std::string_view json, std::string_view where) {
  NGFORGE_TRY(const Json root, parse_json(json, where));
  const JsonPlace place{root, std::string(where), true};
  if (!root.is_object())
    return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", where, root.type_name());
  if (place.has("@type")) {
    const JsonPlace type = place.at("@type");
    NGFORGE_TRY(const std::string name, json_string(type.json, type.path));
    if (name != "neuroglancer_multiscale_volume")
      return make_error(ErrorCode::unsupported, "{}: expected \"neuroglancer_multiscale_volume\", found \"{}\"",
                        type.path, name);
  }
  VolumeInfo info;
  NGFORGE_TRY(const JsonPlace type, place.need("type"));
  NGFORGE_TRY(const std::string type_name, json_string(type.json, type.path));
  if (lower_case(type_name) != "image" && lower_case(type_name) != "segmentation")
    return make_error(ErrorCode::invalid_data, "{}: expected image|segmentation, found \"{}\"", type.path, type_name);
  info.is_segmentation = lower_case(type_name) == "segmentation";
  NGFORGE_TRY(const JsonPlace data, place.need("data_type"));
  NGFORGE_TRY(const std::string data_name, json_string(data.json, data.path));
  const auto data_type = parse_data_type(lower_case(data_name));
  if (!data_type || *data_type == DataType::int64 || *data_type == DataType::float64)
    return make_error(ErrorCode::invalid_data,
                      "{}: expected uint8|int8|uint16|int16|uint32|int32|uint64|float32, found \"{}\"", data.path,
                      data_name);
  info.type = *data_type;
  NGFORGE_TRY(const JsonPlace channels, place.need("num_channels"));
  NGFORGE_TRY(info.channels, json_integer(channels.json, channels.path, 1, 65535));
  NGFORGE_TRY(const JsonPlace scales, place.need("scales"));
  if (!scales.json.is_array() || scales.json.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected at least one scale, found {}", scales.path,
                      scales.json.type_name());
  if (scales.json.size() > kMaxScales)
    return make_error(ErrorCode::limit, "{}: expected at most {} scales, found {}", scales.path, kMaxScales,
                      scales.json.size());
  for (std::size_t i = 0; i < scales.json.size(); ++i) {
    NGFORGE_TRY(ScaleInfo scale, parse_scale(scales.at(i)));
    if (!is_countable(scale.size_xyz, info))
      return make_error(ErrorCode::limit, "{}: expected less than 2^62 bytes of voxels, found {} x {} x {}",
                        scales.at(i).at("size").path, scale.size_xyz[0], scale.size_xyz[1], scale.size_xyz[2]);
    info.scales.push_back(std::move(scale));
  }
  const std::pair<const char*, std::string*> folders[] = {
      {"mesh", &info.mesh}, {"skeletons", &info.skeletons}, {"segment_properties", &info.segment_properties}};
  for (const auto& [name, value] : folders)
    if (place.has(name)) {
      NGFORGE_TRY(*value, json_string(place.at(name).json, place.at(name).path));
    }
  return info;
}

std::string write_volume_info(const VolumeInfo& info) {
  Json json;
  json["@type"] = "neuroglancer_multiscale_volume";
  json["type"] = info.is_segmentation ? "segmentation" : "image";
  json["data_type"] = name_of(info.type);
  json["num_channels"] = info.channels;
  for (const ScaleInfo& scale : info.scales) {
    Json item;
    item["key"] = scale.key;
    item["size"] = scale.size_xyz;
    item["resolution"] = scale.resolution_nm;
    item["voxel_offset"] = scale.voxel_offset;
    item["chunk_sizes"] = scale.chunk_sizes;
    item["encoding"] = scale.encoding;
    if (scale.encoding == "compressed_segmentation") item["compressed_segmentation_block_size"] = scale.block_size_xyz;
    if (scale.sharding) item["sharding"] = to_json(*scale.sharding);
    json["scales"].push_back(std::move(item));
  }
  if (!info.mesh.empty()) json["mesh"] = info.mesh;
  if (!info.skeletons.empty()) json["skeletons"] = info.skeletons;
  if (!info.segment_properties.empty()) json["segment_properties"] = info.segment_properties;
  return dump_json(json);
}

std::string chunk_name(const Box& box) {
  return fmt::format("{}-{}_{}-{}_{}-{}", box.begin.x, box.end.x, box.begin.y, box.end.y, box.begin.z, box.end.z);
}

std::string deep_chunk_name(const Box& box) {
  return fmt::format("{}-{}/{}-{}/{}-{}", box.begin.x, box.end.x, box.begin.y, box.end.y, box.begin.z, box.end.z);
}

std::optional<Box> parse_chunk_name(std::string_view name) {
  Box box;
  for (int a = 0; a < 3; ++a) {
    if (a > 0) {
      if (name.empty() || name.front() != '_') return std::nullopt;
      name.remove_prefix(1);
    }
    if (!read_range(name, box.begin[a], box.end[a])) return std::nullopt;
  }
  if (!name.empty()) return std::nullopt;
  return box;
}

std::string_view name_of(Layout layout) {
  switch (layout) {
    case Layout::sharded: return "sharded";
    case Layout::flat: return "flat";
    case Layout::deep: return "deep";
  }
  __builtin_unreachable();
}

}  // namespace ngforge
