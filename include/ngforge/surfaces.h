// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/types.h"

namespace ngforge {

struct SurfacesOptions : MeshFolderOptions {
  std::optional<std::uint64_t> label;     // of all files together; of regions: what is added to their numbers
  std::string table;                      // CSV: label, file, file ...
  std::string regions;                    // of the vertices of the one file: .label.gii or .annot
  std::optional<Affine> coord_transform;  // the files' mm to world mm
  bool dry_run = false, overwrite = false;
};

/// One label and what it got.
struct SurfaceLabelReport {
  std::uint64_t label = 0;
  std::string name;             // of the region
  std::uint64_t triangles = 0;  // 0: fragments that were there are linked
  bool was_there = false;       // its mesh is replaced
};
struct SurfacesReport {
  std::string destination, format, layout;
  std::vector<SurfaceLabelReport> labels;  // ascending
  std::uint64_t files = 0, bytes = 0;      // written
  std::uint64_t named = 0;                 // labels that the segment properties have a name of now
  std::vector<std::string> notices;
};

/// `surfaces`: puts surface files under labels of a dataset on this machine, in its frame. Other labels keep their
/// meshes; a new folder of meshes appears whole and is then named in `info`, into one that is there each label comes
/// whole. Regions bring their names and colours into the segment properties, where there are none of their label yet.
/// Nothing is written unless every file can be read. Positions become float32 nanometres of the dataset, off by up to
/// 2^-24 of their distance from its corner; invalid_data when float32 cannot hold them (beyond 3.4e38 nm). Errors:
/// those of the dataset and of surface files;
/// invalid_argument, not_found (files that the table names), already_exists (a label has a mesh), permission, io,
/// cancelled.
Result<SurfacesReport> surfaces(std::span<const std::string> files, const std::string& dataset,
                                const SurfacesOptions& options, const RunOptions& run);

struct FragmentOptions {
  std::optional<Affine> coord_transform;  // applied to the file's coordinates
  bool has_gzip = true;                   // NAME.gz
  int level = 9;                          // 0 to 12
};
/// Writes the mesh of a surface file as a fragment of single-resolution meshes: `key` below the folder of a dataset on
/// this machine. The file's coordinates as they stand there are taken for millimetres of the dataset. A fragment shows
/// when a manifest names it. Errors: those of surface files and of the store; already_exists.
Result<void> write_mesh_fragment(const std::string& file, const std::string& folder, const std::string& key,
                                 const FragmentOptions& options, const RunOptions& run);

}  // namespace ngforge
