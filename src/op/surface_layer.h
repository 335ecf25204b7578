// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge {

/// Whether a place is shown as surfaces: a surface file, the mesh of a label ("DATASET|mesh:ID"), or a folder of meshes
/// without a volume, here or behind a URL.
bool is_surface_layer(const std::string& place);

/// Opens such a place as a Dataset of type "surface": a folder of single-resolution meshes in nm of the world. A file
/// has one segment, 1, called like it; with `regions` ("" for none), a file of labels of its vertices, a segment for
/// each region. What is a folder of meshes already is taken as it is; all segments that its properties name are
/// selected if they are few. Files are read whole, within a share of run.memory_bytes. Errors: those of open_surface,
/// plan_surface_jobs and PrecomputedMeshes; all have concerns_source.
Result<Dataset> open_surface_layer(const std::string& place, const std::string& regions, const RunOptions& run);

}  // namespace ngforge
