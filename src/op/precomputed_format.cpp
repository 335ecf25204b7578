// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "layout/sharding.h"
#include "layout/transform.h"
#include "op/dataset_format.h"
#include "op/readers.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

// Without what other commands may add to it later.
std::string scales_of(VolumeInfo info) {
  info.mesh.clear();
  info.skeletons.clear();
  info.segment_properties.clear();
  return write_volume_info(info);
}

class PrecomputedFormat final : public DatasetFormat {
 public:
  explicit PrecomputedFormat(const VolumePlan& plan) : plan_(plan) {}

  const char* title() const override { return "neuroglancer precomputed"; }

  Result<std::unique_ptr<ChunkSink>> open_sink(const std::string& folder, std::size_t k, bool resume,
                                               std::shared_ptr<WaitingRoom> room) const override {
    const ScaleInfo& scale = plan_.info.scales[k];
    if (plan_.layout == Layout::sharded) return open_shard_sink(folder, scale, resume, std::move(room));
    const auto name = [scale, is_flat = plan_.layout == Layout::flat,
                       suffix = plan_.compressor != nullptr ? ".gz" : ""](const GridVec& cell) {
      const Box box_vox = scale.chunk_box(cell);
      return (is_flat ? chunk_name(box_vox) : deep_chunk_name(box_vox)) + suffix;
    };
    return open_file_sink(folder + "/" + scale.key, name, resume);
  }

  void describe_scale(std::size_t k, ScaleReport& report) const override {
    const ScaleInfo& scale = plan_.info.scales[k];
    report.encoding = scale.encoding;
    report.files = report.chunks;
    if (!scale.sharding) return;
    const ShardingSpec& spec = *scale.sharding;
    report.sharding = fmt::format("{},{},{},{}", spec.preshift_bits, spec.minishard_bits, spec.shard_bits,
                                  spec.is_murmur ? "murmurhash3_x86_128" : "identity");
    report.files = std::min<std::uint64_t>(report.chunks, 1ull << std::min(spec.shard_bits, 62));
    const std::uint64_t minishards = std::min(report.chunks, report.files << std::min(spec.minishard_bits, 40));
    report.bytes += report.chunks * 24 + report.files * shard_index_bytes(spec) + minishards * 64;
  }

  const char* provenance_key() const override { return "provenance"; }

  std::vector<std::pair<std::string, std::string>> metadata() const override {
    std::vector<std::pair<std::string, std::string>> files;
    if (plan_.transform_nm) files.emplace_back("transform.json", write_transform(*plan_.transform_nm));
    files.emplace_back("info", write_volume_info(plan_.info));
    return files;
  }

  bool says_the_same(const std::string& folder) const override {
    const auto finished = parse_volume_info(text_of_file(folder + "/info"), folder + "/info");
    return finished && scales_of(*finished) == scales_of(plan_.info);
  }

  std::vector<std::string> reader_notices() const override {
    return readers_that_cannot_open(plan_.info, plan_.layout, plan_.compressor != nullptr);
  }
  std::vector<std::string> absent_chunk_notices() const override { return {absent_chunks_notice()}; }

 private:
  const VolumePlan& plan_;
};

}  // namespace

std::unique_ptr<DatasetFormat> make_precomputed_format(const VolumePlan& plan) {
  return std::make_unique<PrecomputedFormat>(plan);
}

std::unique_ptr<DatasetFormat> make_dataset_format(const VolumePlan& plan) {
  return plan.ome_zarr ? make_ome_zarr_format(plan) : make_precomputed_format(plan);
}

}  // namespace ngforge
