// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/value_map.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/volume_plan.h"
#include "source/source.h"

namespace ngforge {

/// What becomes of the source's values, and of which type they are then: without --dtype the source's own where `kind`
/// has it and nothing is lost. Errors: needs_decision (no such type, naming --dtype or --complex), invalid_argument.
Result<ValueMap> plan_values(const VolumeHeader& header, const VolumeOptions& options, bool is_segmentation,
                             DatasetKind kind);

}  // namespace ngforge
