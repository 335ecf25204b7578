// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "mesh/simplify_test_meshes.h"

namespace ngforge {
namespace {

using testing::TestLabels;
using Edge = std::pair<std::uint32_t, std::uint32_t>;
constexpr std::array<double, 3> kVoxel = {32, 32, 40};

/// Components as the Euler number of each, sorted; fails where the mesh is not an oriented manifold.
std::vector<int> euler_numbers(const Mesh& mesh) {
  std::map<Edge, int> edges;
  std::vector<std::uint32_t> parent(mesh.positions.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&](std::uint32_t v) {
    while (parent[v] != v) v = parent[v] = parent[parent[v]];
    return v;
  };
  for (const auto& t : mesh.triangles) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_LT(t[i], mesh.positions.size());
      EXPECT_NE(t[i], t[(i + 1) % 3]);
      EXPECT_EQ(++edges[Edge(t[i], t[(i + 1) % 3])], 1);
      parent[root(t[i])] = root(t[(i + 1) % 3]);
    }
  }
  std::map<std::uint32_t, int> number;
  for (std::uint32_t v = 0; v < parent.size(); ++v) ++number[root(v)];
  std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> links;
  for (const auto& [edge, n] : edges) {
    if (edge.first < edge.second || !edges.contains({edge.second, edge.first})) --number[root(edge.first)];
  }
  for (const auto& t : mesh.triangles) {
    ++number[root(t[0])];
    for (std::size_t i = 0; i < 3; ++i) links[t[i]][t[(i + 1) % 3]] = t[(i + 2) % 3];
  }
  // The link of each vertex is one circle or one line.
  for (const auto& [vertex, link] : links) {
    std::set<std::uint32_t> ends;
    for (const auto& [from, to] : link) ends.insert(to);
    std::uint32_t v = link.begin()->first;
    for (const auto& [from, to] : link) v = ends.contains(from) ? v : from;
    std::size_t steps = 0;
    for (auto it = link.find(v); it != link.end() && steps < link.size(); it = link.find(it->second)) ++steps;
    EXPECT_EQ(steps, link.size()) << "several sheets at one vertex";
  }
  std::vector<int> numbers;
  for (const auto& [r, n] : number) numbers.push_back(n);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

using Vec = std::array<double, 3>;
Vec operator-(const Vec& a, const Vec& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
double dot(const Vec& a, const Vec& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

double distance2_to_segment(const Vec& p, const Vec& a, const Vec& b) {
  const Vec ab = b - a;
  const double t = std::clamp(dot(p - a, ab) / dot(ab, ab), 0.0, 1.0);
  const Vec d = p - Vec{a[0] + t * ab[0], a[1] + t * ab[1], a[2] + t * ab[2]};
  return dot(d, d);
}

double distance2_to_triangle(const Vec& p, const std::array<Vec, 3>& t) {
  const Vec u = t[1] - t[0];
  const Vec v = t[2] - t[0];
  const Vec w = p - t[0];
  const double uu = dot(u, u), uv = dot(u, v), vv = dot(v, v), wu = dot(w, u), wv = dot(w, v);
  const double det = uu * vv - uv * uv;
  const double s = vv * wu - uv * wv;
  const double r = uu * wv - uv * wu;
  if (det > 0 && s >= 0 && r >= 0 && s + r <= det) return std::max(0.0, dot(w, w) - (s * wu + r * wv) / det);
  return std::min(
      {distance2_to_segment(p, t[0], t[1]), distance2_to_segment(p, t[1], t[2]), distance2_to_segment(p, t[2], t[0])});
}

std::vector<std::array<Vec, 3>> triangles_nm(const Mesh& mesh) {
  std::vector<std::array<Vec, 3>> triangles;
  for (const auto& t : mesh.triangles) {
    auto& corners = triangles.emplace_back();
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t axis = 0; axis < 3; ++axis) corners[i][axis] = mesh.positions[t[i]][axis] * kVoxel[axis];
    }
  }
  return triangles;
}

/// The greatest distance in nm from points on `from` (corners, middles of edges and of the triangle) to `to`.
double one_sided_distance(const Mesh& from, const Mesh& to) {
  const auto targets = triangles_nm(to);
  double worst2 = 0;
  for (const auto& t : triangles_nm(from)) {
    static constexpr std::array<std::array<double, 3>, 7> kPoints = {
        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, .5, .5}, {.5, 0, .5}, {.5, .5, 0}, {1. / 3, 1. / 3, 1. / 3}}};
    for (const auto& weight : kPoints) {
      Vec p;
      for (std::size_t i = 0; i < 3; ++i) p[i] = t[0][i] * weight[0] + t[1][i] * weight[1] + t[2][i] * weight[2];
      double best2 = 1e300;
      for (const auto& target : targets) best2 = std::min(best2, distance2_to_triangle(p, target));
      worst2 = std::max(worst2, best2);
    }
  }
  return std::sqrt(worst2);
}

