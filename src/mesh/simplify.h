// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "core/mesh.h"
#include "mesh/contour.h"

namespace ngforge {

struct SimplifyTarget {
  std::array<double, 3> voxel_nm;  ///< nanometres per unit of the positions, > 0
  double max_error_nm = 0;         ///< how far the surface may move, >= 0
  std::size_t triangles = 0;       ///< stops when no more than these are left
};

/// Simplifies meshes one after the other by collapsing edges in the order of their quadric error (Garland and Heckbert,
/// "Surface Simplification Using Quadric Error Metrics", 1997), keeping its scratch memory: about 270 bytes per
/// triangle of the largest mesh. One object per thread. The result depends on the arguments only.
///
/// What the error bound E means: in each collapse the root mean square of the distance to the planes of all triangles
/// that went into a vertex stays below E / 2, the heights of all its moves over the surface together below 1.8 E, and
/// every vertex of the mesh that went into it, where that is not clear from heights alone, within 0.9 E of the
/// triangles around it then. Triangles beside them change too, so that some places in a million triangles come to be
/// farther than E, up to twice as far. For E up to one and a half times the longest side of a voxel the result is
/// looked at in the end (BoundCheck); where it is farther from the mesh than E, or the mesh from it, collapses are
/// taken back, vertices stay as they are, and what lies around them is simplified again. Only what contours alone
/// decide, beside the faces of a box, is not mended: they move by three quarters of E themselves.
class Simplifier {
 public:
  Simplifier();
  ~Simplifier();
  Simplifier(const Simplifier&) = delete;
  Simplifier& operator=(const Simplifier&) = delete;

  /// Replaces `mesh` by a simpler one. Vertices at open edges stay, but for the sliding ones of `contours`, which are
  /// moved to their lines and go where that does not tear the mesh: what is left of a contour is the same curve,
  /// whatever lies inside. With empty `contours` (no roles) every vertex at an open edge stays. A vertex that stays
  /// keeps its position to the bit.
  ///
  /// The topology never changes: a closed component stays closed (a tetrahedron at the least), nothing is torn, joined
  /// or dropped. Where the mesh is a 2-manifold (with boundary), the result is. Where it is not, vertices at which
  /// several sheets meet are split into one for each sheet, at the same place, and stay. Triangles with two equal
  /// indices are dropped, as are vertices without a triangle.
  void simplify(Mesh& mesh, const Contours& contours, const SimplifyTarget& target);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace ngforge
