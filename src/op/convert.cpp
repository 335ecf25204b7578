// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>

#include <fmt/ranges.h>
#include "layout/provenance.h"
#include "ngforge/op.h"
#include "ngforge/version.h"
#include "op/dataset_format.h"
#include "op/export_volume.h"
#include "op/run_identity.h"
#include "op/run_options.h"
#include "op/run_pass.h"
#include "op/source_levels.h"
#include "op/strip_plan.h"
#include "op/surface_file.h"
#include "op/volume_plan.h"
#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"
#include "sink/partial_folder.h"
#include "sink/volume_file.h"
#include "source/source.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

// Bytes of all chunks of a scale at most: whole chunks, and those that the upper edges cut.
std::uint64_t most_chunk_bytes(const VolumePlan& plan, const ScaleInfo& scale) {
  std::uint64_t bytes = 0;
  for (int cut = 0; cut < 8; ++cut) {
    VoxelVec size;
    std::uint64_t chunks = 1;
    for (int a = 0; a < 3; ++a) {
      const auto i = static_cast<std::size_t>(a);
      const Index whole = scale.size_xyz[i], side = scale.chunk_size()[i];
      const bool is_cut = (cut >> a & 1) != 0;
      size[a] = is_cut && !plan.ome_zarr ? whole % side : side;
      chunks *= static_cast<std::uint64_t>(is_cut ? whole % side != 0 : whole / side);
    }
    if (chunks == 0) continue;
    const std::uint64_t encoded = plan.codec->most_bytes(size, plan.type, plan.channels, plan.codec_options);
    bytes += chunks * (plan.compressor != nullptr ? plan.compressor->bound(encoded) : encoded);
  }
  return bytes;
}

// One for all scales of the source's finest level, or (--scales keep) one for each level.
Result<std::vector<Pass>> plan_passes(const SourceLevels& levels, const VolumePlan& plan, const RunOptions& run) {
  std::vector<Pass> passes;
  for (std::size_t k = 0; k < std::max<std::size_t>(1, plan.kept_levels.size()); ++k) {
    Pass pass{levels[k].get(), plan.kept_levels.empty() ? plan : plan_of_level(plan, k), {}};
    NGFORGE_TRY(pass.strips,
                plan_strips(pass.plan, pass.source->header(), pass.source->access(), run.memory_bytes, run.threads));
    passes.push_back(std::move(pass));
  }
  return passes;
}

ConvertReport plan_report(const std::string& destination, const VolumePlan& plan, const std::vector<Pass>& passes,
                          const DatasetFormat& format) {
  ConvertReport report;
  report.destination = destination;
  report.format = format.title();
  report.type = plan.is_segmentation ? "segmentation" : "image";
  report.data_type = name_of(plan.type);
  report.channels = plan.channels;
  for (std::size_t k = 0; k < plan.info.scales.size(); ++k) {
    report.scales.push_back(report_of(plan.info.scales[k]));
    report.scales[k].bytes = most_chunk_bytes(plan, plan.info.scales[k]);
    format.describe_scale(k, report.scales[k]);
  }
  for (const Pass& pass : passes) {
    report.peak_memory_bytes = std::max(report.peak_memory_bytes, pass.strips.peak_bytes);
    report.scratch_bytes = std::max(report.scratch_bytes, pass.strips.scratch_bytes);
  }
  report.is_exact =
      plan.keep_empty && plan.compressor == nullptr && plan.codec->is_plain && plan.layout != Layout::sharded;
  report.notices = plan.notices;
  if (const StripPlan& strips = passes.front().strips; strips.holds_whole_volume)
    report.notices.push_back(
        fmt::format("the channels are the slowest axis of a stream: the whole volume is held ({} MiB{})",
                    (strips.levels[0].strip_bytes * static_cast<std::uint64_t>(strips.levels[0].strips)) >> 20,
                    strips.levels[0].in_memory ? "" : " of scratch"));
  return report;
}

class Conversion {
 public:
  Conversion(std::span<const std::string> places, std::string destination, DatasetKind kind,
             const ConvertOptions& options, const RunOptions& run)
      : places_(places.begin(), places.end()),
        destination_(std::move(destination)),
        kind_(kind),
        options_(options),
        run_(with_defaults(run)) {}

