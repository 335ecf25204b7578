// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layout/provenance.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/scales.h"
#include "op/run_pass.h"
#include "op/volume_plan.h"
#include "source/precomputed.h"
#include "source/source.h"

namespace ngforge {

/// Writes scales of a dataset into their folders beside its `info`.
class ScaleWriter {
 public:
  /// Errors: those of the dataset; unsupported (not on this machine), invalid_argument (of `storage`).
  static Result<ScaleWriter> open(const std::string& place, const ChunkStorage& storage, const RunOptions& run);

  const PrecomputedVolume& volume() const { return *volume_; }
  const VolumeInfo& info() const { return info_; }
  /// Other scales than `info` lists; the finest stays as it is.
  void set_scales(std::vector<ScaleInfo> scales) { info_.scales = std::move(scales); }
  const std::string& folder() const { return folder_; }
  const RunOptions& run() const { return run_; }

  /// How a source becomes scale `first` of the dataset, and nothing else. `options` say what becomes of values and axes
  /// and how scales are computed; the rest of them is not looked at. Errors: those of plan_volume; invalid_data
  /// (another size or number of channels; `name` is what the source is called).
  Result<VolumePlan> plan_scale(const VolumeHeader& header, VolumeOptions options, std::size_t first,
                                const std::string& name) const;
  /// Adds the scales behind scale `first` up to `end` that one pass can make: those which are stored alike. `is_there`:
  /// the first scale of `plan` is not written. Returns the scale behind the last. Errors: unsupported (no factor).
  Result<std::size_t> add_scales(VolumePlan& plan, std::size_t first, std::size_t end, bool is_there) const;
  /// Writes the scales of a plan, of which the first is scale `first`; all of them appear when all are complete.
  Result<void> write(VolumeSource& source, VolumePlan plan, std::size_t first, bool is_there, ScalesReport& report);

  /// Writes the scales of info() into `info`; all else in it stays.
  Result<void> replace_info() const;
  /// What `provenance` says of the scales that were written, if convert wrote it.
  Result<void> update_provenance() const;

  /// Voxels of all that will be written, for progress.
  void set_total(std::uint64_t voxels) { total_ = voxels; }

 private:
  ScaleWriter() = default;
  Result<void> choose_storage(const ScaleInfo& scale, VolumePlan& plan) const;
  void note_written(const VolumePlan& plan, bool is_there, const ScalesReport& report);

  std::shared_ptr<PrecomputedVolume> volume_;
  VolumeInfo info_;
  std::string folder_;
  ChunkStorage storage_;
  std::vector<Provenance::Scale> written_;
  std::string method_, outside_;  // by which scales were computed; "": none was
  RunOptions run_;
  std::uint64_t total_ = 0, done_ = 0;
};

}  // namespace ngforge
