// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ngforge/error.h"
#include "surface/surface.h"

namespace ngforge {

/// Whether a place is spelled as the mesh of a label: "DATASET|mesh:ID" or "DATASET|mesh:ID:LEVEL".
bool is_dataset_mesh(std::string_view place);

/// Reads the mesh of a label of a segmentation, or of a folder of meshes itself, at level 0 or the one that is named.
/// The dataset's transform.json becomes part of `to_world_mm`. Errors: invalid_argument (no number for a label),
/// not_found (no meshes, label or level), needs_decision (more than fits `memory_bytes`), those of PrecomputedMeshes;
/// all have concerns_source.
Result<Surface> open_dataset_mesh(const std::string& place, std::uint64_t memory_bytes);

}  // namespace ngforge
