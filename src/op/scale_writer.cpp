// SPDX-License-Identifier: Apache-2.0
#include "op/scale_writer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <fmt/ranges.h>

#include "core/json.h"
#include "ngforge/version.h"
#include "op/local_dataset.h"
#include "op/run_options.h"
#include "pyramid/plan_scales.h"
#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"
#include "sink/partial_folder.h"

namespace ngforge {
namespace {

constexpr Index kLargestFactor = 64;
constexpr std::uint64_t kMaxInfoBytes = std::uint64_t{1} << 26;

/// Takes the chunks of a scale that is there already.
class KeptScale final : public ChunkSink {
 public:
  bool is_finished(const GridVec&) const override { return true; }
  Result<void> put(Index, const GridVec&, std::span<const std::byte>) override { return {}; }
  Result<void> pass(Index, const GridVec&) override { return {}; }
  void abandon() override {}
};

// Whether one pass can write both: it has one encoder and one compressor.
bool are_stored_alike(const ScaleInfo& a, const ScaleInfo& b) {
  const bool same_encoding = a.encoding == b.encoding && a.block_size_xyz == b.block_size_xyz;
  return same_encoding && a.sharding.has_value() == b.sharding.has_value() &&
         (!a.sharding || a.sharding->gzip_data == b.sharding->gzip_data);
}

std::string three(const std::array<Index, 3>& values) {
  return fmt::format("{}", fmt::join(values, " x "));
}

// Axes of one length in both scales are taken as they are, also where a single voxel would be halved.
Result<Factor> factor_between(const ScaleInfo& fine, const ScaleInfo& coarse) {
  Factor factor{1, 1, 1};
  for (std::size_t a = 0; a < 3; ++a)
    if (fine.size_xyz[a] != coarse.size_xyz[a])
      factor[a] = static_cast<Index>(std::llround(
          std::clamp(coarse.resolution_nm[a] / fine.resolution_nm[a], 1.0, static_cast<double>(kLargestFactor))));
  const Box wanted = coarse_box(fine.box_vox(), factor);
  if (wanted == coarse.box_vox()) return factor;
  const VoxelVec size = wanted.size(), begin = wanted.begin;
  return make_error(ErrorCode::unsupported,
                    "scale {}: expected {} voxels from {}, {}, {} for {} voxels of scale {} and factors {}, found {} "
                    "from {}",
                    coarse.key, three({size.x, size.y, size.z}), begin.x, begin.y, begin.z, three(fine.size_xyz),
                    fine.key, fmt::join(factor, ","), three(coarse.size_xyz), fmt::join(coarse.voxel_offset, ", "))
      .of_source();
}

ScaleGeometry geometry_of(const ScaleInfo& scale, const Factor& factor) {
  return {.key = scale.key,
          .box_vox = scale.box_vox(),
          .resolution_nm = scale.resolution_nm,
          .chunk_size_xyz = scale.chunk_size(),
          .factor = factor};
}

/// The folders of the scales of a pass, which all appear or go.
class ScaleFolders {
 public:
  Result<const PartialFolder*> add(const std::string& path) {
    NGFORGE_TRY(auto folder, PartialFolder::open(path, {{"version", NGFORGE_VERSION}}, {.overwrite = true}));
    return &folders_.emplace_back(std::move(folder));
  }
  Result<void> commit() {
    for (PartialFolder& folder : folders_) NGFORGE_CHECK(folder.commit());
    folders_.clear();
    return {};
  }
  ~ScaleFolders() {
    for (PartialFolder& folder : folders_) folder.discard();
  }

