// SPDX-License-Identifier: Apache-2.0
#include "mesh/marching_cubes_table.h"

#include <bit>
#include <limits>

namespace ngforge {
namespace {

using Point = std::array<int, 3>;  // in half voxels

constexpr int kNone = -1;
constexpr int kNever = std::numeric_limits<int>::max() / 4;
constexpr int kMaxContour = 8;

constexpr Point midpoint(int edge) {
  const CubeEdge e = cube_edge(edge);
  Point p = {2 * (e.lower & 1), 2 * (e.lower >> 1 & 1), 2 * (e.lower >> 2 & 1)};
  p[e.axis] = 1;
  return p;
}

constexpr int edge_between(int corner, int other) {
  const int lower = corner < other ? corner : other;
  for (int edge = 0; edge < kCubeEdges; ++edge) {
    const CubeEdge e = cube_edge(edge);
    if (e.lower == lower && (1 << e.axis) == (corner ^ other)) return edge;
  }
  return kNone;
}

/// The corners of a face, counter-clockwise seen from outside the cube.
constexpr std::array<int, 4> face_corners(int axis, int side) {
  const int origin = side << axis, u = 1 << (axis + 1) % 3, v = 1 << (axis + 2) % 3;
  if (side == 1) return {origin, origin + u, origin + u + v, origin + v};
  return {origin, origin + v, origin + u + v, origin + u};
}

/// For each edge that the surface cuts, the edge that its contour on the cube's faces leads to. A contour runs around
/// the corners without the label on each face: so the others stay joined.
constexpr std::array<int, kCubeEdges> contours_of(unsigned corners) {
  std::array<int, kCubeEdges> next{};
  next.fill(kNone);
  for (int face = 0; face < 6; ++face) {
    const auto ring = face_corners(face / 2, face % 2);
    const auto held = [&](int i) { return (corners >> ring[i % 4] & 1) != 0; };
    for (int out = 0; out < 4; ++out) {
      if (!held(out) || held(out + 1)) continue;
      int in = out + 1;
      while (!held(in + 1)) ++in;
      next[edge_between(ring[in % 4], ring[(in + 1) % 4])] = edge_between(ring[out], ring[(out + 1) % 4]);
    }
  }
  return next;
}

/// The square of a chord's length, or never: a chord in a face could be one of the neighbour's too.
constexpr int chord_cost(int edge, int other) {
  const Point a = midpoint(edge), b = midpoint(other);
  int square = 0;
  for (int axis = 0; axis < 3; ++axis) {
    if (a[axis] == b[axis] && a[axis] != 1) return kNever;
    square += (a[axis] - b[axis]) * (a[axis] - b[axis]);
  }
  return square;
}

struct Contour {
  std::array<int, kMaxContour> edges{};
  int size = 0;
};

constexpr void add(CubeCase& to, int a, int b, int c) {
  to.triangles[to.triangle_count++] = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                       static_cast<std::uint8_t>(c)};
}

/// Fills a contour with the triangles whose chords are the shortest in sum.
constexpr void fill(CubeCase& to, const Contour& contour) {
  // Of the part from corner i to corner j: the least sum, and the corner that makes a triangle with both.
  std::array<std::array<int, kMaxContour>, kMaxContour> sum{}, apex{};
  for (int length = 2; length < contour.size; ++length) {
    for (int i = 0; i + length < contour.size; ++i) {
      const int j = i + length;
      const bool is_side = length == contour.size - 1;
      const int chord = is_side ? 0 : chord_cost(contour.edges[i], contour.edges[j]);
      sum[i][j] = kNever;
      for (int k = i + 1; k < j; ++k) {
        const int cost = sum[i][k] + sum[k][j] + chord;
        if (cost >= sum[i][j]) continue;
        sum[i][j] = cost;
        apex[i][j] = k;
      }
    }
  }
  std::array<std::array<int, 2>, kMaxContour> open{};
  int opened = 0;
  open[opened++] = {0, contour.size - 1};
  while (opened > 0) {
    const auto [i, j] = open[--opened];
    if (j - i < 2) continue;
    const int k = apex[i][j];
    add(to, contour.edges[i], contour.edges[k], contour.edges[j]);
    open[opened++] = {k, j};
    open[opened++] = {i, k};
  }
}

/// The tube between two contours of three edges around opposite corners: each side of one makes a triangle with the
/// edge of the other that has the third direction.
constexpr void join(CubeCase& to, const Contour& first, const Contour& second) {
  for (const auto& [from, onto] : {std::array{first, second}, std::array{second, first}}) {
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) {
        if (onto.edges[k] / 4 == from.edges[(i + 2) % 3] / 4)
          add(to, from.edges[i], from.edges[(i + 1) % 3], onto.edges[k]);
      }
    }
  }
}

constexpr CubeCase make_case(unsigned corners) {
  const auto next = contours_of(corners);
  std::array<Contour, 4> contours;
  int count = 0;
  std::array<bool, kCubeEdges> seen{};
  for (int start = 0; start < kCubeEdges; ++start) {
    if (next[start] == kNone || seen[start]) continue;
    Contour& contour = contours[count++];
    for (int edge = start; !seen[edge]; edge = next[edge]) {
      seen[edge] = true;
      contour.edges[contour.size++] = edge;
    }
  }
  CubeCase result;
  const int lowest = std::countr_zero(corners);
  const bool only_opposite = std::popcount(corners) == 2 && (corners >> (7 - lowest) & 1) != 0;
  if (only_opposite) {
    join(result, contours[0], contours[1]);
  } else {
    for (int i = 0; i < count; ++i) fill(result, contours[i]);
  }
  return result;
}

constexpr std::array<CubeCase, 256> make_cases() {
  std::array<CubeCase, 256> cases;
  for (unsigned corners = 0; corners < 256; ++corners) cases[corners] = make_case(corners);
  return cases;
}

}  // namespace

constexpr std::array<CubeCase, 256> kCubeCases = make_cases();

}  // namespace ngforge
