// SPDX-License-Identifier: Apache-2.0
#include "op/ome_zarr_plan.h"

#include <algorithm>

namespace ngforge {

Result<void> plan_ome_zarr_array(const VolumeOptions& options, ScaleInfo& scale, VolumePlan& plan) {
  auto& chunk = scale.chunk_sizes.front();
  std::uint64_t chunk_bytes = static_cast<std::uint64_t>(plan.channels) * size_of(plan.type);
  for (std::size_t a = 0; a < 3; ++a) {
    chunk[a] = std::min(chunk[a], scale.size_xyz[a]);
    chunk_bytes *= static_cast<std::uint64_t>(chunk[a]);
  }
  scale.key = fmt::format("{}", plan.info.scales.size());
  if (plan.compressor != nullptr && chunk_bytes > plan.compressor->most_input_bytes)
    return make_error(ErrorCode::invalid_argument, "--compress {}: expected chunks of at most {} bytes, found {}",
                      plan.compressor->name, plan.compressor->most_input_bytes, chunk_bytes)
        .with_hint("use another --chunk-size or --compress");
  if (plan.layout == Layout::sharded)
    plan.ome_zarr->shard_chunks_xyz.push_back(plan_zarr_shards(scale, chunk_bytes, options.shard_bytes));
  return {};
}

void describe_ome_zarr(const VolumeHeader& header, const VolumeOptions& options, VolumePlan& plan) {
  OmeZarr& image = *plan.ome_zarr;
  if (plan.kept_levels.empty()) image.downsampling = name_of(plan.method);
  image.is_rgb = plan.is_rgb && plan.type == DataType::uint8;
  if (header.is_anatomical) image.orientation = options.orientation;
  image.transform_nm = plan.transform_nm;
  if (plan.compressor != nullptr) image.compressor = plan.compressor->name;
  image.level = plan.level;
}

}  // namespace ngforge
