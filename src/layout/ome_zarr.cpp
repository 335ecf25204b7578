// SPDX-License-Identifier: Apache-2.0
// NGFF 0.5 (https://ngff.openmicroscopy.org/0.5), Zarr v3 (https://zarr-specs.readthedocs.io), sharding_indexed; the
// anatomical orientation of axes is that of NGFF's RFC 4.
#include "layout/ome_zarr.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "compress/compressor.h"
#include "core/affine.h"
#include "core/json.h"
#include "ngforge/version.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMostChunksInShard = 1 << 15;
constexpr std::uint64_t kEntryBytes = 16, kChecksumBytes = 4;

struct LengthUnit {
  const char* name;
  double nm;
};

// People expect millimetres of a scan and micrometres of a microscope.
LengthUnit unit_of(const ScaleInfo& finest) {
  const double side_nm = *std::ranges::min_element(finest.resolution_nm);
  if (side_nm >= 5e4) return {"millimeter", 1e6};
  return side_nm >= 100 ? LengthUnit{"micrometer", 1e3} : LengthUnit{"nanometer", 1};
}

// The part of the way from the dataset's nm to the world that needs no turning, and what is left then.
struct Placement {
  Affine placed;
  std::optional<Affine> rest;
};

Placement placement_of(const OmeZarr& image) {
  // Directions closer than this are the same: headers hold them in 32 bits.
  constexpr double kSameDirection = 1e-5, kNothing = 1e-9;
  Placement placement;
  if (!image.transform_nm) return placement;
  const Affine& transform = *image.transform_nm;
  bool is_straight = true;
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column)
      if (std::abs(transform.m[row][column] - (row == column ? 1 : 0)) > kSameDirection) is_straight = false;
  if (is_straight)
    for (std::size_t a = 0; a < 3; ++a) {
      placement.placed.m[a][a] = transform.m[a][a];
      placement.placed.m[a][3] = transform.m[a][3];
    }
  const Affine rest = multiply(transform, *inverse(placement.placed));
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column)
      if (std::abs(rest.m[row][column] - (row == column ? 1 : 0)) > kNothing) placement.rest = rest;
  return placement;
}

struct Direction {
  char letter;
  std::string_view words;
};

constexpr Direction kDirections[] = {{'R', "left-to-right"},         {'L', "right-to-left"},
                                     {'A', "posterior-to-anterior"}, {'P', "anterior-to-posterior"},
                                     {'S', "inferior-to-superior"},  {'I', "superior-to-inferior"}};

// From x, y, z to the order of the arrays, with what stands for the channels in front.
template <class T>
Json in_array_order(const VolumeInfo& info, const T& channels, const std::array<T, 3>& xyz) {
  Json list = Json::array();
  if (info.channels > 1) list.push_back(channels);
  for (std::size_t a = 3; a-- > 0;) list.push_back(xyz[a]);
  return list;
}

Json axes_of(const VolumeInfo& info, const OmeZarr& image, const LengthUnit& unit) {
  std::array<Json, 3> space;
  for (std::size_t a = 0; a < 3; ++a) {
    space[a] = {{"name", std::string(1, "xyz"[a])}, {"type", "space"}, {"unit", unit.name}};
    if (!image.orientation.empty())
      space[a]["orientation"] = {
          {"type", "anatomical"},
          {"value", std::ranges::find(kDirections, image.orientation[a], &Direction::letter)->words}};
  }
  return in_array_order(info, Json{{"name", "c"}, {"type", "channel"}}, space);
}

Json datasets_of(const VolumeInfo& info, const Affine& placed, const LengthUnit& unit) {
  Json datasets = Json::array();
  for (const ScaleInfo& scale : info.scales) {
    std::array<double, 3> side{}, first_centre{};
    for (std::size_t a = 0; a < 3; ++a) {
      const double side_nm = placed.m[a][a] * scale.resolution_nm[a];
      side[a] = side_nm / unit.nm;
      first_centre[a] = (placed.m[a][3] + (static_cast<double>(scale.voxel_offset[a]) + 0.5) * side_nm) / unit.nm;
    }
    datasets.push_back({{"path", scale.key},
                        {"coordinateTransformations",
                         {{{"type", "scale"}, {"scale", in_array_order(info, 1.0, side)}},
                          {{"type", "translation"}, {"translation", in_array_order(info, 0.0, first_centre)}}}}});
  }
  return datasets;
}

// Which colours the channels are; without it viewers take them for separate grey pictures.
Json colours(const VolumeInfo& info) {
  constexpr std::array<const char*, 4> kNames{"red", "green", "blue", "alpha"};
  constexpr std::array<const char*, 4> kColours{"FF0000", "00FF00", "0000FF", "FFFFFF"};
  Json channels = Json::array();
  for (std::size_t c = 0; c < static_cast<std::size_t>(info.channels) && c < kNames.size(); ++c)
    channels.push_back({{"label", kNames[c]},
                        {"color", kColours[c]},
                        {"active", c < 3},
                        {"window", {{"min", 0}, {"max", 255}, {"start", 0}, {"end", 255}}}});
  return {{"channels", channels}, {"rdefs", {{"model", "color"}}}};
}

Json bytes_codec(std::size_t value_bytes) {
  if (value_bytes == 1) return {{"name", "bytes"}};
  return {{"name", "bytes"}, {"configuration", {{"endian", "little"}}}};
}