  Result<ConvertReport> run() {
    auto opened = open_source(places_, options_.source);
    if (!opened && places_.size() == 1 && looks_like_surface(places_.front()))
      return std::move(opened).error().with_hint(
          "a surface goes under a label of a dataset with ngforge surfaces, or becomes a .vtk, .obj, .ply, .stl or "
          ".gii");
    NGFORGE_TRY(auto source, std::move(opened));
    NGFORGE_TRY(levels_, open_levels(std::move(source), options_));
    NGFORGE_TRY(plan_, plan_volume(headers_of(levels_), options_, kind_));
    format_ = make_dataset_format(plan_);
    NGFORGE_TRY(passes_, plan_passes(levels_, plan_, run_));
    ConvertReport report = plan_report(destination_, plan_, passes_, *format_);
    for (const auto& reader : format_->reader_notices()) report.notices.push_back(reader);
    if (options_.dry_run) return report;
    const RunIdentity identity = identity_of(all_places(), levels_.front()->header(), plan_);
    NGFORGE_TRY(PartialFolder folder, PartialFolder::open(destination_, identity, {options_.resume, options_.overwrite},
                                                          format_->metadata().back().first));
    if (folder.is_complete()) {
      if (const std::string what = difference_from_finished(destination_, identity, *format_); !what.empty())
        return make_error(ErrorCode::already_exists, "{}: is finished, but {}", destination_, what)
            .with_hint("replace it with --overwrite, or choose another destination");
      report.was_complete = true;
      return report;
    }
    auto written = write_or_fail(folder, report);
    if (written) written = folder.commit();
    if (!written) {
      // What a later --resume can build on stays; what it cannot, goes.
      Error error = std::move(written).error();
      // Ctrl-C ends whoever feeds the pipe too: that the source broke off is then not what happened.
      if (run_.stop.stop_requested()) error = make_error(ErrorCode::cancelled, "interrupted");
      const int status = exit_status(error);
      if (status <= 4) folder.discard();
      if (status == 6 && !error.hint.empty()) error.hint += ", then run the same command with --resume";
      return error;
    }
    return report;
  }

 private:
  std::string all_places() const { return fmt::format("{}", fmt::join(places_, " ")); }

  Result<void> write_or_fail(PartialFolder& folder, ConvertReport& report) {
    try {
      return write(folder, report);
    } catch (const std::bad_alloc&) {
      return make_error(ErrorCode::internal, "the machine has no memory left");
    } catch (const std::exception& error) {
      return make_error(ErrorCode::internal, "unexpected: {}", error.what());
    }
  }

  Result<void> write(PartialFolder& folder, ConvertReport& report) {
    for (const std::string& notice : plan_.notices)
      if (run_.on_notice) run_.on_notice(notice);
    std::size_t done = 0;
    for (const Pass& pass : passes_) {
      NGFORGE_CHECK(write_scales(folder, pass, done, report));
      done += pass.plan.info.scales.size();
    }
    if (std::ranges::any_of(report.scales, [](const ScaleReport& scale) { return scale.empty_chunks > 0; }))
      std::ranges::copy(format_->absent_chunk_notices(), std::back_inserter(report.notices));
    return write_metadata(folder, report);
  }

  // The scales of a pass, the first of which is scale `first` of the dataset.
  Result<void> write_scales(const PartialFolder& folder, const Pass& pass, std::size_t first, ConvertReport& report) {
    std::vector<std::unique_ptr<ChunkSink>> sinks;
    const auto room = std::make_shared<WaitingRoom>(pass.strips.window);
    for (std::size_t k = 0; k < pass.plan.info.scales.size(); ++k) {
      NGFORGE_TRY(sinks.emplace_back(), format_->open_sink(folder.path(), first + k, folder.is_resumed(), room));
    }
    std::uint64_t total = 0;
    for (const ScaleInfo& scale : plan_.info.scales) total += static_cast<std::uint64_t>(scale.box_vox().volume());
    const auto tell = [&](std::uint64_t done) {
      if (run_.on_progress) run_.on_progress({"converting", voxels_done_ + done, total, "voxels"});
    };
    NGFORGE_TRY(const std::uint64_t done,
                run_pass(pass, sinks, run_.scratch.empty() ? folder.path() : run_.scratch, run_, tell));
    voxels_done_ += done;
    for (std::size_t k = 0; k < sinks.size(); ++k) add_counts(*sinks[k], report.scales[first + k]);
    return {};
  }

