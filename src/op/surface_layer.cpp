// SPDX-License-Identifier: Apache-2.0
#include "op/surface_layer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "codec/mesh_fragment.h"
#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"
#include "layout/segment_properties.h"
#include "op/dataset_mesh.h"
#include "op/fixed_store.h"
#include "op/open_dataset.h"
#include "op/stored_properties.h"
#include "op/surface_file.h"
#include "op/surface_jobs.h"
#include "source/precomputed.h"
#include "source/precomputed_meshes.h"
#include "store/viewer_names.h"

namespace ngforge {
namespace {

constexpr double kNmPerMm = 1e6;
constexpr const char* kNamesFolder = "names";
// So many segments are selected, and measured to know where to look.
constexpr std::size_t kMostSelected = 500;
// A mesh is held as its bytes, its parts and joined.
constexpr std::uint64_t kTimes = 8;

using Documents = std::map<std::string, Bytes>;

std::string write_names(const std::vector<SurfaceJob>& jobs) {
  SegmentProperties names;
  SegmentProperty label;
  label.kind = SegmentProperty::Kind::label;
  label.id = "label";
  for (const SurfaceJob& job : jobs) {
    names.ids.push_back(job.label);
    label.texts.push_back(job.name);
  }
  names.properties.push_back(std::move(label));
  return write_segment_properties(names);
}

// The surface of a file as a folder of meshes.
Result<std::shared_ptr<Store>> meshes_of_file(const std::string& place, const std::string& regions,
                                              std::uint64_t memory_bytes) {
  SurfaceFrame frame{{}, Affine{}, memory_bytes};
  for (std::size_t a = 0; a < 3; ++a) frame.world_mm_to_nm.m[a][a] = kNmPerMm;
  SurfacesOptions options;
  options.regions = regions;
  if (regions.empty()) options.label = 1;
  NGFORGE_TRY(std::vector<SurfaceJob> jobs, plan_surface_jobs(std::span(&place, 1), options, "", frame));
  Documents documents;
  std::uint64_t bytes = 0;
  for (SurfaceJob& job : jobs) {
    NGFORGE_TRY(const Mesh mesh, load_surfaces(job, frame));
    job.part = {};
    if (regions.empty()) job.name = dataset_name(place);
    const std::string fragment = legacy_fragment_name(job.label, true);
    documents[legacy_manifest_name(job.label, true)] = bytes_of_text(write_legacy_manifest(std::span(&fragment, 1)));
    bytes += (documents[fragment] = encode_mesh_fragment(mesh)).size();
    if (bytes > memory_bytes / 2)
      return make_error(ErrorCode::needs_decision,
                        "{}: expected surfaces of at most {} MiB within --memory {} MiB, found more", place,
                        memory_bytes >> 21, memory_bytes >> 20)
          .with_hint("use a larger --memory")
          .of_source();
  }
  MeshInfo info;
  info.format = MeshFormat::legacy;
  info.segment_properties = kNamesFolder;
  documents["info"] = bytes_of_text(write_mesh_info(info));
  documents[std::string(kNamesFolder) + "/info"] = bytes_of_text(write_names(jobs));
  return std::shared_ptr<Store>(std::make_shared<FixedStore>(place, std::move(documents)));
}

/// The box around meshes, in nm.
struct Bounds {
  std::array<double, 3> low, high;
  Bounds() {
    low.fill(std::numeric_limits<double>::infinity());
    high.fill(-std::numeric_limits<double>::infinity());
  }
  void add(const Mesh& mesh) {
    for (const auto& position : mesh.positions)
      for (std::size_t a = 0; a < 3; ++a) {
        low[a] = std::min<double>(low[a], position[a]);
        high[a] = std::max<double>(high[a], position[a]);
      }
  }
  bool is_empty() const { return low[0] > high[0]; }
};

// Tells the size of what has no voxels in a unit that suits it.
void set_box(const Bounds& bounds, Dataset& dataset) {
  double longest_nm = 0;
  for (std::size_t a = 0; a < 3 && !bounds.is_empty(); ++a)
    longest_nm = std::max(longest_nm, bounds.high[a] - bounds.low[a]);
  const double unit_nm = longest_nm >= 1e7 || bounds.is_empty() ? 1e6 : longest_nm >= 1e4 ? 1e3 : 1;
  dataset.resolution_nm.fill(unit_nm);
  dataset.box_vox = {{}, {1, 1, 1}};
  for (int a = 0; a < 3 && !bounds.is_empty(); ++a) {
    const auto i = static_cast<std::size_t>(a);
    dataset.box_vox.begin[a] = static_cast<Index>(std::floor(bounds.low[i] / unit_nm));
    dataset.box_vox.end[a] =
        std::max(dataset.box_vox.begin[a] + 1, static_cast<Index>(std::ceil(bounds.high[i] / unit_nm)));
  }
}

Result<Dataset> dataset_of(std::shared_ptr<Store> store, std::uint64_t memory_bytes) {
  NGFORGE_TRY(const auto meshes, PrecomputedMeshes::open(store, ""));
  Dataset dataset;
  dataset.type = "surface";
  dataset.store = std::move(store);
  // They are linked as those of a volume are.
  VolumeInfo linked;
  linked.segment_properties = meshes->info().segment_properties;
  dataset.segment_colors = stored_colors(*dataset.store, linked);
  if (const auto folder = properties_folder(linked)) {
    std::vector<std::string> ignored;
    const auto names = read_stored_properties(*dataset.store, *folder, properties_limit(memory_bytes), ignored);
    if (names && names->ids.size() <= kMostSelected) dataset.segments = names->ids;
  }
  Bounds bounds;
  for (const std::uint64_t segment : dataset.segments) {
    // The viewer says what is wrong with a mesh.
    const auto mesh = meshes->read(segment, 0, memory_bytes / kTimes);
    if (!mesh) continue;
    bounds.add(*mesh);
    dataset.triangles += mesh->triangles.size();
  }
  set_box(bounds, dataset);
  return dataset;
}

bool is_mesh_folder(const std::string& place) {
  constexpr std::uint64_t kMaxInfoBytes = 1 << 16;
  auto store = open_dataset_store(place);
  if (!store) return false;
  const auto info = get_decoded(**store, "info", kMaxInfoBytes);
  return info && parse_mesh_info({reinterpret_cast<const char*>(info->data()), info->size()}, place);
}

}  // namespace

bool is_surface_layer(const std::string& place) {
  constexpr int kLikelyScore = 50;
  if (is_precomputed(place)) return is_mesh_folder(place);
  return is_dataset_mesh(place) || surface_score(place) >= kLikelyScore;
}

Result<Dataset> open_surface_layer(const std::string& place, const std::string& regions, const RunOptions& run) {
  const std::uint64_t memory_bytes = run.memory_bytes / static_cast<std::uint64_t>(run.memory_shares);
  const bool is_folder = is_precomputed(place);
  std::shared_ptr<Store> store;
  if (is_folder) {
    NGFORGE_TRY(store, open_dataset_store(place));
    store = make_viewer_view(std::move(store));
  } else {
    NGFORGE_TRY(store, meshes_of_file(place, regions, memory_bytes));
  }
  NGFORGE_TRY(Dataset dataset, dataset_of(std::move(store), memory_bytes));
  dataset.format = is_folder                ? "Neuroglancer meshes"
                   : is_dataset_mesh(place) ? "mesh of a label"
                                            : surface_format(place);
  return dataset;
}

}  // namespace ngforge
