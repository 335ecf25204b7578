// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <fmt/ranges.h>

#include "layout/mesh_info.h"
#include "layout/provenance.h"
#include "ngforge/op.h"
#include "ngforge/version.h"
#include "op/local_dataset.h"
#include "op/mesh_folder.h"
#include "op/mesh_output.h"
#include "op/mesh_plan.h"
#include "op/mesh_scratch.h"
#include "op/mesh_spool.h"
#include "op/mesh_walk.h"
#include "op/run_options.h"
#include "pyramid/plan_scales.h"
#include "sink/folder_writer.h"
#include "sink/mesh_sink.h"
#include "sink/partial_folder.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

constexpr const char* kTask = "ngforge mesh";

class Meshing {
 public:
  Meshing(std::string place, const MeshOptions& options, const RunOptions& run)
      : place_(std::move(place)), options_(options), run_(with_defaults(run)) {}

  Result<MeshReport> run() {
    if (options_.resume && options_.overwrite)
      return make_error(ErrorCode::invalid_argument, "expected either --resume or --overwrite, found both");
    NGFORGE_TRY(volume_, PrecomputedVolume::open(place_));
    NGFORGE_TRY(folder_, local_folder(*volume_, place_));
    auto plan = plan_meshes(volume_->info(), options_);
    if (!plan) {
      const bool is_of_data = plan.error().code == ErrorCode::unsupported;
      return is_of_data ? std::move(plan).error().in(folder_ + "/info").of_source() : std::move(plan).error();
    }
    plan_ = std::move(*plan);
    NGFORGE_TRY(name_, mesh_folder_name(*volume_, options_.mesh_dir));
    MeshReport report = plan_report();
    if (options_.dry_run) {
      NGFORGE_TRY(report.scratch_bytes, estimate_mesh_scratch(*volume_, plan_, run_.stop));
      return report;
    }
    const RunIdentity identity = identity_of_run();
    NGFORGE_TRY(PartialFolder partial,
                PartialFolder::open(report.destination, identity, {options_.resume, options_.overwrite}));
    if (partial.is_complete()) {
      NGFORGE_CHECK(check_finished(report.destination, identity));
      NGFORGE_CHECK(link_mesh_folder(*volume_, folder_, name_));
      report.was_complete = true;
      return report;
    }
    auto written = write(partial, identity, report);
    if (written) written = partial.commit();
    if (written) written = link_mesh_folder(*volume_, folder_, name_);
    if (!written) {
      if (exit_status(written.error()) <= 4) partial.discard();
      return std::move(written).error();
    }
    return report;
  }

 private:
  MeshReport plan_report() const {
    MeshReport report;
    report.destination = folder_ + "/" + name_;
    report.format = name_of(plan_.format);
    report.layout = layout_name(plan_.is_sharded);
    report.scale = volume_->info().scales[plan_.scale].key;
    report.max_error_nm = plan_.max_error_nm;
    report.node_voxels = plan_.node_cells;
    report.nodes = static_cast<std::uint64_t>(plan_.nodes.product());
    report.peak_memory_bytes = run_.memory_bytes;
    return report;
  }

  // What decides the result.
  RunIdentity identity_of_run() const {
    const auto number = [](double value) { return shortest_number(value); };
    RunIdentity identity{{"version", NGFORGE_VERSION},
                         {"source_fingerprint", volume_->fingerprint()},
                         {"scale", volume_->info().scales[plan_.scale].key},
                         {"format", std::string(name_of(plan_.format))},
                         {"layout", std::string(layout_name(plan_.is_sharded))},
                         {"max_error_nm", number(plan_.max_error_nm)},
                         {"quantization_bits", fmt::format("{}", plan_.quantization_bits)},
                         {"min_voxels", fmt::format("{}", plan_.min_voxels)},
                         {"border", plan_.is_open ? "open" : "closed"},
                         {"manifests", plan_.has_colon_suffix ? "ID:0" : "ID"},
                         {"labels", plan_.labels.empty() ? "all" : fmt::format("{}", fmt::join(plan_.labels, ","))},
                         {"excluded", fmt::format("{}", fmt::join(plan_.excluded, ","))}};
    return identity;
  }