 private:
  std::vector<PartialFolder> folders_;
};

// A file for each chunk, or shards. `folder` is that of the scale.
Result<std::unique_ptr<ChunkSink>> open_sink(const std::string& folder, ScaleInfo scale, const VolumePlan& plan,
                                             const std::shared_ptr<WaitingRoom>& room) {
  if (plan.layout == Layout::sharded) {
    const auto slash = folder.rfind('/');
    scale.key = folder.substr(slash + 1);
    return open_shard_sink(folder.substr(0, slash), scale, false, room);
  }
  const auto name = [scale, is_flat = plan.layout == Layout::flat,
                     suffix = plan.compressor != nullptr ? ".gz" : ""](const GridVec& cell) {
    const Box box_vox = scale.chunk_box(cell);
    return (is_flat ? chunk_name(box_vox) : deep_chunk_name(box_vox)) + suffix;
  };
  return open_file_sink(folder, name, false);
}

// A scale that has the folder of another one would take its place.
Result<void> check_keys(const VolumeInfo& info, const std::string& folder) {
  std::set<std::string> keys;
  for (const ScaleInfo& scale : info.scales)
    if (!keys.insert(scale.key).second)
      return make_error(ErrorCode::invalid_data,
                        "{}/info: expected a key of its own for each scale, found \"{}\" twice", folder, scale.key);
  return {};
}

}  // namespace

Result<ScaleWriter> ScaleWriter::open(const std::string& place, const ChunkStorage& storage, const RunOptions& run) {
  if (storage.layout != "flat" && storage.layout != "deep")
    return make_error(ErrorCode::invalid_argument, "--layout: expected flat|deep, found \"{}\"", storage.layout);
  if (storage.compress != "gzip" && storage.compress != "none")
    return make_error(ErrorCode::invalid_argument, "--compress: expected gzip|none, found \"{}\"", storage.compress);
  ScaleWriter writer;
  NGFORGE_TRY(writer.volume_, PrecomputedVolume::open(place));
  NGFORGE_TRY(writer.folder_, local_folder(*writer.volume_, place));
  writer.info_ = writer.volume_->info();
  NGFORGE_CHECK(check_keys(writer.info_, writer.folder_));
  writer.storage_ = storage;
  writer.run_ = with_defaults(run);
  return writer;
}

Result<void> ScaleWriter::choose_storage(const ScaleInfo& scale, VolumePlan& plan) const {
  plan.codec = find_codec(scale.encoding);
  if (plan.codec == nullptr || !plan.codec->supports(plan.type, plan.channels))
    return make_error(ErrorCode::unsupported, "{}/info: scale {}: this build cannot encode {} of {} channel(s) of {}",
                      folder_, scale.key, scale.encoding, plan.channels, name_of(plan.type))
        .of_source();
  plan.codec_options.block_size_xyz = scale.block_size_xyz;
  plan.codec_options.numbers.clear();
  for (const CodecOption& option : plan.codec->options)
    if (const auto chosen = storage_.encoding_options.find(option.name); chosen != storage_.encoding_options.end())
      plan.codec_options.numbers[option.name] = chosen->second;
  plan.keep_empty = storage_.keep_empty;
  plan.layout = scale.sharding ? Layout::sharded : storage_.layout == "flat" ? Layout::flat : Layout::deep;
  const bool has_gzip =
      scale.sharding ? scale.sharding->gzip_data : storage_.compress == "gzip" && !plan.codec->is_compressed;
  plan.compressor = has_gzip ? find_compressor("gzip") : nullptr;
  plan.level = storage_.level;
  return {};
}

Result<VolumePlan> ScaleWriter::plan_scale(const VolumeHeader& header, VolumeOptions options, std::size_t first,
                                           const std::string& name) const {
  const ScaleInfo& scale = info().scales[first];
  if (options.downsample == "auto") options.downsample = info().is_segmentation ? "majority" : "average";
  options.type = "image";  // `info` says what it is: the values are taken as they come
  options.dtype = name_of(info().type);
  options.encoding = "raw";
  options.layout = "flat";
  options.compress = "none";
  options.scales = 1;
  options.voxel_size_nm = scale.resolution_nm;
  options.voxel_offset = scale.voxel_offset;
  NGFORGE_TRY(VolumePlan plan, plan_volume(header, options));
  const VoxelVec size = plan.scales[0].box_vox.size();
  if (plan.scales[0].box_vox != scale.box_vox() || plan.channels != info().channels)
    return make_error(ErrorCode::invalid_data, "{}: expected {} voxels of {} channel(s) as in {}/info, found {} of {}",
                      name, three(scale.size_xyz), info().channels, folder_, three({size.x, size.y, size.z}),
                      plan.channels)
        .of_source();
  plan.is_segmentation = info().is_segmentation;
  if (is_integer(plan.type)) plan.values.nan = 0;
  plan.scales = {geometry_of(scale, {1, 1, 1})};
  plan.info = info();
  plan.info.scales = {scale};
  NGFORGE_CHECK(choose_storage(scale, plan));
  return plan;
}

Result<std::size_t> ScaleWriter::add_scales(VolumePlan& plan, std::size_t first, std::size_t end, bool is_there) const {
  std::size_t next = first + 1;
  for (; next < end; ++next) {
    const ScaleInfo &fine = info().scales[next - 1], &scale = info().scales[next];
    const bool begins = is_there && next == first + 1;
    if (!begins && !are_stored_alike(fine, scale)) break;
    NGFORGE_TRY(const Factor factor, factor_between(fine, scale));
    if (begins) NGFORGE_CHECK(choose_storage(scale, plan));
    // How the scale that is there lies in its files means nothing to the pass.
    if (begins) plan.info.scales[0].sharding = scale.sharding;
    plan.scales.push_back(geometry_of(scale, factor));
    plan.info.scales.push_back(scale);
  }
  return next;
}

Result<void> ScaleWriter::write(VolumeSource& source, VolumePlan plan, std::size_t first, bool is_there,
                                ScalesReport& report) {
  NGFORGE_TRY(const StripPlan strips,
              plan_strips(plan, source.header(), source.access(), run_.memory_bytes, run_.threads));
  const Pass pass{&source, std::move(plan), strips};
  ScaleFolders folders;
  std::vector<std::unique_ptr<ChunkSink>> sinks;
  const auto room = std::make_shared<WaitingRoom>(strips.window);
  for (std::size_t k = 0; k < pass.plan.info.scales.size(); ++k) {
    if (is_there && k == 0) {
      sinks.push_back(std::make_unique<KeptScale>());
      continue;
    }
    const ScaleInfo& scale = info().scales[first + k];
    NGFORGE_TRY(const PartialFolder* const folder, folders.add(folder_ + "/" + scale.key));
    NGFORGE_TRY(sinks.emplace_back(), open_sink(folder->path(), scale, pass.plan, room));
  }
  const auto tell = [&](std::uint64_t done) {
    if (run_.on_progress) run_.on_progress({"writing", std::min(done_ + done, total_), total_, "voxels"});
  };
  NGFORGE_TRY(const std::uint64_t done,
              run_pass(pass, sinks, run_.scratch.empty() ? folder_ : run_.scratch, run_, tell));
  done_ += done;
  for (std::size_t k = is_there ? 1 : 0; k < sinks.size(); ++k) {
    ScaleReport& scale = report.scales.emplace_back(report_of(pass.plan.info.scales[k]));
    scale.encoding = pass.plan.info.scales[k].encoding;
    add_counts(*sinks[k], scale);
  }
  sinks.clear();
  NGFORGE_CHECK(folders.commit());
  note_written(pass.plan, is_there, report);
  return {};
}

void ScaleWriter::note_written(const VolumePlan& plan, bool is_there, const ScalesReport& report) {
  const std::size_t first = is_there ? 1 : 0, count = plan.scales.size() - first;
  for (std::size_t i = 0; i < count; ++i) {
    const ScaleReport& scale = report.scales[report.scales.size() - count + i];
    const Factor& factor = plan.scales[first + i].factor;
    written_.push_back({.key = scale.key,
                        .stored_chunks = scale.stored_chunks,
                        .empty_chunks = scale.empty_chunks,
                        .factor = {factor[0], factor[1], factor[2]},
                        .size_xyz = scale.size_xyz,
                        .voxel_offset_xyz = scale.voxel_offset});
  }
  if (plan.scales.size() == 1) return;
  method_ = name_of(plan.method);
  outside_ = plan.outside.is_edge ? "edge" : shortest_number(plan.outside.value);
}

Result<void> ScaleWriter::replace_info() const {
  const std::string where = folder_ + "/info";
  NGFORGE_TRY(const Bytes bytes, get_decoded(*volume_->store(), "info", kMaxInfoBytes));
  NGFORGE_TRY(Json json, parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where));
  NGFORGE_TRY(Json fresh, parse_json(write_volume_info(info_), where));
  fresh["scales"][0] = json["scales"][0];
  json["scales"] = fresh["scales"];
  const std::string changed = dump_json(json);
  FolderWriter writer;
  NGFORGE_CHECK(writer.open(folder_));
  return writer.write_synced("info", std::as_bytes(std::span(changed)));
}

