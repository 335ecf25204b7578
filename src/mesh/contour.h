// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/mesh.h"

namespace ngforge {

/// What simplification may do with a vertex.
enum class VertexRole : std::uint8_t {
  free,     ///< may move and go
  sliding,  ///< on a piece of a contour that becomes straight: goes along the contour if it can
  locked,   ///< stays where it is
};

/// The box that a mesh was cut to, in the unit of its positions.
struct MeshBox {
  std::array<float, 3> lower;
  std::array<float, 3> upper;
};

/// The straightened contours of a mesh.
struct Contours {
  std::vector<VertexRole> roles;  ///< one per vertex; free where there is no contour
  /// Vertex and position of all sliding vertices, should they stay: on the straight line between the locked ones around
  /// them.
  std::vector<std::pair<std::uint32_t, std::array<float, 3>>> moves;
};

/// Finds the contours of `mesh`, the edges of one triangle alone that lie in a face of `box`, and decides by
/// Douglas-Peucker which of their vertices stay: the others are within three quarters of `max_error_nm` of the line
/// that replaces them. Vertices on the edges of the box stay; a loop keeps at least four vertices (three if it has no
/// more), a line between two points of one edge of the box at least one in between. Each contour is judged by nothing
/// but its own points in the plane of the face, whichever way round it runs: the mesh on the other side of the face
/// decides the same.
///
/// `mesh` is marching-cubes output before any simplification: positions in voxels, multiples of 1/2, that agree with
/// the other side's to the bit (both boxes have the same size and lie in one grid); `voxel_nm` > 0 is the voxel's size.
/// `contours` is overwritten, its memory used again. Pure otherwise.
void straighten_contours(const Mesh& mesh, const MeshBox& box, const std::array<double, 3>& voxel_nm,
                         double max_error_nm, Contours& contours);

}  // namespace ngforge