  // Errors: already_exists, when a finished folder was made with other options.
  Result<void> check_finished(const std::string& folder, const RunIdentity& identity) const {
    const std::string path = folder + "/provenance";
    const auto provenance = parse_provenance(text_of_file(path), path);
    if (!provenance || provenance->task != kTask)
      return make_error(ErrorCode::already_exists, "{}: exists already, and is not of this command", folder)
          .with_hint("replace it with --overwrite, or choose another --mesh-dir");
    for (const auto& [name, now] : identity) {
      // Linking the meshes changed `info`.
      if (name == "source_fingerprint" || name == "version") continue;
      if (const std::string before = provenance->option(name); before != now)
        return make_error(ErrorCode::already_exists, "{}: is finished, but {} was {}, now {}", folder, name, before,
                          now)
            .with_hint("replace it with --overwrite, or choose another --mesh-dir");
    }
    return {};
  }

  Result<void> write(const PartialFolder& partial, const RunIdentity& identity, MeshReport& report) {
    try {
      NGFORGE_TRY(const auto spool, MeshSpool::create(run_.scratch.empty() ? partial.path() : run_.scratch));
      const auto voxels = static_cast<std::uint64_t>(plan_.box_vox.volume());
      const auto tell = [&](std::uint64_t done) {
        if (run_.on_progress) run_.on_progress({"meshing", done, voxels, "voxels"});
      };
      NGFORGE_CHECK(walk_meshes(*volume_, plan_, *spool, run_, tell));
      auto totals = count_meshes(plan_, *spool, run_.stop);
      if (!totals) return std::move(totals).error().in(folder_).of_source();
      std::optional<ShardingSpec> sharding;
      if (plan_.is_sharded) sharding = plan_mesh_sharding(totals->labels, totals->bytes);
      report.labels = totals->labels;
      report.levels = totals->levels;
      for (std::size_t l = 0; l < report.levels.size(); ++l) {
        report.levels[l].error_nm = plan_.error_nm(static_cast<int>(l));
        report.levels[l].scale_nm = plan_.lod_scale_nm(static_cast<int>(l));
      }
      const auto tell_written = [&](std::uint64_t done) {
        if (run_.on_progress) run_.on_progress({"writing", done, report.labels, "labels"});
      };
      NGFORGE_CHECK(write_meshes(plan_, *spool, partial.path(), sharding, partial.is_resumed(), run_.memory_bytes,
                                 run_.stop, tell_written, report));
      return write_metadata(partial.path(), sharding, identity, report);
    } catch (const std::bad_alloc&) {
      return make_error(ErrorCode::internal, "the machine has no memory left");
    }
  }

  Result<void> write_metadata(const std::string& folder, const std::optional<ShardingSpec>& sharding,
                              const RunIdentity& identity, MeshReport& report) const {
    Provenance provenance;
    provenance.sources = {place_};
    provenance.task = kTask;
    provenance.version = NGFORGE_VERSION;
    for (const auto& [name, value] : identity)
      if (name != "version") provenance.options.emplace_back(name, value);
    MeshInfo info;
    info.format = plan_.format;
    info.vertex_quantization_bits = plan_.quantization_bits;
    info.sharding = sharding;
    info.mip = static_cast<Index>(plan_.scale);
    FolderWriter writer;
    NGFORGE_CHECK(writer.open(folder));
    for (const auto& [name, text] : {std::pair<std::string, std::string>("provenance", write_provenance(provenance)),
                                     std::pair<std::string, std::string>("info", write_mesh_info(info))}) {
      NGFORGE_CHECK(writer.write_synced(name, std::as_bytes(std::span(text))));
      ++report.files;
      report.bytes += text.size();
    }
    return {};
  }

  const std::string place_;
  const MeshOptions& options_;
  const RunOptions run_;
  std::shared_ptr<PrecomputedVolume> volume_;
  std::string folder_, name_;
  MeshPlan plan_;
};

}  // namespace

Result<MeshReport> mesh(const std::string& dataset, const MeshOptions& options, const RunOptions& run) {
  try {
    return Meshing(dataset, options, run).run();
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  }
}

}  // namespace ngforge
