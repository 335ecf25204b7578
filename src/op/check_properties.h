// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/finding_list.h"
#include "source/precomputed.h"

namespace ngforge {

/// Adds findings for the segment properties that the volume names: what contradicts the format, and ids that no voxel
/// has. These are looked for in the coarsest scale, then those that are left in the next finer one, and so on: only
/// what no scale shows costs a pass over all of them. Where chunks do not decode, or the properties are too long for
/// --memory, ids are not looked for. Errors: needs_decision (too little memory), cancelled, internal.
Result<void> check_properties(const PrecomputedVolume& volume, const RunOptions& run, FindingList& findings);

}  // namespace ngforge
