// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/strip_plan.h"
#include "op/volume_plan.h"
#include "sink/chunk_sink.h"
#include "source/source.h"

namespace ngforge {

/// What is read once, and what is made of it.
struct Pass {
  VolumeSource* source = nullptr;
  VolumePlan plan;
  StripPlan strips;
};

/// Reads the source once and hands every chunk of all scales of the plan to its sink. `tell` gets the voxels that are
/// done, on the calling thread. Scratch files are made in `scratch_folder`. Returns the voxels of all scales. Errors:
/// those of feed() and of the sinks.
Result<std::uint64_t> run_pass(const Pass& pass, std::vector<std::unique_ptr<ChunkSink>>& sinks,
                               const std::string& scratch_folder, const RunOptions& run,
                               const std::function<void(std::uint64_t)>& tell);

/// What is known of a scale before it is written; files and bytes are not.
ScaleReport report_of(const ScaleInfo& scale);
/// The same with what was written.
void add_counts(ChunkSink& sink, ScaleReport& report);

}  // namespace ngforge
