// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/mesh_plan.h"
#include "op/mesh_spool.h"
#include "source/precomputed.h"

namespace ngforge {

/// Triangles that a label has at most where no coarser level is wanted.
inline constexpr std::uint64_t kFewTriangles = 300;

/// Makes the surfaces of all labels, node by node from level 0 to the root and on until few triangles remain, and puts
/// them into the spool: as Draco, or, for single-resolution meshes, level 0 as StoredMesh. Works in Morton order on
/// `run.threads` threads within `run.memory_bytes`; what is spooled does not depend on either. `tell` is called with
/// the voxels that are done, from one thread at a time. Errors: those of the volume; needs_decision (--memory is too
/// little), io, cancelled, internal.
Result<void> walk_meshes(const PrecomputedVolume& volume, const MeshPlan& plan, MeshSpool& spool, const RunOptions& run,
                         const std::function<void(std::uint64_t)>& tell);

}  // namespace ngforge