Mesh simplified(Mesh mesh, const std::array<int, 3>& size, double max_error, std::size_t triangles = 0) {
  Contours contours;
  const MeshBox box = {{0, 0, 0}, {float(size[0]), float(size[1]), float(size[2])}};
  straighten_contours(mesh, box, kVoxel, max_error, contours);
  Simplifier().simplify(mesh, contours, {kVoxel, max_error, triangles});
  return mesh;
}

TEST(Simplify, BallStaysWithinTheError) {
  const std::array<int, 3> size = {11, 11, 11};
  const Mesh ball = testing::surface_of(testing::ball(10, 4.3), 1, {-1, -1, -1}, size);
  ASSERT_EQ(euler_numbers(ball), std::vector<int>{2});
  std::size_t before = ball.triangles.size();
  for (const double max_error : {40.0, 80.0}) {
    const Mesh simple = simplified(ball, size, max_error);
    EXPECT_EQ(euler_numbers(simple), std::vector<int>{2});
    EXPECT_LE(one_sided_distance(ball, simple), max_error);
    EXPECT_LE(one_sided_distance(simple, ball), max_error);
    EXPECT_LT(simple.triangles.size(), before);
    before = simple.triangles.size();
  }
  EXPECT_LT(before, ball.triangles.size() / 25);
}

// A collapse turns no triangle over. Some can do it together.
TEST(Simplify, FewTrianglesOfABallTurnOver) {
  const std::array<int, 3> size = {21, 21, 21};
  const Mesh ball = testing::surface_of(testing::ball(20, 8.3), 1, {-1, -1, -1}, size);
  const Vec middle = {10.5 * kVoxel[0], 10.5 * kVoxel[1], 10.5 * kVoxel[2]};
  const auto faces_inwards = [&](const std::array<Vec, 3>& t) {
    const Vec u = t[1] - t[0], v = t[2] - t[0];
    const Vec normal = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    return dot(normal, t[0] - middle) <= 0;
  };
  for (const std::size_t wanted : {0U, 1000U, 400U, 100U}) {
    const auto triangles = triangles_nm(simplified(ball, size, wanted == 0 ? 40 : 1e6, wanted));
    EXPECT_LE(std::ranges::count_if(triangles, faces_inwards), std::ssize(triangles) / 50) << wanted;
  }
}

TEST(Simplify, KeepsTheTopologyOfAnyLabels) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    const TestLabels volume = testing::random_labels({12, 11, 10}, 2, seed, static_cast<int>(seed % 3));
    for (const int begin : {-1, 2}) {
      const std::array<int, 3> size = begin < 0 ? std::array<int, 3>{13, 12, 11} : std::array<int, 3>{7, 6, 6};
      const Mesh mesh = testing::surface_of(volume, 1, {begin, begin, begin}, size);
      const Mesh simple = simplified(mesh, size, 1e6);
      EXPECT_EQ(euler_numbers(simple), euler_numbers(mesh)) << seed;
      EXPECT_LT(simple.triangles.size(), mesh.triangles.size()) << seed;
    }
  }
}

TEST(Simplify, BlocksStayWithinTheError) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    const std::array<int, 3> size = {10, 10, 10};
    const TestLabels volume = testing::random_labels({12, 12, 12}, 2, seed);
    const Mesh mesh = testing::surface_of(volume, 1, {1, 1, 1}, size);
    const Mesh simple = simplified(mesh, size, 40);
    EXPECT_LE(one_sided_distance(mesh, simple), 40);
    EXPECT_LE(one_sided_distance(simple, mesh), 40);
  }
}

// Spikes, holes and walls of one voxel: where collapses beside a vertex leave it behind.
TEST(Simplify, RoughSurfacesStayWithinTheErrorAndKeepTheirTopology) {
  for (const double max_error : {10.0, 20.0, 33.0, 40.0, 55.0}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      const bool is_smooth = seed % 2 == 0;
      const int side = is_smooth ? 10 : 6;
      const std::array<int, 3> size = {side, side, side};
      const TestLabels volume = testing::random_labels({side - 1, side - 1, side - 1}, 2, seed, is_smooth ? 1 : 0);
      const Mesh mesh = testing::surface_of(volume, 1, {-1, -1, -1}, size);
      const Mesh simple = simplified(mesh, size, max_error);
      EXPECT_LT(simple.triangles.size(), mesh.triangles.size());
      EXPECT_EQ(euler_numbers(simple), euler_numbers(mesh)) << seed;
      EXPECT_LE(one_sided_distance(mesh, simple), max_error) << seed;
      EXPECT_LE(one_sided_distance(simple, mesh), max_error) << seed;
    }
  }
}

