// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/finding_list.h"
#include "op/label_totals.h"
#include "source/precomputed.h"

namespace ngforge {

/// Looks at the meshes that a segmentation names, in two steps: labels of the volume are counted while its chunks are
/// decoded anyway, then meshes are read and compared with them.
class MeshCheck {
 public:
  virtual ~MeshCheck() = default;
  /// The scale that was meshed, as the meshes tell: its labels are to be counted.
  virtual std::size_t scale() const = 0;
  virtual LabelTotals<LabelCount>& labels() = 0;
  /// Adds findings for what the viewer refuses, does not reach or shows wrongly (specification, 3), for labels without
  /// a mesh, and, when `is_whole` says that labels() has all voxels, for meshes without voxels. Every fragment is
  /// decoded, and files that no manifest names are told. Keeps 8 bytes for each mesh, two or three times, and for each
  /// fragment of a legacy one, and 24 for each of one shard. Errors: cancelled, internal.
  virtual Result<void> run(bool is_whole) = 0;
};

/// Adds a finding for an `info` of meshes that the viewer refuses. Nothing when the volume is no segmentation, or there
/// are no meshes that could be looked at; that a folder is missing is told with the other links. `volume` and
/// `findings` must outlive the result. Errors: internal, cancelled.
Result<std::unique_ptr<MeshCheck>> open_mesh_check(const PrecomputedVolume& volume, const RunOptions& run,
                                                   FindingList& findings);

}  // namespace ngforge
