// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "layout/mesh_info.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "source/precomputed.h"

namespace ngforge {

/// What a new folder of meshes becomes. Errors: invalid_argument (another word, shards of legacy meshes).
struct MeshFolderKind {
  MeshFormat format = MeshFormat::multires;
  bool is_sharded = true;
};
Result<MeshFolderKind> mesh_folder_kind(const MeshFolderOptions& options);
/// Errors: invalid_argument (names that only legacy manifests have).
Result<void> check_colon_suffix(const MeshFolderOptions& options, MeshFormat format);
std::string_view name_of(MeshFormat format);
std::string_view layout_name(bool is_sharded);

/// The name of the folder of meshes in a dataset: `wanted`, or what `info` names, or "mesh". Errors: invalid_argument
/// (a name of something else: a scale, properties, skeletons, a file).
Result<std::string> mesh_folder_name(const PrecomputedVolume& volume, const std::string& wanted);

/// Names the folder of meshes in `info` of the dataset in `folder`; all else in it stays. Errors: those of the store,
/// permission, io.
Result<void> link_mesh_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& name);

}  // namespace ngforge
