// SPDX-License-Identifier: Apache-2.0
#include "ngforge/surfaces.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <utility>

#include "codec/mesh_fragment.h"
#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"
#include "layout/provenance.h"
#include "ngforge/version.h"
#include "op/local_dataset.h"
#include "op/mesh_folder.h"
#include "op/region_names.h"
#include "op/run_options.h"
#include "op/surface_jobs.h"
#include "op/surface_multires.h"
#include "sink/folder_writer.h"
#include "sink/mesh_sink.h"
#include "sink/partial_folder.h"
#include "source/precomputed.h"
#include "source/precomputed_meshes.h"
#include "store/sharded.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

// For each triangle while it is encoded with its levels of detail.
constexpr std::uint64_t kEncoderBytes = 400;
constexpr std::uint64_t kMostManifestBytes = std::uint64_t{1} << 30;

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

class Surfaces {
 public:
  Surfaces(std::span<const std::string> files, const std::string& place, const SurfacesOptions& options,
           const RunOptions& run)
      : files_(files), place_(place), options_(options), run_(with_defaults(run)) {}

  Result<SurfacesReport> run() {
    NGFORGE_TRY(volume_, PrecomputedVolume::open(place_));
    NGFORGE_TRY(folder_, local_folder(*volume_, place_));
    NGFORGE_TRY(name_, mesh_folder_name(*volume_, options_.mesh_dir));
    target_ = folder_ + "/" + name_;
    NGFORGE_CHECK(look_at_target());
    frame_ = surface_frame(*volume_, options_, run_.memory_bytes);
    const bool links = info_.format == MeshFormat::legacy && is_there_;
    NGFORGE_TRY(jobs_, plan_surface_jobs(files_, options_, links ? target_ : std::string(), frame_));
    NGFORGE_CHECK(plan_shards());
    NGFORGE_TRY(SurfacesReport report, check_jobs());
    if (options_.dry_run) return report;
    if (is_there_) {
      NGFORGE_CHECK(write(target_, report));
      NGFORGE_CHECK(note_labels());
    } else {
      NGFORGE_CHECK(write_new(report));
    }
    NGFORGE_CHECK(link_mesh_folder(*volume_, folder_, name_));
    if (options_.regions.empty()) return report;
    NGFORGE_TRY(NamedRegions named, add_region_names(*volume_, folder_, jobs_, run_.memory_bytes));
    report.named = named.count;
    if (!named.notice.empty()) report.notices.push_back(std::move(named.notice));
    return report;
  }

 private:
  bool is_legacy() const { return info_.format == MeshFormat::legacy; }

  // What is in the folder of meshes decides the format; without one the options do.
  Result<void> look_at_target() {
    NGFORGE_TRY(kind_, mesh_folder_kind(options_));
    std::error_code ignored;
    is_there_ = fs::exists(target_, ignored);
    if (!is_there_) {
      info_.format = kind_.format;
      return check_colon_suffix(options_, kind_.format);
    }
    const std::string path = target_ + "/info";
    info_.format = MeshFormat::legacy;  // without an info, as the viewer takes it
    if (is_file(path)) {
      auto info = parse_mesh_info(text_of_file(path), path);
      if (!info) return std::move(info).error().of_source();
      info_ = std::move(*info);
    }
    for (const auto& [option, asked, found] :
         {std::tuple("--format", options_.format, name_of(info_.format)),
          std::tuple("--layout", options_.layout, layout_name(info_.sharding.has_value()))})
      if (!asked.empty() && asked != found)
        return make_error(ErrorCode::invalid_argument, "{}: expected {}, as the meshes in {} are, found {}", option,
                          found, target_, asked)
            .with_hint("choose another --mesh-dir");
    return check_colon_suffix(options_, info_.format);
  }

