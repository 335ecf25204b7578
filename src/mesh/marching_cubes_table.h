// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace ngforge {

// The unit cube between eight voxel centres. Corner c lies at (c & 1, c >> 1 & 1, c >> 2 & 1); an edge joins a corner
// with the next one along its axis. A case is a set of corners, as bits: those that hold the label.

struct CubeEdge {
  std::uint8_t axis, lower;  ///< leads from corner `lower` to corner lower + (1 << axis)
};

inline constexpr int kCubeEdges = 12;

/// Edge 4 * axis + i: the four edges along x, then y, then z, each by ascending lower corner.
constexpr CubeEdge cube_edge(int edge) {
  constexpr std::array<std::array<std::uint8_t, 4>, 3> kLower = {{{0, 2, 4, 6}, {0, 1, 4, 5}, {0, 1, 2, 3}}};
  return {static_cast<std::uint8_t>(edge / 4), kLower[edge / 4][edge % 4]};
}

inline constexpr int kMaxCubeTriangles = 5;

/// The surface of one label inside a cube. Its vertices are the midpoints of the edges of which one end holds the
/// label; triangles name the edges, counter-clockwise seen from outside the label.
struct CubeCase {
  std::uint8_t triangle_count = 0;
  std::array<std::array<std::uint8_t, 3>, kMaxCubeTriangles> triangles{};
};

/// The surface of each case. The label is 18-connected and what surrounds it 6-connected: corners that hold the label
/// are joined along an edge and across a face's diagonal, but not across the cube's own. What crosses a face of the
/// cube depends on the four corners of that face alone, and no edge inside lies in a face; so the surfaces of all cubes
/// fit and make a 2-manifold. What they enclose is near to the volume of the label's voxels, and the same as with
/// zmesh.
extern const std::array<CubeCase, 256> kCubeCases;

}  // namespace ngforge
