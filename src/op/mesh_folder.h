// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ngforge/error.h"
#include "source/precomputed.h"

namespace ngforge {

/// The name of the folder of meshes in a dataset: `wanted`, or what `info` names, or "mesh". Errors: invalid_argument
/// (a name of something else).
Result<std::string> mesh_folder_name(const PrecomputedVolume& volume, const std::string& wanted);

/// Names the folder of meshes in `info` of the dataset in `folder`; all else in it stays. Errors: those of the store,
/// permission, io.
Result<void> link_mesh_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& name);

}  // namespace ngforge