TEST(Simplify, AVoxelStaysATetrahedronAtLeast) {
  TestLabels volume({3, 3, 3});
  volume.at(1, 1, 1) = 1;
  const Mesh mesh = testing::surface_of(volume, 1, {0, 0, 0}, {2, 2, 2});
  const Mesh simple = simplified(mesh, {2, 2, 2}, 1e6);
  EXPECT_GE(simple.triangles.size(), 4U);
  EXPECT_EQ(euler_numbers(simple), std::vector<int>{2});
}

TEST(Simplify, StopsAtTheTarget) {
  const std::array<int, 3> size = {21, 21, 21};
  const Mesh ball = testing::surface_of(testing::ball(20, 8.3), 1, {-1, -1, -1}, size);
  for (const std::size_t wanted : {1000U, 400U, 100U}) {
    const std::size_t found = simplified(ball, size, 1e6, wanted).triangles.size();
    EXPECT_LE(found, wanted);
    EXPECT_GE(found, wanted - 1);
  }
}

TEST(Simplify, MillimetresBecomeWhatNanometresBecome) {
  const std::array<int, 3> size = {21, 21, 21};
  const Mesh ball = testing::surface_of(testing::ball(20, 8.3), 1, {-1, -1, -1}, size);
  const Mesh expected = simplified(ball, size, 40);
  for (const double scale : {0x1p-30, 0x1p15, 0x1p40}) {
    Mesh mesh = ball;
    Simplifier().simplify(mesh, {}, {{scale * kVoxel[0], scale * kVoxel[1], scale * kVoxel[2]}, scale * 40, 0});
    EXPECT_EQ(mesh.positions, expected.positions) << scale;
    EXPECT_EQ(mesh.triangles, expected.triangles) << scale;
  }
}

TEST(Simplify, WithoutContoursOpenEdgesStay) {
  const TestLabels volume = testing::random_labels({10, 10, 10}, 2, 7);
  const Mesh mesh = testing::surface_of(volume, 1, {1, 1, 1}, {6, 6, 6});
  Mesh simple = mesh;
  Simplifier().simplify(simple, {}, {kVoxel, 100, 0});
  EXPECT_LT(simple.triangles.size(), mesh.triangles.size());
  const auto places = [](const Mesh& m) {
    std::set<std::pair<std::array<float, 3>, std::array<float, 3>>> set;
    for (const auto& [from, to] : testing::open_edges(m)) set.emplace(m.positions[from], m.positions[to]);
    return set;
  };
  EXPECT_EQ(places(simple), places(mesh));
}

TEST(Simplify, DependsOnNothingBefore) {
  const Mesh first = testing::surface_of(testing::random_labels({12, 12, 12}, 2, 1), 1, {0, 0, 0}, {9, 9, 9});
  const Mesh second = testing::surface_of(testing::ball(12, 5), 1, {-1, -1, -1}, {13, 13, 13});
  Simplifier used;
  Mesh other = first;
  used.simplify(other, {}, {kVoxel, 40, 0});
  Mesh a = second;
  Mesh b = second;
  used.simplify(a, {}, {kVoxel, 40, 0});
  Simplifier().simplify(b, {}, {kVoxel, 40, 0});
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.triangles, b.triangles);
}

TEST(Simplify, SplitsSheetsAndKeepsThemInPlace) {
  // Two tetrahedra that share a vertex, one that shares an edge with the second, and a triangle of no area by index.
  Mesh mesh;
  mesh.positions = {{0, 0, 0},  {1, 0, 0},  {0, 1, 0},   {0, 0, 1},  {-1, 0, 0},
                    {0, -1, 0}, {0, 0, -1}, {-1, -1, 1}, {-1, -1, 2}};
  const auto tetrahedron = [&](std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    mesh.triangles.insert(mesh.triangles.end(), {{a, c, b}, {a, b, d}, {b, c, d}, {c, a, d}});
  };
  tetrahedron(0, 1, 2, 3);
  tetrahedron(0, 4, 5, 6);
  tetrahedron(4, 5, 7, 8);
  mesh.triangles.push_back({1, 1, 2});
  Simplifier().simplify(mesh, {}, {kVoxel, 1e6, 0});
  EXPECT_EQ(mesh.triangles.size(), 12U);
  euler_numbers(mesh);
  EXPECT_EQ(std::count(mesh.positions.begin(), mesh.positions.end(), std::array<float, 3>{0, 0, 0}), 2);
}

TEST(Simplify, NothingStaysNothing) {
  Mesh mesh;
  mesh.positions = {{1, 2, 3}};
  Simplifier().simplify(mesh, {}, {kVoxel, 40, 0});
  EXPECT_TRUE(mesh.positions.empty());
}

}  // namespace
}  // namespace ngforge
