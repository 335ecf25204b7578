// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/store.h"
#include "op/volume_plan.h"
#include "source/source.h"

namespace ngforge {

/// A precomputed dataset that does not exist: `info`, `transform.json` (when the source has a world) and flat chunks,
/// made from the source when asked for, with the voxels that `convert` would store. All-zero chunks are not_found
/// unless plan.keep_empty. Read-only; chunks are not listed. `plan` must be of the flat layout. Labels have live meshes
/// (op/live_meshes.h) where memory allows.
///
/// Voxels are first read when the first chunk is asked for. A stream is then unpacked once, to memory if it takes at
/// most half of run.memory_bytes, else to scratch; a source that allows any box is read where it lies, and nothing is
/// written. Errors: needs_decision (too little memory for a single chunk); see LivePyramid for those of get().
Result<std::shared_ptr<Store>> render(std::string place, SourceLevels levels, const VolumePlan& plan,
                                      const RunOptions& run);

}  // namespace ngforge