  Result<void> write_metadata(const PartialFolder& folder, const ConvertReport& report) {
    FolderWriter writer;
    NGFORGE_CHECK(writer.open(folder.path()));
    const auto put = [&](const std::string& name, const std::string& text) {
      return writer.write_synced(name, std::as_bytes(std::span(text)));
    };
    Provenance provenance;
    provenance.sources = places_;
    provenance.task = "ngforge convert";
    provenance.version = NGFORGE_VERSION;
    for (auto& [name, value] : identity_of(all_places(), levels_.front()->header(), plan_))
      if (name != "info" && name != "source" && name != "version") provenance.options.emplace_back(name, value);
    if (plan_.is_rgb) provenance.options.emplace_back("colors", "rgb");
    for (std::size_t k = 0; k < plan_.scales.size(); ++k) {
      const Factor& factor = plan_.scales[k].factor;
      const ScaleReport& scale = report.scales[k];
      provenance.scales.push_back({.key = scale.key,
                                   .stored_chunks = scale.stored_chunks,
                                   .empty_chunks = scale.empty_chunks,
                                   .factor = {factor[0], factor[1], factor[2]},
                                   .size_xyz = scale.size_xyz,
                                   .voxel_offset_xyz = scale.voxel_offset});
    }
    NGFORGE_CHECK(put(format_->provenance_key(), write_provenance(provenance)));
    for (const auto& [key, text] : format_->metadata()) NGFORGE_CHECK(put(key, text));
    return {};
  }

  const std::vector<std::string> places_;
  const std::string destination_;
  const DatasetKind kind_;
  const ConvertOptions& options_;
  const RunOptions run_;
  SourceLevels levels_;
  VolumePlan plan_;
  std::unique_ptr<DatasetFormat> format_;
  std::vector<Pass> passes_;
  std::uint64_t voxels_done_ = 0;  // of the passes before
};

struct Destination {
  std::string path;
  std::optional<DatasetKind> kind;  // when the place names its format
};

// A path, perhaps with the name of a format: results are written to local folders and files only.
Result<Destination> local_destination(const std::string& place) {
  Destination destination{place, std::nullopt};
  std::string& path = destination.path;
  constexpr std::pair<std::string_view, DatasetKind> kFormats[] = {
      {"zarr", DatasetKind::ome_zarr},
      {"zarr3", DatasetKind::ome_zarr},
      {"precomputed", DatasetKind::precomputed},
      {"neuroglancer-precomputed", DatasetKind::precomputed}};
  for (const auto& [name, kind] : kFormats) {
    const std::string in_front = fmt::format("{}://", name), behind = fmt::format("|{}:", name);
    const bool is_in_front = path.starts_with(in_front), is_behind = path.ends_with(behind);
    if (destination.kind || !(is_in_front || is_behind)) continue;
    path = is_in_front ? path.substr(in_front.size()) : path.substr(0, path.size() - behind.size());
    destination.kind = kind;
  }
  constexpr std::string_view kFile = "file://";
  if (path.starts_with(kFile)) path.erase(0, kFile.size());
  if (path.empty() || path == "-" || path.find("://") != std::string::npos || path.find('|') != std::string::npos ||
      path.starts_with("mem:"))
    return make_error(ErrorCode::invalid_argument, "{}: expected the path of a folder or file as destination", place);
  return destination;
}

DatasetKind kind_of(const std::string& path) {
  return fs::path(path + "/").parent_path().extension() == ".zarr" ? DatasetKind::ome_zarr : DatasetKind::precomputed;
}

}  // namespace

Result<ConvertReport> convert(const std::string& source, const std::string& destination, const ConvertOptions& options,
                              const RunOptions& run) {
  return convert(std::span(&source, 1), destination, options, run);
}

Result<ConvertReport> convert(std::span<const std::string> sources, const std::string& given_destination,
                              const ConvertOptions& options, const RunOptions& run) {
  NGFORGE_TRY(const Destination destination, local_destination(given_destination));
  const std::string& path = destination.path;
  if (!destination.kind && find_volume_file(path) != nullptr) return export_volume(sources, path, options, run);
  if (options.resume && options.overwrite)
    return make_error(ErrorCode::invalid_argument, "expected either --resume or --overwrite, found both");
  try {
    return Conversion(sources, path, destination.kind.value_or(kind_of(path)), options, run).run();
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  }
}

}  // namespace ngforge