  // New shards are planned from what the files have, which is more than what they become.
  Result<void> plan_shards() {
    if (!is_there_ && kind_.is_sharded) {
      std::uint64_t bytes = 0;
      for (const SurfaceJob& job : jobs_) {
        bytes += 12 * (job.part.positions.size() + job.part.triangles.size());
        std::error_code ignored;
        for (const std::string& file : job.files)
          if (is_file(file)) bytes += fs::file_size(file, ignored);
      }
      info_.sharding = plan_mesh_sharding(jobs_.size(), bytes);
    }
    if (!info_.sharding) return {};
    std::ranges::stable_sort(jobs_, {}, [&](const SurfaceJob& job) { return shard_of(job.label); });
    if (is_there_) stored_ = std::make_unique<ShardedReader>(volume_->store(), name_ + "/", *info_.sharding);
    return {};
  }
  std::uint64_t shard_of(std::uint64_t label) const { return shard_place(*info_.sharding, label).shard; }

  // Reads everything once, so that what cannot be read is known before anything is written.
  Result<SurfacesReport> check_jobs() {
    SurfacesReport report;
    report.destination = target_;
    report.format = name_of(info_.format);
    report.layout = layout_name(info_.sharding.has_value());
    std::uint64_t outside = 0;
    for (const SurfaceJob& job : jobs_) {
      if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      NGFORGE_TRY(const bool was_there, has_mesh(job.label));
      if (was_there && !options_.overwrite)
        return make_error(ErrorCode::already_exists, "{}: label {} has a mesh already", target_, job.label)
            .with_hint("replace it with --overwrite, or choose another label");
      NGFORGE_TRY(const Mesh mesh, load_surfaces(job, frame_));
      NGFORGE_CHECK(check_memory(job, mesh));
      if (!mesh.positions.empty() && !touches_volume(mesh)) ++outside;
      report.labels.push_back({job.label, job.name, mesh.triangles.size(), was_there});
      if (run_.on_progress) run_.on_progress({"reading", report.labels.size(), jobs_.size(), "labels"});
    }
    std::ranges::sort(report.labels, {}, &SurfaceLabelReport::label);
    if (outside > 0)
      report.notices.push_back(
          fmt::format("{} of {} surfaces lie{} outside of the volume: are they in the millimetres of "
                      "its world (--coord-transform)?",
                      outside, jobs_.size(), outside == 1 ? "s" : ""));
    return report;
  }

  Result<void> check_memory(const SurfaceJob& job, const Mesh& mesh) const {
    const std::uint64_t least = mesh.triangles.size() * kEncoderBytes;
    if (is_legacy() || least <= run_.memory_bytes) return {};
    return make_error(ErrorCode::needs_decision,
                      "--memory: expected at least {} MiB for the {} triangles of label {}, found {} MiB",
                      (least >> 20) + 1, mesh.triangles.size(), job.label, run_.memory_bytes >> 20)
        .with_hint(fmt::format("use --memory {}MiB", (least >> 20) + 1));
  }

  bool touches_volume(const Mesh& mesh) const {
    const ScaleInfo& scale = volume_->info().scales.front();
    for (std::size_t a = 0; a < 3; ++a) {
      const auto [low, high] = std::ranges::minmax(mesh.positions, {}, [a](const auto& p) { return p[a]; });
      const auto begin = static_cast<double>(scale.voxel_offset[a]) * scale.resolution_nm[a];
      const double end = begin + static_cast<double>(scale.size_xyz[a]) * scale.resolution_nm[a];
      if (high[a] < begin || low[a] > end) return false;
    }
    return true;
  }

  Result<bool> has_mesh(std::uint64_t label) {
    if (!is_there_) return false;
    if (stored_) {
      NGFORGE_TRY(const auto* entries, stored_entries(shard_of(label)));
      return std::ranges::binary_search(*entries, label, {}, &ShardEntry::key);
    }
    return std::ranges::any_of(manifest_names(label),
                               [&](const std::string& name) { return is_file(target_ + "/" + name); });
  }
  // Under any of the names that readers look for.
  std::vector<std::string> manifest_names(std::uint64_t label) const {
    if (!is_legacy()) return {multires_manifest_name(label)};
    const std::string name = legacy_manifest_name(label, true), plain = legacy_manifest_name(label, false);
    return {name, name + ".gz", plain, plain + ".gz"};
  }
  Result<const std::vector<ShardEntry>*> stored_entries(std::uint64_t shard) {
    const auto found = entries_of_shard_.find(shard);
    if (found != entries_of_shard_.end()) return &found->second;
    NGFORGE_TRY(auto entries, stored_->list(shard));
    return &entries_of_shard_.emplace(shard, std::move(entries)).first->second;
  }

