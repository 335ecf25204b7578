// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ngforge/error.h"
#include "op/volume_plan.h"

namespace ngforge {

/// Plans the array of the next scale of `plan`: chunks no longer than the array, a number for its key, shards.
/// Errors: invalid_argument (chunks that the compressor cannot take).
Result<void> plan_ome_zarr_array(const VolumeOptions& options, ScaleInfo& scale, VolumePlan& plan);

/// Fills in what the metadata says beside the scales; all else in `plan` is decided.
void describe_ome_zarr(const VolumeHeader& header, const VolumeOptions& options, VolumePlan& plan);

}  // namespace ngforge
