// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "ngforge/error.h"
#include "op/volume_plan.h"

namespace ngforge {

/// How one scale moves through memory.
struct LevelPlan {
  Index strips = 0;               // layers of chunks along the strip axis
  Index slots = 2;                // strips that exist at once
  std::uint64_t strip_bytes = 0;  // of the largest strip
  bool in_memory = true;
  /// False: cells of the next scale cross chunk borders, so that they are gathered from several bricks.
  bool is_aligned = true;
  std::uint64_t carry_bytes = 0;  // planes kept for cells that cross strips
};

/// How the volume moves through the machine: in strips along one output axis, in the order the source can be read.
struct StripPlan {
  int axis = 2;             // output axis that runs along the source's slowest axis
  bool descending = false;  // strips come from the end of that axis
  std::vector<LevelPlan> levels;
  /// A stream whose channels are its slowest axis: nothing is complete before the last channel comes.
  bool holds_whole_volume = false;
  int threads = 1;
  Index batch_planes = 1;  // source planes read at once; 1 with batch_rows < plane height: rows of a plane
  Index batch_rows = 0;
  Index window = 8;  // encoded chunks that may wait for their turn, of all scales
  std::uint64_t peak_bytes = 0;
  std::uint64_t scratch_bytes = 0;
};

/// The strip of scale `level` with this number in processing order: its range along the strip axis.
struct StripRange {
  Index begin = 0, end = 0;
};
StripRange strip_range(const ScaleInfo& scale, const StripPlan& plan, Index ordinal);
/// The voxels of that strip.
Box strip_box(const ScaleInfo& scale, const StripPlan& plan, Index ordinal);

/// How far along the strip axis the voxels of a scale are known (exclusive, seen in processing direction), when those
/// of the scale before are known up to `front` and only whole strips of it are processed.
Index next_front(const VolumePlan& volume, const StripPlan& plan, std::size_t level, Index front);
/// How many strips of a scale are complete when its voxels are known up to `front`.
Index complete_strips(const ScaleInfo& scale, const StripPlan& plan, Index front);
/// The front before anything is known.
Index first_front(const ScaleInfo& scale, const StripPlan& plan);

/// Fits the run into `memory_bytes`: what does not fit goes through scratch, the largest strips first; then threads are
/// given up. Takes no longer and no more memory for what a header merely claims.
/// Errors: needs_decision with the least that would do, or for more chunks than 2^32.
Result<StripPlan> plan_strips(const VolumePlan& volume, const VolumeHeader& header, Access access,
                              std::uint64_t memory_bytes, int threads);

}  // namespace ngforge
