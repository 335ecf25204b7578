// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/store.h"

namespace ngforge {

/// A small picture of a dataset, as PNG of at most 1216 x 400 pixels on black: the middle slices of a volume side by
/// side, on one scale of millimetres, or its surfaces from three sides. With a world (surfaces always have one) these
/// are the planes x-y, x-z and y-z of the nearest axes of the world, its first axis to the right, its second upwards;
/// without one x-y, x-z and z-y with the second downwards, as a viewer shows them. Slices of a volume that is one voxel
/// thick are left out where they would be lines.
///
/// Slices come from the coarsest scale whose longest side has 200 voxels, so that a picture takes no more reading than
/// a first look in the viewer. `range` is that of a grey image (find_contrast); without it, that of its type. Labels
/// and surfaces have the viewer's colours. Takes as long as the data do; thread-safe.
///
/// Errors: limit (no scale is small enough, or making it would take reading more than 4 GiB), not_found (a folder of
/// meshes that does not say which there are), those of reading.
Result<Bytes> make_thumbnail(const Dataset& dataset, const std::optional<std::array<double, 2>>& range,
                             const RunOptions& run);

/// What stands where none can be made: three empty frames.
Result<Bytes> blank_thumbnail();

}  // namespace ngforge