  Result<void> write_new(SurfacesReport& report) {
    const RunIdentity identity{{"version", NGFORGE_VERSION}};
    NGFORGE_TRY(PartialFolder partial, PartialFolder::open(target_, identity, {false, options_.overwrite, false}));
    auto written = write(partial.path(), report);
    if (written) written = write_metadata(partial.path(), report);
    if (written) written = partial.commit();
    if (!written) {
      partial.discard();
      return std::move(written).error();
    }
    return {};
  }

  Result<void> write_metadata(const std::string& folder, SurfacesReport& report) const {
    Provenance provenance;
    provenance.sources.assign(files_.begin(), files_.end());
    provenance.task = "ngforge surfaces";
    provenance.version = NGFORGE_VERSION;
    FolderWriter writer;
    NGFORGE_CHECK(writer.open(folder));
    for (const auto& [name, text] : {std::pair<std::string, std::string>("provenance", write_provenance(provenance)),
                                     std::pair<std::string, std::string>("info", write_mesh_info(info_))}) {
      NGFORGE_CHECK(writer.write_synced(name, std::as_bytes(std::span(text))));
      ++report.files;
      report.bytes += text.size();
    }
    return {};
  }

  // `ngforge mesh` says whose meshes it made. Those of files, whose labels need no voxels, are told apart.
  Result<void> note_labels() const {
    const std::string path = target_ + "/provenance";
    auto provenance = parse_provenance(text_of_file(path), path);
    if (!provenance || provenance->task != "ngforge mesh") return {};
    std::string labels = provenance->option("surfaces");
    for (const SurfaceJob& job : jobs_) labels += fmt::format("{}{}", labels.empty() ? "" : ",", job.label);
    provenance->set_option("surfaces", std::move(labels));
    const std::string text = write_provenance(*provenance);
    FolderWriter writer;
    NGFORGE_CHECK(writer.open(target_));
    return writer.write_synced("provenance", std::as_bytes(std::span(text)));
  }

  Result<std::unique_ptr<MeshSink>> open_sink(const std::string& folder) const {
    if (info_.sharding) return open_mesh_shard_sink(folder, *info_.sharding, false);
    MeshFileNames names = [](std::uint64_t label) {
      return std::pair(multires_manifest_name(label), multires_fragments_name(label));
    };
    if (is_legacy())
      names = [has_colon = options_.has_colon_suffix](std::uint64_t label) {
        return std::pair(legacy_manifest_name(label, has_colon), legacy_fragment_name(label, has_colon));
      };
    return open_mesh_file_sink(folder, names, false);
  }

