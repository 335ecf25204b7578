// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/block.h"
#include "ngforge/error.h"
#include "op/volume_plan.h"
#include "source/source.h"

namespace ngforge {

/// Consecutive source channels that become consecutive output channels, so that one read brings them all.
struct ChannelRun {
  Index first_output = 0;
  ChannelRange source;

  ChannelRange outputs() const { return {first_output, first_output + source.size()}; }
};
/// The channels of a plan, in the order of output, cut where they are not consecutive in the source, or all.
std::vector<ChannelRun> channel_runs(const std::vector<Index>& source_channels, bool one_by_one = false);

/// Reads boxes of a source as the values that a plan makes of them, in the order of the source. Keeps its memory for
/// the next box. Used by one thread at a time.
class BoxReader {
 public:
  BoxReader(VolumeSource& source, const VolumePlan& plan) : source_(source), plan_(plan) {}

  /// The values of `channels` in `box_ijk`, which lies in the source; they stay until the next read. Errors: those of
  /// the source as it gives them, and values that the type cannot hold.
  Result<std::span<const std::byte>> read(const SourceBox& box_ijk, ChannelRange channels);

 private:
  VolumeSource& source_;
  const VolumePlan& plan_;
  Buffer stored_, mapped_;
};

}  // namespace ngforge
