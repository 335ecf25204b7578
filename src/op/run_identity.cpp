// SPDX-License-Identifier: Apache-2.0
#include "op/run_identity.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "layout/provenance.h"
#include "layout/transform.h"
#include "ngforge/version.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == ' '; });
  return text;
}

}  // namespace

// The options that decide the result, in full (defaults resolved): what --resume compares and provenance keeps.
RunIdentity identity_of(const std::string& source, const VolumeHeader& header, const VolumePlan& plan) {
  RunIdentity identity{
      {"version", NGFORGE_VERSION},
      {"source", source},
      {"source_fingerprint", header.fingerprint},
      {"type", plan.is_segmentation ? "segmentation" : "image"},
      {"downsample", plan.kept_levels.empty() ? std::string(name_of(plan.method)) : "none"},
      {"outside", plan.outside.is_edge ? "edge" : shortest_number(plan.outside.value)},
      {"layout", std::string(name_of(plan.layout))},
      {"compress", plan.compressor != nullptr ? fmt::format("{} {}", plan.compressor->name, plan.level) : "none"},
      {"keep_empty", plan.keep_empty ? "yes" : "no"}};
  const ValueMap& values = plan.values;
  identity.emplace_back("values", fmt::format("{} to {}, slope {} intercept {}, part {}, clamps {}",
                                              name_of(values.from), name_of(values.to), values.slope, values.intercept,
                                              static_cast<int>(values.complex_part), values.clamps));
  if (values.window) identity.emplace_back("window", fmt::format("{},{}", (*values.window)[0], (*values.window)[1]));
  for (const CodecOption& option : plan.codec->options)
    identity.emplace_back(option.name, plan.codec_options.text(option));
  if (!plan.kept_levels.empty()) {
    std::string fingerprints = "keep";
    for (const KeptLevel& level : plan.kept_levels) fingerprints += " " + level.fingerprint;
    identity.emplace_back("scales", fingerprints);
  }
  if (values.nan) identity.emplace_back("nan", fmt::format("{}", *values.nan));
  const AxisMap& map = plan.axis_map;
  std::string axes;
  for (std::size_t a = 0; a < 3; ++a)
    axes += fmt::format("{}{}", map.reversed[a] ? '-' : '+', "ijk"[map.source_axis[a]]);
  identity.emplace_back("axes", axes);
  // Where the source's corner lies: a crop with another offset is another part of the source under the same names.
  const VoxelVec& origin = plan.origin_vox;
  identity.emplace_back("origin", fmt::format("{},{},{}", origin.x, origin.y, origin.z));
  identity.emplace_back("transform", plan.transform_nm ? one_line(write_transform(*plan.transform_nm)) : "none");
  identity.emplace_back("channels", fmt::format("{}", fmt::join(plan.source_channels, ",")));
  identity.emplace_back("info", write_volume_info(plan.info));
  if (plan.ome_zarr) identity.emplace_back("shards", fmt::format("{}", plan.ome_zarr->shard_chunks_xyz));
  return identity;
}

std::string difference_from_finished(const std::string& folder, const RunIdentity& identity,
                                     const DatasetFormat& format) {
  const std::string path = folder + "/" + format.provenance_key();
  const auto provenance = parse_provenance(text_of_file(path), path);
  for (const auto& [name, now] : identity) {
    if (!provenance || provenance->task != "ngforge convert") break;
    const auto found = std::ranges::find(provenance->options, name, &RunIdentity::value_type::first);
    if (found != provenance->options.end() && found->second != now)
      return fmt::format("{} was {}, now {}", name, found->second, now);
  }
  return format.says_the_same(folder)
             ? ""
             : fmt::format("its {} says otherwise than this run would", format.metadata().back().first);
}

}  // namespace ngforge
