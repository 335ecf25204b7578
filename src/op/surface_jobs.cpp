// SPDX-License-Identifier: Apache-2.0
#include "op/surface_jobs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "core/affine.h"
#include "op/surface_file.h"
#include "op/surface_table.h"
#include "surface/region_labels.h"
#include "surface/region_split.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr double kNmPerMm = 1e6;

Affine scaling(double factor) {
  Affine affine;
  for (std::size_t a = 0; a < 3; ++a) affine.m[a][a] = factor;
  return affine;
}

/// Brings a surface into the dataset's frame, in place.
Result<void> move_to_nm(Surface& surface, const SurfaceFrame& frame, const std::string& place) {
  Affine affine = frame.world_mm_to_nm;
  if (surface.is_in_dataset_nm) affine = scaling(kNmPerMm);
  if (frame.coord_transform) affine = multiply(affine, *frame.coord_transform);
  if (!surface.is_in_dataset_nm || frame.coord_transform)
    transform_mesh(surface.mesh, multiply(affine, surface.to_world_mm));
  for (const auto& position : surface.mesh.positions)
    for (const float value : position)
      if (!std::isfinite(value))
        return make_error(ErrorCode::invalid_data,
                          "{}: expected coordinates that fit float32 as nanometres, found more", place)
            .of_source();
  return {};
}

void append(Mesh& mesh, const Mesh& more) {
  const auto first = static_cast<std::uint32_t>(mesh.positions.size());
  mesh.positions.insert(mesh.positions.end(), more.positions.begin(), more.positions.end());
  for (auto triangle : more.triangles) {
    for (auto& corner : triangle) corner += first;
    mesh.triangles.push_back(triangle);
  }
}

/// What a table may call a file: its path, its name, its name up to the first point.
bool is_called(const std::string& file, const std::string& name) {
  const std::string own = fs::path(file).filename().string();
  return name == file || name == own || name == own.substr(0, own.find('.'));
}

class TableJobs {
 public:
  TableJobs(std::span<const std::string> files, const SurfacesOptions& options, const std::string& mesh_folder)
      : files_(files), table_(options.table), mesh_folder_(mesh_folder) {}

  Result<std::vector<SurfaceJob>> plan(std::uint64_t memory_bytes) {
    std::vector<SurfaceRow> rows;
    NGFORGE_CHECK(with_surface_input(table_, memory_bytes, [&](const SurfaceInput& input) -> Result<void> {
      NGFORGE_TRY(rows, parse_surface_table(input.text(), table_));
      return {};
    }));
    std::vector<SurfaceJob> jobs;
    for (const SurfaceRow& row : rows) {
      SurfaceJob& job = jobs.emplace_back();
      job.label = row.label;
      for (const std::string& name : row.names) NGFORGE_CHECK(find(name, row, job));
    }
    for (const std::string& file : files_)
      if (!used_.contains(file))
        return make_error(ErrorCode::invalid_argument, "{}: expected a label for every file, found none for {}", table_,
                          file);
    return jobs;
  }

 private:
  Result<void> find(const std::string& name, const SurfaceRow& row, SurfaceJob& job) {
    std::vector<std::string> called;
    std::ranges::copy_if(files_, std::back_inserter(called), [&](const auto& file) { return is_called(file, name); });
    if (called.size() > 1)
      return make_error(ErrorCode::invalid_argument, "{}: line {}: expected one file called {:?}, found {} and {}",
                        table_, row.line, name, called[0], called[1]);
    if (called.size() == 1) {
      used_.insert(called[0]);
      job.files.push_back(called[0]);
      return {};
    }
    std::error_code ignored;
    const bool is_name = name.find('/') == std::string::npos;
    if (!mesh_folder_.empty() && is_name &&
        (fs::is_regular_file(mesh_folder_ + "/" + name, ignored) ||
         fs::is_regular_file(mesh_folder_ + "/" + name + ".gz", ignored))) {
      job.fragments.push_back(name);
      return {};
    }
    const std::string beside = (fs::path(table_).parent_path() / name).string();
    if (!fs::is_regular_file(beside, ignored))
      return make_error(ErrorCode::not_found, "{}: line {}: expected a surface file, found none called {:?}", table_,
                        row.line, name)
          .of_source();
    job.files.push_back(beside);
    return {};
  }

  const std::span<const std::string> files_;
  const std::string& table_;
  const std::string& mesh_folder_;
  std::set<std::string> used_;
};

