// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/mesh.h"

namespace ngforge {

/// Closes slits: loops of open edges whose vertices lie on a straight line, as they remain where parts of a mesh were
/// welded of which one has a vertex on an edge of the other. They are filled with triangles without area, so that every
/// edge has two triangles; no vertex is added or moved. Loops that are no slits stay open: `tolerance` is how far from
/// the line their vertices may be, in the unit of the positions. Throws std::bad_alloc.
void close_slits(Mesh& mesh, float tolerance);

}  // namespace ngforge
