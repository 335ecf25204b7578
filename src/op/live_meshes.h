// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/store.h"
#include "op/mesh_node.h"
#include "op/mesh_plan.h"

// Meshes of labels that are made when a viewer asks for them.
namespace ngforge {

/// How meshes are made, and what that takes.
struct LiveMeshPlan {
  MeshPlan meshes;
  int threads = 1;
  std::uint64_t block_bytes = 0;                                     // of each thread
  std::uint64_t surface_bytes = 0, table_bytes = 0, kept_bytes = 0;  // of all together

  std::uint64_t memory_bytes() const {
    return static_cast<std::uint64_t>(threads) * block_bytes + surface_bytes + table_bytes + kept_bytes;
  }
};

struct LiveMeshLimits {
  std::uint64_t memory_bytes = 0;    // for the dataset and its meshes
  std::uint64_t dataset_bytes = 0;   // what the dataset takes of them at the least
  bool scales_are_computed = false;  // from the finest: any of them takes reading that
};

/// Plans meshes for a dataset that has none, of the finest scale that a viewer does not wait too long for. Nothing
/// where there are no labels; with a notice also where there is too much to read, or too little memory.
std::optional<LiveMeshPlan> plan_live_meshes(const VolumeInfo& info, const LiveMeshLimits& limits,
                                             const RunOptions& run);

/// The dataset in `dataset` with a folder of meshes (kLiveMeshFolder) that its `info` names: single-resolution ones
/// with a fragment for each node that a label's surface goes through. Positions are those of `mesh --format legacy`.
///
/// When the first manifest is asked for, all labels are looked up once on plan.threads threads; `read` reads them. A
/// fragment is made when it is asked for, once, however many ask, and kept while memory allows. Labels that do not
/// exist are not_found. Errors of get() beside those of `read`: needs_decision (too little memory for the labels or for
/// a surface). Errors: those of reading `info`.
Result<std::shared_ptr<Store>> with_live_meshes(std::shared_ptr<Store> dataset, const LiveMeshPlan& plan,
                                                ReadLabels read, std::stop_token stop);

}  // namespace ngforge