  Result<void> write(const std::string& folder, SurfacesReport& report) {
    NGFORGE_TRY(const auto sink, open_sink(folder));
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      const bool is_first = stored_ && (i == 0 || shard_of(jobs_[i].label) != shard_of(jobs_[i - 1].label));
      if (is_first) NGFORGE_CHECK(copy_others(shard_of(jobs_[i].label), *sink));
      NGFORGE_CHECK(put(jobs_[i], folder, *sink));
      if (run_.on_progress) run_.on_progress({"writing", i + 1, jobs_.size(), "labels"});
    }
    NGFORGE_CHECK(sink->finish());
    report.files += sink->files();
    report.bytes += sink->bytes();
    return {};
  }

  // What a shard has of labels that get nothing new goes into its successor.
  Result<void> copy_others(std::uint64_t shard, MeshSink& sink) {
    NGFORGE_TRY(const auto* entries, stored_entries(shard));
    for (const ShardEntry& entry : *entries) {
      if (std::ranges::any_of(jobs_, [&](const SurfaceJob& job) { return job.label == entry.key; })) continue;
      NGFORGE_TRY(const Bytes manifest, stored_->get(entry.key, kMostManifestBytes));
      NGFORGE_TRY(const MeshManifest parsed,
                  decode_mesh_manifest(manifest, fmt::format("{}: label {}", target_, entry.key)));
      const std::uint64_t begin = shard_index_bytes(*info_.sharding) + entry.offset, bytes = parsed.fragment_bytes();
      if (bytes > begin)
        return make_error(ErrorCode::invalid_data, "{}: label {}: expected {} bytes of fragments before byte {}",
                          target_, entry.key, bytes, begin)
            .of_source();
      NGFORGE_TRY(const Bytes fragments,
                  volume_->store()->get_range(stored_->shard_key(shard), {begin - bytes, bytes}));
      NGFORGE_CHECK(sink.put(entry.key, manifest, fragments));
    }
    return {};
  }

  Result<void> put(const SurfaceJob& job, const std::string& folder, MeshSink& sink) {
    NGFORGE_TRY(const Mesh mesh, load_surfaces(job, frame_));
    if (!is_legacy()) {
      auto encoded = encode_multires(mesh, info_);
      if (!encoded) return std::move(encoded).error().in(fmt::format("label {}", job.label));
      return sink.put(job.label, encoded->manifest, encoded->fragments);
    }
    return put_legacy(job, mesh, folder, sink);
  }

  Result<void> put_legacy(const SurfaceJob& job, const Mesh& mesh, const std::string& folder, MeshSink& sink) {
    const std::string written = legacy_fragment_name(job.label, options_.has_colon_suffix),
                      manifest_name = legacy_manifest_name(job.label, options_.has_colon_suffix);
    const std::vector<std::string> before = own_fragments(job.label);
    std::vector<std::string> fragments = job.fragments;
    if (!mesh.triangles.empty()) fragments.push_back(written);
    const std::string manifest = write_legacy_manifest(fragments);
    const auto manifest_bytes = std::as_bytes(std::span(manifest));
    if (mesh.triangles.empty()) {
      FolderWriter writer;
      NGFORGE_CHECK(writer.open(folder));
      NGFORGE_CHECK(writer.write(manifest_name, manifest_bytes));
    } else {
      NGFORGE_CHECK(sink.put(job.label, manifest_bytes, encode_mesh_fragment(mesh)));
    }
    // An older one beside it would be found first by some.
    std::error_code ignored;
    for (const std::string& name : manifest_names(job.label))
      if (name != manifest_name) fs::remove(folder + "/" + name, ignored);
    if (!mesh.triangles.empty()) fs::remove(folder + "/" + written + ".gz", ignored);
    for (const std::string& name : before) {
      if (std::ranges::count(fragments, name) > 0) continue;
      fs::remove(folder + "/" + name, ignored);
      fs::remove(folder + "/" + name + ".gz", ignored);
    }
    return {};
  }

  // Fragments that a label has and no other, as their names tell: those of igneous, cloud-volume and this program.
  std::vector<std::string> own_fragments(std::uint64_t label) const {
    if (!is_there_) return {};
    const auto meshes = PrecomputedMeshes::open(volume_->store(), name_);
    if (!meshes) return {};
    auto names = (*meshes)->legacy_fragments(label);
    if (!names) return {};
    std::erase_if(*names, [&](const std::string& name) {
      const bool is_own = name.starts_with(fmt::format("{}:0:", label)) || name == legacy_fragment_name(label, false);
      return !is_own || name.find('/') != std::string::npos;
    });
    return std::move(*names);
  }

  const std::span<const std::string> files_;
  const std::string& place_;
  const SurfacesOptions& options_;
  const RunOptions run_;
  std::shared_ptr<PrecomputedVolume> volume_;
  std::string folder_, name_, target_;
  bool is_there_ = false;  // a folder of meshes
  MeshFolderKind kind_;    // of a new one
  MeshInfo info_;
  SurfaceFrame frame_;
  std::vector<SurfaceJob> jobs_;
  std::unique_ptr<ShardedReader> stored_;  // shards that are there
  std::map<std::uint64_t, std::vector<ShardEntry>> entries_of_shard_;
};

}  // namespace

Result<SurfacesReport> surfaces(std::span<const std::string> files, const std::string& dataset,
                                const SurfacesOptions& options, const RunOptions& run) {
  try {
    return Surfaces(files, dataset, options, run).run();
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  }
}

}  // namespace ngforge
