// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/mesh.h"

namespace ngforge {

/// A mesh that was cut to a box. Positions are in the unit of the box, from its lower corner.
struct MeshPart {
  std::span<const std::array<float, 3>> positions;
  std::span<const std::array<std::uint32_t, 3>> triangles;
  std::array<float, 3> corner;  ///< the box's lower corner in the joined mesh
  std::array<float, 3> size;    ///< the box's
};

/// Joins parts of one mesh: positions from the origin of the corners. Vertices on the faces of their boxes become one
/// where their positions in the joined mesh are equal to the bit (0 and -0 are). Vertices of one part stay apart: of
/// several at one place, the n-th of each part become one. Parts, vertices and triangles keep their order. At most 2^32
/// - 1 vertices in all parts. Throws std::bad_alloc.
Mesh weld(std::span<const MeshPart> parts);

}  // namespace ngforge
