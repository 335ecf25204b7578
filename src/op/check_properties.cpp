// SPDX-License-Identifier: Apache-2.0
#include "op/check_properties.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "op/chunk_walk.h"
#include "op/label_totals.h"
#include "op/run_options.h"
#include "op/stored_properties.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

constexpr const char* kWriteAnew = "write it anew with ngforge properties TABLE DATASET --overwrite";

/// Ids of which some are still to be found. Thread-safe.
class Wanted {
 public:
  explicit Wanted(std::vector<std::uint64_t> ids) : ids_(std::move(ids)), is_found_(ids_.size()), left_(ids_.size()) {
    find(0);  // the background needs no voxel
  }
  std::size_t left() const { return left_; }
  void find(std::uint64_t id) {
    const auto place = std::ranges::lower_bound(ids_, id);
    if (place == ids_.end() || *place != id) return;
    if (!is_found_[static_cast<std::size_t>(place - ids_.begin())].exchange(true)) --left_;
  }
  std::vector<std::uint64_t> rest() const {
    std::vector<std::uint64_t> rest;
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (!is_found_[i]) rest.push_back(ids_[i]);
    return rest;
  }

 private:
  const std::vector<std::uint64_t> ids_;  // ascending
  std::vector<std::atomic<bool>> is_found_;
  std::atomic<std::size_t> left_;
};

// Whether all scales could be looked at, as far as they were needed.
Result<bool> look_for(Wanted& wanted, const PrecomputedVolume& volume, const RunOptions& run) {
  for (std::size_t k = volume.info().scales.size(); k-- > 0 && wanted.left() > 0;) {
    NGFORGE_TRY(ChunkWalk walk, ChunkWalk::plan(volume, k, run, run.memory_bytes / 2, run.memory_bytes / 2));
    const auto walked = walk.run("looking for segments", [&](int, const BlockView& chunk) -> Result<bool> {
      for_each_run(chunk, [&](const LabelRun& run) { wanted.find(run.label); });
      return wanted.left() > 0;
    });
    if (walked) continue;
    if (walked.error().code == ErrorCode::cancelled || walked.error().code == ErrorCode::internal)
      return walked.error();
    return false;
  }
  return true;
}

// Surfaces of files may be at labels that no voxel has: to select them shows something.
void look_for_meshes(Wanted& wanted, const PrecomputedVolume& volume) {
  const std::string folder = linked_folder(volume.info().mesh);
  if (folder.empty()) return;
  const auto meshes = PrecomputedMeshes::open(volume.store(), folder);
  if (!meshes) return;
  for (const std::uint64_t id : wanted.rest()) {
    const bool is_multires = (*meshes)->info().format == MeshFormat::multires;
    if (is_multires ? (*meshes)->find_multires(id).has_value() : (*meshes)->legacy_fragments(id).has_value())
      wanted.find(id);
  }
}

}  // namespace

Result<void> check_properties(const PrecomputedVolume& volume, const RunOptions& given, FindingList& findings) {
  const RunOptions run = with_defaults(given);
  const auto folder = properties_folder(volume.info());
  if (!folder) return {};
  std::vector<std::string> faults;
  auto read = read_stored_properties(*volume.store(), *folder, properties_limit(run.memory_bytes), faults);
  // That it is not there is told with the other links.
  if (!read && read.error().code == ErrorCode::not_found) return {};
  if (!read && read.error().code == ErrorCode::limit && run.on_notice)
    run.on_notice(fmt::format("{}/info: too long for --memory, not looked at", *folder));
  if (!read && read.error().code == ErrorCode::limit) return {};
  const std::string where = *folder + "/info";
  if (!read) {
    findings.add(FindingList::kDataset, FindingCode::bad_properties, where,
                 read.error().message + ": the viewer shows no names of segments", kWriteAnew);
    return {};
  }
  for (const std::string& fault : faults)
    findings.add(FindingList::kDataset, FindingCode::bad_properties, where,
                 fault + ": the viewer refuses the properties or shows wrong ones", kWriteAnew);
  if (!volume.info().is_segmentation || !is_integer(volume.info().type)) return {};
  Wanted wanted(std::move(read->ids));
  NGFORGE_TRY(const bool was_complete, look_for(wanted, volume, run));
  if (!was_complete) return {};
  look_for_meshes(wanted, volume);
  if (wanted.left() > 0)
    findings.add(
        FindingList::kDataset, FindingCode::absent_segment, where,
        fmt::format("expected voxels or a mesh of every id, found none of {}: the viewer lists names that select "
                    "nothing",
                    ids_text(wanted.rest())),
        "ngforge properties DATASET --present --overwrite leaves them out");
  return {};
}

}  // namespace ngforge
