// SPDX-License-Identifier: Apache-2.0
#include "mesh/marching_cubes_table.h"

#include <bit>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Point = std::array<int, 3>;  // half voxels from corner 0
using Segment = std::pair<Point, Point>;

Point midpoint(int edge) {
  const CubeEdge e = cube_edge(edge);
  Point p = {2 * (e.lower & 1), 2 * (e.lower >> 1 & 1), 2 * (e.lower >> 2 & 1)};
  p[e.axis] += 1;
  return p;
}

/// The sides of a case's triangles that no other triangle runs along the other way.
std::vector<Segment> open_sides(unsigned corners) {
  std::multiset<Segment> sides;
  const CubeCase& c = kCubeCases[corners];
  for (int t = 0; t < c.triangle_count; ++t) {
    for (int i = 0; i < 3; ++i) sides.insert({midpoint(c.triangles[t][i]), midpoint(c.triangles[t][(i + 1) % 3])});
  }
  std::vector<Segment> open;
  for (const Segment& side : sides) {
    if (!sides.contains({side.second, side.first})) open.push_back(side);
  }
  return open;
}

bool lies_in(const Segment& side, int axis, int plane) {
  return side.first[axis] == plane && side.second[axis] == plane;
}

/// The open sides in one face, as seen from the cube that begins there.
std::multiset<Segment> contour_in(unsigned corners, int axis, int side) {
  std::multiset<Segment> contour;
  for (Segment s : open_sides(corners)) {
    if (!lies_in(s, axis, 2 * side)) continue;
    s.first[axis] = s.second[axis] = 0;
    contour.insert(s);
  }
  return contour;
}

TEST(CubeCases, CutExactlyTheEdgesWhoseEndsDiffer) {
  for (unsigned corners = 0; corners < 256; ++corners) {
    std::set<int> cut, used;
    for (int edge = 0; edge < kCubeEdges; ++edge) {
      const CubeEdge e = cube_edge(edge);
      if ((corners >> e.lower & 1) != (corners >> (e.lower + (1 << e.axis)) & 1)) cut.insert(edge);
    }
    const CubeCase& c = kCubeCases[corners];
    for (int t = 0; t < c.triangle_count; ++t) used.insert(c.triangles[t].begin(), c.triangles[t].end());
    EXPECT_EQ(used, cut) << corners;
  }
}

TEST(CubeCases, HaveSidesThatLieInAFaceOrBelongToTwoTriangles) {
  for (unsigned corners = 0; corners < 256; ++corners) {
    std::map<Segment, int> uses;
    const CubeCase& c = kCubeCases[corners];
    for (int t = 0; t < c.triangle_count; ++t) {
      for (int i = 0; i < 3; ++i) ++uses[{midpoint(c.triangles[t][i]), midpoint(c.triangles[t][(i + 1) % 3])}];
    }
    for (const auto& [side, count] : uses) {
      EXPECT_EQ(count, 1) << corners;
      int faces = 0;
      for (int axis = 0; axis < 3; ++axis) faces += lies_in(side, axis, 0) + lies_in(side, axis, 2);
      const bool is_shared = uses.contains({side.second, side.first});
      EXPECT_EQ(faces, is_shared ? 0 : 1) << corners;
    }
  }
}

TEST(CubeCases, AgreeOnEveryFaceThatTwoCubesShare) {
  int pairs = 0;
  for (int axis = 0; axis < 3; ++axis) {
    std::array<std::multiset<Segment>, 256> upper, lower;
    for (unsigned corners = 0; corners < 256; ++corners) {
      lower[corners] = contour_in(corners, axis, 0);
      for (const Segment& s : contour_in(corners, axis, 1)) upper[corners].insert({s.second, s.first});
    }
    for (unsigned a = 0; a < 256; ++a) {
      for (unsigned b = 0; b < 256; ++b) {
        bool fits = true;
        for (int corner = 0; corner < 8; ++corner) {
          if ((corner >> axis & 1) == 0) fits &= (b >> corner & 1) == (a >> (corner + (1 << axis)) & 1);
        }
        if (!fits) continue;
        ++pairs;
        EXPECT_EQ(upper[a], lower[b]) << a << " beside " << b << " along " << axis;
      }
    }
  }
  EXPECT_EQ(pairs, 3 * 256 * 16);
}

TEST(CubeCases, JoinTheLabelAcrossAFace) {
  // Corners 0 and 3, diagonal in the face z = 0: a contour cuts off each of the other two, the label on its left.
  const std::multiset<Segment> contour = contour_in(0b1001, 2, 0);
  EXPECT_THAT(contour, UnorderedElementsAre(Segment{{1, 0, 0}, {2, 1, 0}}, Segment{{1, 2, 0}, {0, 1, 0}}));
}

TEST(CubeCases, JoinNothingThroughTheCube) {
  // Two opposite corners that alone hold the label, or alone do not: a triangle around each.
  for (int corner = 0; corner < 4; ++corner) {
    const unsigned opposite = 1u << corner | 128u >> corner;
    EXPECT_EQ(kCubeCases[opposite].triangle_count, 2);
    EXPECT_EQ(kCubeCases[255u ^ opposite].triangle_count, 2);
  }
}

TEST(CubeCases, HaveFewTrianglesForTheirEdgesAndCorners) {
  // An edge lies in four cubes and a voxel in eight: at most three triangles for each edge and 16 for each voxel.
  for (unsigned corners = 1; corners < 255; ++corners) {
    int cut = 0;
    for (int edge = 0; edge < kCubeEdges; ++edge) {
      const CubeEdge e = cube_edge(edge);
      cut += (corners >> e.lower & 1) != (corners >> (e.lower + (1 << e.axis)) & 1) ? 1 : 0;
    }
    EXPECT_LE(4 * kCubeCases[corners].triangle_count, 3 * cut) << corners;
    EXPECT_LE(8 * kCubeCases[corners].triangle_count, 16 * std::popcount(corners)) << corners;
  }
}

TEST(CubeCases, HaveNoSurfaceWithoutABorder) {
  EXPECT_EQ(kCubeCases[0].triangle_count, 0);
  EXPECT_EQ(kCubeCases[255].triangle_count, 0);
  EXPECT_THAT(open_sides(0), IsEmpty());
}

TEST(CubeCases, LookAwayFromTheLabel) {
  // The triangle that cuts off corner 0 has a normal of three positive components.
  const auto& t = kCubeCases[1].triangles[0];
  const Point a = midpoint(t[0]), b = midpoint(t[1]), c = midpoint(t[2]);
  for (int axis = 0; axis < 3; ++axis) {
    const int u = (axis + 1) % 3, v = (axis + 2) % 3;
    EXPECT_GT((b[u] - a[u]) * (c[v] - a[v]) - (b[v] - a[v]) * (c[u] - a[u]), 0);
  }
}

}  // namespace
}  // namespace ngforge
