// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <fmt/ranges.h>

#include "core/affine.h"
#include "core/json.h"
#include "core/orientation.h"
#include "ngforge/op.h"
#include "op/readers.h"
#include "source/precomputed.h"
#include "source/source.h"

namespace ngforge {
namespace {

std::string three(const auto& values, std::string_view separator = " x ") {
  return fmt::format("{}{}{}{}{}", values[0], separator, values[1], separator, values[2]);
}

std::string describe_file(const std::string& place, const VolumeHeader& header, Access access, bool as_json) {
  const auto lengths_mm = column_lengths(header.affine_ijk_to_mm);
  const std::string orientation = header.is_anatomical ? axis_codes(header.affine_ijk_to_mm) : "";
  if (as_json) {
    Json json{{"source", place}, {"format", header.format}};
    json["size"] = {header.size_ijk.x, header.size_ijk.y, header.size_ijk.z};
    json["num_channels"] = header.channels;
    json["channel_axes"] = header.channel_axes;
    json["colors"] = header.channels_are_colors;
    json["data_type"] = name_of(header.type);
    json["slope"] = header.slope;
    json["intercept"] = header.intercept;
    json["is_label"] = header.has_label_intent;
    json["voxel_size_mm"] = header.has_voxel_size ? Json(lengths_mm) : Json();
    json["orientation"] = orientation.empty() ? Json() : Json(orientation);
    json["affine_mm"] = Json::array();
    for (const auto& row : header.affine_ijk_to_mm.m) json["affine_mm"].push_back(row);
    json["bytes"] = header.stored_bytes;
    json["is_stream"] = access == Access::once;
    json["details"] = header.details;
    return dump_json(json);
  }
  std::string text = fmt::format("{}: {}\n", place, header.format);
  text += fmt::format("  size         {} voxels (i, j, k)\n", three(header.size_ijk));
  if (header.channels > 1)
    text += fmt::format(
        "  channels     {}{}\n", header.channels,
        header.channels_are_colors ? " (colours)" : fmt::format(" ({})", fmt::join(header.channel_axes, " x ")));
  text += fmt::format("  data type    {}\n", name_of(header.type));
  if (header.slope != 1 || header.intercept != 0)
    text += fmt::format("  scaling      {} x stored + {}\n", header.slope, header.intercept);
  if (header.has_voxel_size)
    text += fmt::format("  voxel size   {:.6g} x {:.6g} x {:.6g} mm\n", lengths_mm[0], lengths_mm[1], lengths_mm[2]);
  if (!orientation.empty()) text += fmt::format("  orientation  {} (where i, j, k point to)\n", orientation);
  if (header.has_label_intent) text += "  intent       labels\n";
  if (!header.details.empty()) text += fmt::format("  header       {}\n", header.details);
  if (header.stored_bytes > 0) text += fmt::format("  bytes        {}\n", header.stored_bytes);
  return text;
}

std::string sharding_text(const ScaleInfo& scale) {
  if (!scale.sharding) return "a file per chunk";
  const ShardingSpec& spec = *scale.sharding;
  return fmt::format("shards (preshift {}, minishard {}, shard {}, {}, data {})", spec.preshift_bits,
                     spec.minishard_bits, spec.shard_bits, spec.is_murmur ? "murmurhash3_x86_128" : "identity",
                     spec.gzip_data ? "gzip" : "raw");
}

Json scale_json(const ScaleInfo& scale) {
  Json json{{"key", scale.key}};
  json["size"] = scale.size_xyz;
  json["voxel_offset"] = scale.voxel_offset;
  json["resolution"] = scale.resolution_nm;
  json["chunk_size"] = scale.chunk_size();
  json["chunks"] = scale.grid_shape().product();
  json["encoding"] = scale.encoding;
  json["sharding"] = scale.sharding ? Json(sharding_text(scale)) : Json();
  return json;
}

std::string scale_table(const VolumeInfo& info) {
  std::string text = fmt::format("{:24} {:>20} {:>20} {:>20} {:>14} {:>10} {}\n", "key", "size", "voxel offset",
                                 "resolution nm", "chunk", "chunks", "encoding");
  for (const ScaleInfo& scale : info.scales)
    text += fmt::format("{:24} {:>20} {:>20} {:>20} {:>14} {:>10} {}, {}\n", scale.key, three(scale.size_xyz, ","),
                        three(scale.voxel_offset, ","), three(scale.resolution_nm, ","), three(scale.chunk_size(), ","),
                        scale.grid_shape().product(), scale.encoding, sharding_text(scale));
  return text;
}

std::string describe_dataset(const std::string& place, const PrecomputedVolume& volume, bool as_json, bool as_table) {
  const VolumeInfo& info = volume.info();
  const auto readers = readers_that_cannot_open(info, volume.layout(0), volume.has_gzip_names());
  if (as_json) {
    Json json{{"source", place}, {"format", "neuroglancer precomputed"}};
    json["type"] = info.is_segmentation ? "segmentation" : "image";
    json["data_type"] = name_of(info.type);
    json["num_channels"] = info.channels;
    json["scales"] = Json::array();
    for (const ScaleInfo& scale : info.scales) json["scales"].push_back(scale_json(scale));
    json["transform"] = nullptr;
    if (volume.transform_nm()) {
      json["transform"] = Json::array();
      for (const auto& row : volume.transform_nm()->m) json["transform"].push_back(row);
    }
    json["notes"] = readers;
    return dump_json(json);
  }
  if (as_table) return scale_table(info);
  std::string text = fmt::format("{}: neuroglancer precomputed, {}, {}, {} channel{}\n", place,
                                 info.is_segmentation ? "segmentation" : "image", name_of(info.type), info.channels,
                                 info.channels == 1 ? "" : "s");
  for (const ScaleInfo& scale : info.scales)
    text += fmt::format("  {}: {} voxels of {} nm, {} chunks of {}, {}, {}\n", scale.key, three(scale.size_xyz),
                        three(scale.resolution_nm), scale.grid_shape().product(), three(scale.chunk_size()),
                        scale.encoding, sharding_text(scale));
  if (volume.transform_nm()) {
    const auto origin = volume.transform_nm()->m;
    text += fmt::format("  corner at    {:.6g}, {:.6g}, {:.6g} mm (transform.json)\n", origin[0][3] / 1e6,
                        origin[1][3] / 1e6, origin[2][3] / 1e6);
  }
  for (const std::string& reader : readers) text += fmt::format("  note: {}\n", reader);
  return text;
}

}  // namespace

Result<std::string> describe(const std::string& place, bool as_json, bool as_scale_table) {
  if (is_precomputed(place)) {
    NGFORGE_TRY(const auto volume, PrecomputedVolume::open(place));
    return describe_dataset(place, *volume, as_json, as_scale_table);
  }
  NGFORGE_TRY(const auto source, open_source(place));
  if (as_scale_table)
    return make_error(ErrorCode::invalid_argument, "--scales: expected a dataset, found a {} file",
                      source->header().format);
  return describe_file(place, source->header(), source->access(), as_json);
}

}  // namespace ngforge
