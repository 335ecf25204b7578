// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>

#include "ngforge/error.h"
#include "op/cascade.h"
#include "op/strip_plan.h"
#include "op/volume_plan.h"
#include "pipeline/thread_pool.h"
#include "source/source.h"

namespace ngforge {

/// Reads the whole kept part of a source once, in the order it can be read, and fills the strips of the cascade: mapped
/// to output values and turned to output axes. Sources that decode boxes are read in the pool, others on the calling
/// thread. `on_progress` is called on the calling thread after every batch. Errors: those of the source
/// (concerns_source), needs_decision for a value that does not fit (with its voxel), cancelled, whatever failed in the
/// cascade.
Result<void> feed(VolumeSource& source, const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool,
                  Cascade& cascade, const std::stop_token& stop, const std::function<void()>& on_progress);

}  // namespace ngforge
