// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include "layout/ome_zarr.h"
#include "op/dataset_format.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

constexpr const char* kMetadataFile = "zarr.json";

class OmeZarrFormat final : public DatasetFormat {
 public:
  explicit OmeZarrFormat(const VolumePlan& plan) : plan_(plan), image_(*plan.ome_zarr) {}

  const char* title() const override { return "OME-Zarr 0.5"; }

  Result<std::unique_ptr<ChunkSink>> open_sink(const std::string& folder, std::size_t k, bool resume,
                                               std::shared_ptr<WaitingRoom> room) const override {
    const ScaleInfo& scale = plan_.info.scales[k];
    const std::string array = folder + "/" + scale.key;
    if (plan_.layout == Layout::sharded)
      return open_zarr_shard_sink(array, scale.grid_shape(), image_.shard_chunks_xyz[k], plan_.channels, resume,
                                  std::move(room));
    const auto name = [channels = plan_.channels](const GridVec& cell) { return zarr_chunk_key(cell, channels); };
    return open_file_sink(array, name, resume);
  }

  void describe_scale(std::size_t k, ScaleReport& report) const override {
    const ScaleInfo& scale = plan_.info.scales[k];
    report.encoding = image_.compressor.empty() ? "raw" : image_.compressor;
    report.files = report.chunks;
    if (plan_.layout != Layout::sharded) return;
    const auto& shard = image_.shard_chunks_xyz[k];
    report.sharding = fmt::format("{}", fmt::join(shard, ","));
    const GridVec grid = scale.grid_shape();
    report.files = 1;
    for (int a = 0; a < 3; ++a)
      report.files *= static_cast<std::uint64_t>(ceil_div(grid[a], shard[static_cast<std::size_t>(a)]));
    report.bytes += report.files * zarr_shard_index_bytes(shard);
  }

  // Beside the group's zarr.json readers that list the group would stumble over it.
  const char* provenance_key() const override { return "0/provenance"; }

  std::vector<std::pair<std::string, std::string>> metadata() const override {
    std::vector<std::pair<std::string, std::string>> files;
    for (std::size_t k = 0; k < plan_.info.scales.size(); ++k)
      files.emplace_back(plan_.info.scales[k].key + "/" + kMetadataFile, write_ome_zarr_array(plan_.info, image_, k));
    files.emplace_back(kMetadataFile, write_ome_zarr_group(plan_.info, image_));
    return files;
  }

  bool says_the_same(const std::string& folder) const override {
    for (const auto& [key, text] : metadata())
      if (text_of_file(folder + "/" + key) != text) return false;
    return true;
  }

  std::vector<std::string> reader_notices() const override {
    if (plan_.type != DataType::int64 && plan_.type != DataType::float64) return {};
    return {fmt::format("Neuroglancer cannot show {} (--dtype {} helps)", name_of(plan_.type),
                        plan_.type == DataType::int64 ? "int32" : "float32")};
  }
  std::vector<std::string> absent_chunk_notices() const override { return {}; }

 private:
  const VolumePlan& plan_;
  const OmeZarr& image_;
};

}  // namespace

std::unique_ptr<DatasetFormat> make_ome_zarr_format(const VolumePlan& plan) {
  return std::make_unique<OmeZarrFormat>(plan);
}

}  // namespace ngforge
