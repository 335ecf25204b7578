// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/mesh.h"
#include "ngforge/error.h"
#include "ngforge/surfaces.h"
#include "source/precomputed.h"

namespace ngforge {

/// What a label is to get: the surfaces of some files, or a part of one.
struct SurfaceJob {
  std::uint64_t label = 0;
  std::string name;  // of the region, with its colour
  std::array<std::uint8_t, 3> rgb{};
  std::vector<std::string> files;
  std::vector<std::string> fragments;  // that are in the folder of meshes already
  Mesh part;                           // in nm; where there are no files
};

/// Where the coordinates of files lie in the dataset.
struct SurfaceFrame {
  Affine world_mm_to_nm;
  std::optional<Affine> coord_transform;
  std::uint64_t memory_bytes = 0;
};
SurfaceFrame surface_frame(const PrecomputedVolume& volume, const SurfacesOptions& options, std::uint64_t memory_bytes);

/// Says which label gets what, by ascending label. `mesh_folder`: where names of a table may be those of fragments; ""
/// when they may not. Errors: invalid_argument, not_found, and those of the table, of the surface and of its regions.
Result<std::vector<SurfaceJob>> plan_surface_jobs(std::span<const std::string> files, const SurfacesOptions& options,
                                                  const std::string& mesh_folder, const SurfaceFrame& frame);

/// The mesh of a job in nm of the dataset; its files are one mesh. Errors: those of surface files.
Result<Mesh> load_surfaces(const SurfaceJob& job, const SurfaceFrame& frame);

}  // namespace ngforge