Json chunk_codecs(const OmeZarr& image, std::size_t value_bytes) {
  Json codecs = Json::array({bytes_codec(value_bytes)});
  if (image.compressor.empty()) return codecs;
  Json configuration{{"level", image.level}};
  if (image.compressor == "zstd") configuration["checksum"] = false;
  if (image.compressor == "blosc")
    configuration = {{"typesize", value_bytes},
                     {"cname", kBloscInner},
                     {"clevel", image.level},
                     {"shuffle", blosc_shuffle(value_bytes)},
                     {"blocksize", 0}};
  codecs.push_back({{"name", image.compressor}, {"configuration", configuration}});
  return codecs;
}

Json named(const char* name, Json configuration) {
  return {{"name", name}, {"configuration", std::move(configuration)}};
}

}  // namespace

std::optional<char> anatomical_letter(std::string_view words) {
  const auto* found = std::ranges::find(kDirections, words, &Direction::words);
  return found != std::end(kDirections) ? std::optional(found->letter) : std::nullopt;
}

std::string write_ome_zarr_group(const VolumeInfo& info, const OmeZarr& image) {
  const LengthUnit unit = unit_of(info.scales.front());
  const Placement placement = placement_of(image);
  // Without a name: readers take that of the folder, which may change.
  Json multiscale{{"axes", axes_of(info, image, unit)}, {"datasets", datasets_of(info, placement.placed, unit)}};
  if (!image.downsampling.empty()) multiscale["type"] = image.downsampling;
  multiscale["metadata"] = {{"method", "ngforge convert"}, {"version", NGFORGE_VERSION}};
  Json ome{{"version", "0.5"}, {"multiscales", Json::array({std::move(multiscale)})}};
  if (info.is_segmentation) ome["image-label"] = Json::object();
  if (image.is_rgb) ome["omero"] = colours(info);
  Json attributes{{"ome", std::move(ome)}};
  if (placement.rest) attributes["ngforge"] = {{"transform", placement.rest->m}};
  return dump_json({{"zarr_format", 3}, {"node_type", "group"}, {"attributes", std::move(attributes)}}, 2);
}

std::string write_ome_zarr_array(const VolumeInfo& info, const OmeZarr& image, std::size_t number) {
  const ScaleInfo& scale = info.scales[number];
  const std::size_t value_bytes = size_of(info.type);
  const auto chunk = scale.chunk_size();
  Json codecs = chunk_codecs(image, value_bytes);
  std::array<Index, 3> file = chunk;
  if (!image.shard_chunks_xyz.empty()) {
    for (std::size_t a = 0; a < 3; ++a) file[a] *= image.shard_chunks_xyz[number][a];
    const Json index_codecs = Json::array({bytes_codec(sizeof(std::uint64_t)), Json{{"name", "crc32c"}}});
    codecs = Json::array({named("sharding_indexed", {{"chunk_shape", in_array_order(info, info.channels, chunk)},
                                                     {"codecs", std::move(codecs)},
                                                     {"index_codecs", index_codecs},
                                                     {"index_location", "end"}})});
  }
  const std::array<std::string, 3> names{"x", "y", "z"};
  return dump_json({{"zarr_format", 3},
                    {"node_type", "array"},
                    {"shape", in_array_order(info, info.channels, scale.size_xyz)},
                    {"data_type", name_of(info.type)},
                    {"chunk_grid", named("regular", {{"chunk_shape", in_array_order(info, info.channels, file)}})},
                    {"chunk_key_encoding", named("default", {{"separator", "/"}})},
                    {"fill_value", 0},
                    {"codecs", std::move(codecs)},
                    {"attributes", Json::object()},
                    {"dimension_names", in_array_order(info, std::string("c"), names)}},
                   2);
}

std::string zarr_chunk_key(const GridVec& cell, Index channels) {
  return fmt::format("c/{}{}/{}/{}", channels > 1 ? "0/" : "", cell.z, cell.y, cell.x);
}

std::uint64_t zarr_shard_index_bytes(const std::array<Index, 3>& shard_chunks_xyz) {
  return static_cast<std::uint64_t>(shard_chunks_xyz[0] * shard_chunks_xyz[1] * shard_chunks_xyz[2]) * kEntryBytes +
         kChecksumBytes;
}

std::array<Index, 3> plan_zarr_shards(const ScaleInfo& scale, std::uint64_t chunk_bytes, std::uint64_t shard_bytes) {
  const GridVec grid = scale.grid_shape();
  const std::uint64_t most = std::clamp<std::uint64_t>(shard_bytes / chunk_bytes, 1, kMostChunksInShard);
  std::array<Index, 3> shard{1, 1, 1};
  std::array<bool, 3> is_done{};
  while (true) {
    std::size_t shortest = 3;
    double least_nm = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      const double side_nm = static_cast<double>(shard[a] * scale.chunk_size()[a]) * scale.resolution_nm[a];
      if (is_done[a] || shard[a] >= grid[static_cast<int>(a)] || (shortest < 3 && side_nm >= least_nm)) continue;
      shortest = a;
      least_nm = side_nm;
    }
    if (shortest == 3) return shard;
    const Index before = shard[shortest];
    shard[shortest] = std::min(2 * before, grid[static_cast<int>(shortest)]);
    if (static_cast<std::uint64_t>(shard[0] * shard[1] * shard[2]) <= most) continue;
    shard[shortest] = before;
    is_done[shortest] = true;
  }
}

}  // namespace ngforge
