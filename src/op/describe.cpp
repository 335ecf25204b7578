// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "core/affine.h"
#include "core/json.h"
#include "core/orientation.h"
#include "layout/provenance.h"
#include "layout/volume_info.h"
#include "ngforge/op.h"
#include "ngforge/text.h"
#include "op/readers.h"
#include "op/stored_properties.h"
#include "source/precomputed.h"
#include "source/source.h"
#include "store/http.h"

namespace ngforge {
namespace {

std::string three(const auto& values, std::string_view separator = " x ") {
  return fmt::format("{:.10g}{}{:.10g}{}{:.10g}", static_cast<double>(values[0]), separator,
                     static_cast<double>(values[1]), separator, static_cast<double>(values[2]));
}

std::string three(const std::array<Index, 3>& values, std::string_view separator = " x ") {
  return fmt::format("{}", fmt::join(values, separator));
}

// Seven digits: what a header of floats can say.
std::string rounded(const std::array<double, 3>& values) {
  return fmt::format("{:.7g}, {:.7g}, {:.7g}", values[0], values[1], values[2]);
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void add_line(std::string& text, std::string_view name, std::string_view value) {
  text += fmt::format("  {:12} {}\n", name, value);
}

Json rows_of(const Affine& affine) {
  Json rows = Json::array();
  for (const auto& row : affine.m) rows.push_back(row);
  return rows;
}

std::uint64_t voxel_bytes_of(const VolumeHeader& header) {
  return static_cast<std::uint64_t>(header.size_ijk.product() * header.channels) * size_of(header.type);
}

std::string file_json(const std::string& place, const VolumeHeader& header, Access access) {
  Json json{{"source", place}, {"format", header.format}};
  json["size"] = {header.size_ijk.x, header.size_ijk.y, header.size_ijk.z};
  json["num_channels"] = header.channels;
  json["channel_axes"] = header.channel_axes;
  json["colors"] = header.channels_are_colors;
  json["data_type"] = name_of(header.type);
  json["slope"] = header.slope;
  json["intercept"] = header.intercept;
  json["is_label"] = header.has_label_intent;
  json["voxel_size_mm"] = header.has_voxel_size ? Json(column_lengths(header.affine_ijk_to_mm)) : Json();
  json["orientation"] = header.is_anatomical ? Json(axis_codes(header.affine_ijk_to_mm)) : Json();
  json["affine_mm"] = rows_of(header.affine_ijk_to_mm);
  json["bytes"] = header.stored_bytes > 0 ? Json(header.stored_bytes) : Json();
  json["voxel_bytes"] = voxel_bytes_of(header);
  json["is_gzip"] = header.is_compressed_stream;
  json["is_stream"] = access == Access::once;
  json["details"] = header.details;
  return dump_json(json);
}

std::string file_text(const std::string& place, const VolumeHeader& header) {
  std::string text = fmt::format("{}: {}{}\n", place, header.format, header.is_compressed_stream ? ", gzip" : "");
  add_line(text, "size",
           fmt::format("{} x {} x {} voxels (i, j, k)", header.size_ijk.x, header.size_ijk.y, header.size_ijk.z));
  if (header.channels > 1)
    add_line(text, "channels",
             header.channels_are_colors ? fmt::format("{} (colours)", header.channels)
             : header.channel_axes.size() > 1
                 ? fmt::format("{} ({})", header.channels, fmt::join(header.channel_axes, " x "))
                 : fmt::format("{}", header.channels));
  add_line(text, "data type", name_of(header.type));
  if (header.slope != 1 || header.intercept != 0)
    add_line(text, "scaling", fmt::format("value = {:.9g} x stored + {:.9g}", header.slope, header.intercept));
  auto voxel_nm = column_lengths(header.affine_ijk_to_mm);
  for (double& length : voxel_nm) length *= 1e6;
  add_line(text, "voxel size", header.has_voxel_size ? lengths_text(voxel_nm) : "not stated (give --voxel-size)");
  if (header.is_anatomical)
    add_line(text, "orientation", axis_codes(header.affine_ijk_to_mm) + " (where i, j, k point to)");
  const auto& m = header.affine_ijk_to_mm.m;
  if (header.is_anatomical)
    add_line(text, "origin", fmt::format("{} mm (centre of the first voxel)", rounded({m[0][3], m[1][3], m[2][3]})));
  if (header.has_label_intent) add_line(text, "intent", "labels");
  if (!header.details.empty()) add_line(text, "header", header.details);
  add_line(text, "bytes",
           fmt::format("{}{} of voxels", header.stored_bytes > 0 ? bytes_text(header.stored_bytes) + " on disk, " : "",
                       bytes_text(voxel_bytes_of(header))));
  return text;
}

struct FileSum {
  std::uint64_t files = 0, bytes = 0;
  bool was_listed = true;
};

// Everything below a folder; what is not there, or behind a server that does not list it, counts nothing.
Result<FileSum> sum_of_files(Store& store, const std::string& folder, int depth = 0) {
  constexpr int kDeepest = 3;
  FileSum sum;
  const auto names = store.list(folder);
  if (!names && (names.error().code == ErrorCode::unsupported || is_web_server(store))) {
    sum.was_listed = false;
    return sum;
  }
  if (!names && names.error().code == ErrorCode::not_found) return sum;
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (!name.ends_with('/')) {
      const auto object = store.stat(folder + name);
      // A pipe, a link to nowhere: no reader gets anything of it.
      if (!object && object.error().code == ErrorCode::not_found) continue;
      if (!object) return object.error();
      ++sum.files;
      sum.bytes += object->size;
    } else if (depth < kDeepest) {
      NGFORGE_TRY(const FileSum below, sum_of_files(store, folder + name, depth + 1));
      sum.files += below.files;
      sum.bytes += below.bytes;
    }
  }
  return sum;
}

std::string sharding_text(const ShardingSpec& spec) {
  return fmt::format("preshift {}, minishard {}, shard {}, {}, index {}, data {}", spec.preshift_bits,
                     spec.minishard_bits, spec.shard_bits, spec.is_murmur ? "murmurhash3_x86_128" : "identity",
                     spec.gzip_index ? "gzip" : "raw", spec.gzip_data ? "gzip" : "raw");
}

Json sharding_json(const ShardingSpec& spec) {
  return {{"preshift_bits", spec.preshift_bits},
          {"minishard_bits", spec.minishard_bits},
          {"shard_bits", spec.shard_bits},
          {"hash", spec.is_murmur ? "murmurhash3_x86_128" : "identity"},
          {"minishard_index_encoding", spec.gzip_index ? "gzip" : "raw"},
          {"data_encoding", spec.gzip_data ? "gzip" : "raw"}};
}

// Rows of as many cells, below each other.
std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) line += fmt::format("{:{}}  ", row[c], widths[c]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

// The resolutions of a source that is no dataset.
Result<std::string> level_table(VolumeSource& source) {
  std::vector<std::vector<std::string>> rows{{"level", "size", "voxel size nm", "chunk", "format"}};
  for (std::size_t k = 0; k < source.level_count(); ++k) {
    std::unique_ptr<VolumeSource> level;
    if (k > 0) {
      NGFORGE_TRY(level, source.open_level(k));
    }
    const VolumeHeader& header = level ? level->header() : source.header();
    const auto three_of = [](const SourceVec& v) { return fmt::format("{},{},{}", v.x, v.y, v.z); };
    auto voxel_nm = column_lengths(header.affine_ijk_to_mm);
    for (double& length : voxel_nm) length *= 1e6;
    rows.push_back({fmt::format("{}", k), three_of(header.size_ijk),
                    header.has_voxel_size ? fmt::format("{:.7g}", fmt::join(voxel_nm, ",")) : "-",
                    header.chunk_ijk.product() > 0 ? three_of(header.chunk_ijk) : "-", header.format});
  }
  return table_text(rows);
}

std::string_view value_type_of(const SegmentProperty& property) {
  return property.kind == SegmentProperty::Kind::number ? name_of(property.type) : name_of(property.kind);
}

Json property_json(const SegmentProperty& property) {
  Json json{{"id", property.id}, {"type", name_of(property.kind)}};
  if (property.kind == SegmentProperty::Kind::number) json["data_type"] = name_of(property.type);
  return json;
}

// "83: name (label), volume (uint32)"
std::string segments_text(const SegmentProperties& properties) {
  std::string text = fmt::format("{}", properties.ids.size());
  for (std::size_t i = 0; i < properties.properties.size(); ++i)
    text += fmt::format("{} {} ({})", i == 0 ? ":" : ",", properties.properties[i].id,
                        value_type_of(properties.properties[i]));
  return text;
}

/// What `info` says of a dataset.
class DatasetDescription {
 public:
  static Result<DatasetDescription> read(const std::string& place) {
    NGFORGE_TRY(auto volume, PrecomputedVolume::open(place));
    DatasetDescription description(place, std::move(volume));
    for (const ScaleInfo& scale : description.info().scales) {
      auto sum = sum_of_files(*description.volume_->store(), scale.key + "/");
      if (!sum) return std::move(sum).error().of_source();
      description.sums_.push_back(*sum);
    }
    std::vector<std::string> ignored;
    if (const auto folder = properties_folder(description.info())) {
      auto properties = read_stored_properties(*description.volume_->store(), *folder, kMaxPropertiesBytes, ignored);
      if (properties) description.properties_ = std::move(*properties);
    }
    return description;
  }

  std::string json() const {
    Json json{{"source", place_}, {"format", "neuroglancer precomputed"}};
    json["type"] = type();
    json["data_type"] = name_of(info().type);
    json["num_channels"] = info().channels;
    json["layout"] = name_of(layout_);
    json["scales"] = Json::array();
    for (std::size_t k = 0; k < sums_.size(); ++k) json["scales"].push_back(scale_json(k));
    json["transform"] = volume_->transform_nm() ? rows_of(*volume_->transform_nm()) : Json();
    for (const auto& [name, link] : links()) json[name] = link.empty() ? Json() : Json(link);
    json["segments"] = properties_ ? Json(properties_->ids.size()) : Json();
    json["properties"] = Json::array();
    for (const SegmentProperty& property : shown_properties()) json["properties"].push_back(property_json(property));
    json["files"] = total().files;
    json["bytes"] = total().bytes;
    json["notes"] = readers();
    return dump_json(json);
  }

  std::string text() const {
    const ScaleInfo& finest = info().scales.front();
    std::string text = fmt::format("{}: neuroglancer precomputed, {}\n", place_, type());
    add_line(text, "size", fmt::format("{} voxels of {}", three(finest.size_xyz), lengths_text(finest.resolution_nm)));
    if (finest.voxel_offset != std::array<Index, 3>{}) add_line(text, "voxel offset", three(finest.voxel_offset, ", "));
    add_line(
        text, "data type",
        fmt::format("{}, {}", name_of(info().type), plural(static_cast<std::uint64_t>(info().channels), "channel")));
    add_line(text, "encoding", finest.encoding);
    add_line(
        text, "layout",
        finest.sharding ? fmt::format("sharded ({})", sharding_text(*finest.sharding)) : std::string(name_of(layout_)));
    if (volume_->transform_nm()) {
      const auto& m = volume_->transform_nm()->m;
      add_line(text, "orientation", axis_codes(*volume_->transform_nm()) + " (where x, y, z point to)");
      add_line(text, "origin",
               fmt::format("{} mm (corner of voxel 0, 0, 0)", rounded({m[0][3] / 1e6, m[1][3] / 1e6, m[2][3] / 1e6})));
    }
    for (const auto& [name, link] : links())
      if (!link.empty()) add_line(text, name == kPropertiesLink ? "properties" : name, link);
    if (properties_) add_line(text, "segments", segments_text(*properties_));
    add_line(text, "bytes", fmt::format("{} in {}", bytes_text(total().bytes), plural(total().files, "file")));
    add_line(text, "scales", fmt::format("{}", info().scales.size()));
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      const ScaleInfo& scale = info().scales[k];
      text += fmt::format("    {}: {} voxels, {} of {}, {}, {}\n", scale.key, three(scale.size_xyz),
                          plural(static_cast<std::uint64_t>(scale.grid_shape().product()), "chunk"),
                          three(scale.chunk_size()), plural(sums_[k].files, "file"), bytes_text(sums_[k].bytes));
    }
    for (const std::string& reader : readers()) text += fmt::format("  note: {}\n", reader);
    return text;
  }

  std::string table() const {
    std::vector<std::vector<std::string>> rows{
        {"key", "size", "offset", "resolution nm", "chunk", "chunks", "encoding", "files", "bytes", "sharding"}};
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      const ScaleInfo& scale = info().scales[k];
      rows.push_back({scale.key, three(scale.size_xyz, ","), three(scale.voxel_offset, ","),
                      three(scale.resolution_nm, ","), three(scale.chunk_size(), ","),
                      fmt::format("{}", scale.grid_shape().product()), scale.encoding,
                      fmt::format("{}", sums_[k].files), fmt::format("{}", sums_[k].bytes),
                      scale.sharding ? sharding_text(*scale.sharding) : "-"});
    }
    return table_text(rows);
  }

