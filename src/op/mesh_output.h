// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "layout/sharding.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/mesh_plan.h"
#include "op/mesh_spool.h"

namespace ngforge {

/// What the spool holds of all labels once every node is done.
struct MeshTotals {
  std::uint64_t labels = 0, bytes = 0;  // that become files
  std::vector<MeshLevelReport> levels;  // of all labels
};

/// Counts what will be written, and looks that every label that is asked for has a surface.
/// Errors: not_found (labels that are not in the volume, no label at all), needs_decision (labels without a surface),
/// io, cancelled. Each names labels.
Result<MeshTotals> count_meshes(const MeshPlan& plan, const MeshSpool& spool, const std::stop_token& stop);

/// Writes the meshes of all labels into `folder`, which is there. `sharding`: of multi-resolution meshes in shards.
/// Adds files and bytes to `report`. Holds one label at a time: needs_decision when that does not fit `memory_bytes`.
/// `tell(labels)` is called after each label, with how many are written.
/// Errors: io, permission, needs_decision, cancelled.
Result<void> write_meshes(const MeshPlan& plan, const MeshSpool& spool, const std::string& folder,
                          const std::optional<ShardingSpec>& sharding, bool resume, std::uint64_t memory_bytes,
                          const std::stop_token& stop, const std::function<void(std::uint64_t)>& tell,
                          MeshReport& report);

}  // namespace ngforge