Result<void> ScaleWriter::update_provenance() const {
  constexpr const char* kName = "provenance";
  auto provenance = parse_provenance(text_of_file(folder_ + "/" + kName), kName);
  if (!provenance || provenance->task != "ngforge convert") return {};
  const std::vector<Provenance::Scale> former = std::move(provenance->scales);
  provenance->scales.clear();
  for (const ScaleInfo& scale : info_.scales) {
    const auto before = std::ranges::find(former, scale.key, &Provenance::Scale::key);
    const auto now = std::ranges::find(written_, scale.key, &Provenance::Scale::key);
    if (now == written_.end() && before == former.end()) continue;
    Provenance::Scale& told = provenance->scales.emplace_back(now == written_.end() ? *before : *now);
    // A scale that was not computed is as coarse as it was.
    if (told.factor == std::array<Index, 3>{1, 1, 1} && before != former.end()) told.factor = before->factor;
  }
  if (!method_.empty()) {
    provenance->set_option("downsample", method_);
    provenance->set_option("outside", outside_);
  }
  const std::string text = write_provenance(*provenance);
  FolderWriter writer;
  NGFORGE_CHECK(writer.open(folder_));
  return writer.write_synced(kName, std::as_bytes(std::span(text)));
}

}  // namespace ngforge
