// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/mesh.h"

namespace ngforge {

/// Cuts a surface into the regions of its vertices, by ascending number: `region_of_vertex` has one for each position.
/// A triangle whose corners agree belongs to their region; others are cut half-way along the edges whose ends differ,
/// and, where three regions meet, at their centre. So the parts tile the surface: without gap or overlap, and their
/// areas add up to its area. Memory: a few times that of the mesh. Pure.
std::vector<std::pair<std::int64_t, Mesh>> split_by_region(const Mesh& mesh,
                                                           std::span<const std::int64_t> region_of_vertex);

}  // namespace ngforge
