// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <vector>

#include "layout/segment_properties.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/label_totals.h"
#include "source/precomputed.h"

namespace ngforge {

/// What each label takes at most until its properties are written: measure, table and list, numbers, text.
inline constexpr std::uint64_t kBytesPerMeasuredLabel = 384;

/// Measures all labels of a segmentation but the background 0, in one pass over its finest scale; ascending labels.
/// `run` with its defaults. Errors: invalid_data (a negative label), unsupported (no integers), those of the volume,
/// needs_decision (too little memory for so many labels: a quarter is for chunks, the rest for labels), cancelled.
Result<std::vector<LabelMeasure>> measure_labels(const PrecomputedVolume& volume, const RunOptions& run);

/// The measures as number properties: voxels, volume_mm3 (the nearest float32), begin_x ... end_z, the half-open
/// bounding box in voxels of the finest scale. Errors: needs_decision (a count beyond what a property holds exactly,
/// unless `rounds`).
Result<std::vector<SegmentProperty>> properties_of_measures(std::span<const LabelMeasure> measures,
                                                            const std::array<double, 3>& resolution_nm, bool rounds);

}  // namespace ngforge
