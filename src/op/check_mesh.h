// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "ngforge/error.h"
#include "op/finding_list.h"
#include "op/mesh_names.h"
#include "source/precomputed_meshes.h"

namespace ngforge {

enum class MeshState : std::uint8_t { checked, absent, unread, too_large };

/// Reads the manifest and all fragments of one mesh and adds a finding for what the viewer refuses, does not reach or
/// shows wrongly. `absent`: there is no manifest, which is no finding here. `unread`: it names no fragments that could
/// be, which is one. `too_large`: fragments that do not fit `memory_bytes` were left out. `names` learns of the
/// fragments that a legacy manifest names. Errors: only those that end the run (ends_check()). Thread-safe.
Result<MeshState> check_mesh(const PrecomputedMeshes& meshes, std::uint64_t label, std::uint64_t memory_bytes,
                             FindingList& findings, MeshNames& names);

/// Errors that concern the run, not the dataset.
bool ends_check(const Error& error);
/// Errors of a file that cannot be read, whatever is in it.
bool is_unreadable(const Error& error);

}  // namespace ngforge