 private:
  DatasetDescription(std::string place, std::shared_ptr<PrecomputedVolume> volume)
      : place_(std::move(place)), volume_(std::move(volume)), layout_(volume_->layout(0)) {}

  // A tree of JSON takes many times its text; `check` says what is wrong with those that cannot be read.
  static constexpr std::uint64_t kMaxPropertiesBytes = 64 << 20;

  const VolumeInfo& info() const { return volume_->info(); }
  std::vector<SegmentProperty> shown_properties() const {
    return properties_ ? properties_->properties : std::vector<SegmentProperty>();
  }
  std::string type() const { return info().is_segmentation ? "segmentation" : "image"; }
  std::vector<std::string> readers() const {
    auto lines = readers_that_cannot_open(info(), layout_, volume_->has_gzip_names());
    if (leaves_chunks_out()) lines.push_back(absent_chunks_notice());
    return lines;
  }
  std::vector<std::pair<std::string, std::string>> links() const {
    return {{"mesh", info().mesh}, {"skeletons", info().skeletons}, {"segment_properties", info().segment_properties}};
  }
  // As far as it can be known without reading the indices of shards: from what was written, or the number of files.
  bool leaves_chunks_out() const {
    constexpr std::uint64_t kMaxProvenanceBytes = std::uint64_t{1} << 26;
    const auto bytes = get_decoded(*volume_->store(), "provenance", kMaxProvenanceBytes);
    const auto told = bytes ? parse_provenance({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "")
                            : Result<Provenance>(bytes.error());
    if (told && !told->task.empty())
      return std::ranges::any_of(told->scales, [](const Provenance::Scale& scale) { return scale.empty_chunks > 0; });
    for (std::size_t k = 0; k < sums_.size(); ++k)
      if (!info().scales[k].sharding && sums_[k].was_listed &&
          sums_[k].files < static_cast<std::uint64_t>(info().scales[k].grid_shape().product()))
        return true;
    return false;
  }
  FileSum total() const {
    FileSum total;
    for (const FileSum& sum : sums_) total = {total.files + sum.files, total.bytes + sum.bytes, true};
    return total;
  }

  Json scale_json(std::size_t k) const {
    const ScaleInfo& scale = info().scales[k];
    Json json{{"key", scale.key}};
    json["size"] = scale.size_xyz;
    json["voxel_offset"] = scale.voxel_offset;
    json["resolution"] = scale.resolution_nm;
    json["chunk_size"] = scale.chunk_size();
    json["chunks"] = scale.grid_shape().product();
    json["encoding"] = scale.encoding;
    json["sharding"] = scale.sharding ? sharding_json(*scale.sharding) : Json();
    json["files"] = sums_[k].files;
    json["bytes"] = sums_[k].bytes;
    return json;
  }

  std::string place_;
  std::shared_ptr<PrecomputedVolume> volume_;
  Layout layout_;
  std::vector<FileSum> sums_;                    // by scale
  std::optional<SegmentProperties> properties_;  // of segments, if there are any that can be read
};

}  // namespace

Result<std::string> describe(const std::string& place, bool as_json, bool as_scale_table,
                             const SourceOptions& options) {
  if (is_precomputed(place)) {
    NGFORGE_TRY(const auto description, DatasetDescription::read(place));
    return as_json ? description.json() : as_scale_table ? description.table() : description.text();
  }
  NGFORGE_TRY(const auto source, open_source(place, options));
  if (as_scale_table) return level_table(*source);
  return as_json ? file_json(place, source->header(), source->access()) : file_text(place, source->header());
}

}  // namespace ngforge
