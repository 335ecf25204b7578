// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>

#include "ngforge/error.h"
#include "op/mesh_plan.h"
#include "source/precomputed.h"

namespace ngforge {

/// How much scratch meshes of a volume take when simplification saves nothing, which is about the most: from the
/// surfaces in some of its nodes, as many of them as tell, and as if the others had as much. Errors: those of reading
/// the volume, cancelled.
Result<std::uint64_t> estimate_mesh_scratch(const PrecomputedVolume& volume, const MeshPlan& plan,
                                            const std::stop_token& stop);

}  // namespace ngforge
