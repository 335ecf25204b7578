// SPDX-License-Identifier: Apache-2.0
#include "mesh/marching_cubes_table.h"

#include <bit>

namespace ngforge {
namespace {

using Point = std::array<int, 3>;  // in half voxels

constexpr int kNone = -1;
constexpr int kMaxContours = 4;
constexpr int kMaxContour = 7;  // edges

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

constexpr bool lie_in_one_face(int edge, int other) {
  const Point a = midpoint(edge), b = midpoint(other);
  for (int axis = 0; axis < 3; ++axis) {
    if (a[axis] == b[axis] && a[axis] != 1) return true;
  }
  return false;
}

constexpr int square_of_distance(int edge, int other) {
  const Point a = midpoint(edge), b = midpoint(other);
  int square = 0;
  for (int axis = 0; axis < 3; ++axis) square += (a[axis] - b[axis]) * (a[axis] - b[axis]);
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

/// What the label takes of the cube's volume, in 48ths: the cones from corner 0 over the surface, and over what the
/// contours leave the label of the three faces that do not touch the corner.
constexpr int volume_of(const CubeCase& surface, unsigned corners) {
  int volume = 0;
  for (int t = 0; t < surface.triangle_count; ++t) {
    const Point a = midpoint(surface.triangles[t][0]), b = midpoint(surface.triangles[t][1]),
                c = midpoint(surface.triangles[t][2]);
    for (int i = 0; i < 3; ++i) {
      const int u = (i + 1) % 3, v = (i + 2) % 3;
      volume += a[i] * (b[u] * c[v] - b[v] * c[u]);
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    const auto ring = face_corners(axis, 1);
    unsigned held = 0;
    for (int i = 0; i < 4; ++i) held |= (corners >> ring[i] & 1) << i;
    constexpr std::array<int, 5> kEighths = {0, 1, 4, 7, 8};
    const bool is_joined_across = held == 0b0101 || held == 0b1010;
    volume += 2 * (is_joined_across ? 6 : kEighths[std::popcount(held)]);
  }
  return volume;
}

/// A contour of seven edges runs around an edge of the cube and a corner that touches it across a face. It is filled to
/// so many 48ths above the volume of the corners: as others' tables have it, so that volumes agree with theirs.
constexpr int kExcessOfSeven = 5;

/// Tries all ways to fill contours with triangles whose inner sides lie in no face (one there could be the neighbour's
/// too), and keeps the best: the one whose volume is nearest to an eighth for each corner that holds the label, or the
/// larger of two such; then the one with the shortest inner sides.
class Filling {
 public:
  constexpr explicit Filling(unsigned corners) : corners_(corners) {}

  constexpr void fill(const std::array<Contour, kMaxContours>& contours, int count) {
    State state;
    for (int i = 0; i < count; ++i) wanted_excess_ += contours[i].size == 7 ? kExcessOfSeven : 0;
    for (int i = 0; i < count; ++i) state.open[state.open_count++] = {&contours[i], 0, contours[i].size - 1};
    visit(state);
  }
  constexpr const CubeCase& best() const { return best_; }

 private:
  /// Corners of a contour, to be filled up to the side that joins the first and the last.
  struct Part {
    const Contour* contour = nullptr;
    int first = 0, last = 0;
  };
  struct State {
    CubeCase surface;
    std::array<Part, kMaxContour> open{};
    int open_count = 0;
    int side_squares = 0;
  };

  constexpr void visit(State state) {
    if (state.open_count == 0) return compare(state);
    const Part part = state.open[--state.open_count];
    const auto& edges = part.contour->edges;
    for (int apex = part.first + 1; apex < part.last; ++apex) {
      State next = state;
      add(next.surface, edges[part.first], edges[apex], edges[part.last]);
      if (open(next, {part.contour, apex, part.last}) && open(next, {part.contour, part.first, apex})) visit(next);
    }
  }

  /// False if the side that would bound the part lies in a face.
  static constexpr bool open(State& state, const Part& part) {
    if (part.last - part.first < 2) return true;
    const int first = part.contour->edges[part.first], last = part.contour->edges[part.last];
    if (lie_in_one_face(first, last)) return false;
    state.side_squares += square_of_distance(first, last);
    state.open[state.open_count++] = part;
    return true;
  }

  constexpr void compare(const State& state) {
    const int excess = volume_of(state.surface, corners_) - 6 * std::popcount(corners_) - wanted_excess_;
    const std::array<int, 3> cost = {excess < 0 ? -excess : excess, -excess, state.side_squares};
    if (is_found_ && !(cost < best_cost_)) return;
    is_found_ = true;
    best_cost_ = cost;
    best_ = state.surface;
  }

  unsigned corners_;
  int wanted_excess_ = 0;
  bool is_found_ = false;
  std::array<int, 3> best_cost_{};
  CubeCase best_;
};

constexpr CubeCase make_case(unsigned corners) {
  const auto next = contours_of(corners);
  std::array<Contour, kMaxContours> contours;
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
  Filling filling(corners);
  filling.fill(contours, count);
  return filling.best();
}

constexpr std::array<CubeCase, 256> make_cases() {
  std::array<CubeCase, 256> cases;
  for (unsigned corners = 0; corners < 256; ++corners) cases[corners] = make_case(corners);
  return cases;
}

}  // namespace

constexpr std::array<CubeCase, 256> kCubeCases = make_cases();

}  // namespace ngforge