Result<std::vector<SurfaceJob>> plan_regions(const std::string& file, const SurfacesOptions& options,
                                             const SurfaceFrame& frame) {
  NGFORGE_TRY(Surface surface, open_surface(file, frame.memory_bytes));
  RegionLabels regions;
  NGFORGE_CHECK(with_surface_input(options.regions, frame.memory_bytes, [&](const SurfaceInput& input) -> Result<void> {
    NGFORGE_TRY(regions, read_region_labels(input));
    return {};
  }));
  if (regions.of_vertex.size() != surface.mesh.positions.size())
    return make_error(ErrorCode::invalid_data, "{}: expected a region for each of the {} vertices of {}, found {}",
                      options.regions, surface.mesh.positions.size(), file, regions.of_vertex.size())
        .of_source();
  NGFORGE_CHECK(move_to_nm(surface, frame, file));
  std::vector<SurfaceJob> jobs;
  for (auto& [number, part] : split_by_region(surface.mesh, regions.of_vertex)) {
    std::uint64_t label = 0;
    if (number < 0) continue;
    if (__builtin_add_overflow(static_cast<std::uint64_t>(number), options.label.value_or(0), &label))
      return make_error(ErrorCode::invalid_argument, "--label: expected labels below 2^64, found {} and region {}",
                        *options.label, number);
    if (label == 0) continue;
    SurfaceJob& job = jobs.emplace_back();
    job.label = label;
    job.part = std::move(part);
    const auto named = std::ranges::find(regions.names, number, &RegionName::number);
    if (named == regions.names.end()) continue;
    job.name = named->name;
    job.rgb = named->rgb;
  }
  if (jobs.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected vertices of regions, found none", options.regions)
        .of_source();
  return jobs;
}

Result<void> check_choice(std::span<const std::string> files, const SurfacesOptions& options) {
  const bool has_table = !options.table.empty(), has_regions = !options.regions.empty();
  if (has_table && (options.label || has_regions))
    return make_error(ErrorCode::invalid_argument, "expected --labels alone, found --{} too",
                      options.label ? "label" : "regions");
  if (!has_table && files.empty())
    return make_error(ErrorCode::invalid_argument, "expected surface files before the dataset, found none");
  if (!has_table && !has_regions && !options.label)
    return make_error(ErrorCode::needs_decision, "expected labels for the surfaces, found none")
        .with_hint("say --label N, --labels TABLE or --regions FILE");
  if (has_regions && files.size() != 1)
    return make_error(ErrorCode::invalid_argument, "--regions: expected one surface file, found {}", files.size());
  return {};
}

}  // namespace

SurfaceFrame surface_frame(const PrecomputedVolume& volume, const SurfacesOptions& options,
                           std::uint64_t memory_bytes) {
  // Its inverse is there: parse_transform() sees to that.
  const Affine to_nm = inverse(volume.transform_nm().value_or(Affine{})).value_or(Affine{});
  return {multiply(to_nm, scaling(kNmPerMm)), options.coord_transform, memory_bytes};
}

Result<std::vector<SurfaceJob>> plan_surface_jobs(std::span<const std::string> files, const SurfacesOptions& options,
                                                  const std::string& mesh_folder, const SurfaceFrame& frame) {
  NGFORGE_CHECK(check_choice(files, options));
  std::vector<SurfaceJob> jobs;
  if (!options.table.empty()) {
    NGFORGE_TRY(jobs, TableJobs(files, options, mesh_folder).plan(frame.memory_bytes));
  } else if (!options.regions.empty()) {
    NGFORGE_TRY(jobs, plan_regions(files.front(), options, frame));
  } else {
    jobs.emplace_back();
    jobs.back().label = *options.label;
    jobs.back().files.assign(files.begin(), files.end());
  }
  std::ranges::sort(jobs, {}, &SurfaceJob::label);
  if (jobs.front().label == 0)
    return make_error(ErrorCode::invalid_argument, "expected labels from 1 on, found 0, which is the background");
  return jobs;
}

Result<Mesh> load_surfaces(const SurfaceJob& job, const SurfaceFrame& frame) {
  Mesh mesh = job.part;
  for (const std::string& file : job.files) {
    NGFORGE_TRY(Surface surface, open_surface(file, frame.memory_bytes));
    NGFORGE_CHECK(move_to_nm(surface, frame, file));
    if (mesh.positions.size() + surface.mesh.positions.size() > std::numeric_limits<std::uint32_t>::max())
      return make_error(ErrorCode::limit, "{}: expected at most 2^32 vertices for label {}, found more", file,
                        job.label)
          .of_source();
    append(mesh, surface.mesh);
  }
  return mesh;
}

}  // namespace ngforge
