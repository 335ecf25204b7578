// SPDX-License-Identifier: Apache-2.0
#include "mesh/contour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "mesh/simplify.h"
#include "mesh/simplify_test_meshes.h"

namespace ngforge {
namespace {

using testing::TestLabels;
using Point = std::array<float, 3>;
constexpr std::array<double, 3> kVoxel = {32, 32, 40};

MeshBox box_of(const std::array<int, 3>& size) {
  return {{0, 0, 0}, {static_cast<float>(size[0]), static_cast<float>(size[1]), static_cast<float>(size[2])}};
}

/// What is decided about the contours in the plane `axis` = `at`: the vertices there, by role and place, and the places
/// that sliding ones go to. Coordinates along the axis do not matter.
struct Decisions {
  std::map<Point, VertexRole> roles;
  std::map<Point, Point> moves;
  double length = 0;  // of the open edges there, after simplification

  bool operator==(const Decisions& o) const { return roles == o.roles && moves == o.moves; }
};

Decisions decisions_in(const Mesh& mesh, const std::array<int, 3>& size, double max_error, std::size_t axis, float at) {
  Contours contours;
  straighten_contours(mesh, box_of(size), kVoxel, max_error, contours);
  Decisions decisions;
  const auto flat = [&](Point p) {
    p[axis] = 0;
    return p;
  };
  for (std::size_t i = 0; i < mesh.positions.size(); ++i) {
    if (mesh.positions[i][axis] == at) decisions.roles[flat(mesh.positions[i])] = contours.roles[i];
  }
  for (const auto& [vertex, place] : contours.moves) {
    if (mesh.positions[vertex][axis] == at) decisions.moves[flat(mesh.positions[vertex])] = flat(place);
  }
  Mesh simple = mesh;
  Simplifier().simplify(simple, contours, {kVoxel, max_error, 0});
  std::set<Point> stayed;
  for (const auto& [from, to] : testing::open_edges(simple)) {
    const Point& p = simple.positions[from];
    const Point& q = simple.positions[to];
    stayed.insert(p);
    if (p[axis] != at || q[axis] != at) continue;
    double length2 = 0;
    for (std::size_t i = 0; i < 3; ++i) length2 += std::pow((p[i] - q[i]) * kVoxel[i], 2);
    decisions.length += std::sqrt(length2);
  }
  for (std::size_t i = 0; i < mesh.positions.size(); ++i) {
    EXPECT_TRUE(contours.roles[i] != VertexRole::locked || stayed.contains(mesh.positions[i]));
  }
  return decisions;
}

TEST(Contour, NeighboursDecideTheSame) {
  const std::array<int, 3> size = {8, 8, 8};
  std::size_t sliding = 0;
  for (unsigned seed = 0; seed < 9; ++seed) {
    const TestLabels volume = testing::random_labels({17, 17, 17}, 3, seed, static_cast<int>(seed % 3));
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (int label = 1; label <= 3; ++label) {
        std::array<int, 3> beyond = {0, 0, 0};
        beyond[axis] = size[axis];
        const Mesh here = testing::surface_of(volume, label, {0, 0, 0}, size);
        const Mesh there = testing::surface_of(volume, label, beyond, size);
        const Decisions a = decisions_in(here, size, 40, axis, 8);
        const Decisions b = decisions_in(there, size, 40, axis, 0);
        ASSERT_EQ(a.roles, b.roles) << seed << " axis " << axis;
        ASSERT_EQ(a.moves, b.moves) << seed << " axis " << axis;
        ASSERT_NEAR(a.length, b.length, 1e-4 * a.length) << seed << " axis " << axis;
        sliding += a.moves.size();
      }
    }
  }
  EXPECT_GT(sliding, 500U);
}

TEST(Contour, StaysWithinTheErrorAndKeepsLoops) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const TestLabels volume = testing::random_labels({13, 13, 13}, 2, seed);
    const Mesh mesh = testing::surface_of(volume, 1, {-1, -1, -1}, {7, 13, 9});
    for (const double max_error : {0.0, 10.0, 40.0, 1e6}) {
      Contours contours;
      straighten_contours(mesh, box_of({7, 13, 9}), kVoxel, max_error, contours);
      // Walk from each vertex that stays along open edges to the next: all in between is near the line.
      std::map<std::uint32_t, std::uint32_t> after;
      for (const auto& [from, to] : testing::open_edges(mesh)) after[from] = to;
      std::map<std::uint32_t, int> corners_of_loop;
      for (const auto& [start, unused] : after) {
        int corners = 0;
        std::uint32_t least = start;
        std::uint32_t v = start;
        do {
          corners += contours.roles[v] == VertexRole::locked;
          EXPECT_NE(contours.roles[v], VertexRole::free);
          v = after[v];
          least = std::min(least, v);
        } while (v != start);
        corners_of_loop[least] = corners;
      }
      for (const auto& [loop, corners] : corners_of_loop) EXPECT_GE(corners, 3);
      if (max_error == 0) {
        for (const auto& [vertex, place] : contours.moves) {
          for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(mesh.positions[vertex][i], place[i], 1e-5);
        }
      }
      for (const auto& [vertex, place] : contours.moves) {
        std::uint32_t end = vertex;
        while (contours.roles[end] == VertexRole::sliding) end = after[end];
        std::uint32_t begin = end;
        do begin = std::find_if(after.begin(), after.end(), [&](const auto& e) { return e.second == begin; })->first;
        while (contours.roles[begin] == VertexRole::sliding || begin == end);
        double dot = 0;
        double length2 = 0;
        std::array<double, 3> along;
        std::array<double, 3> offset;
        for (std::size_t i = 0; i < 3; ++i) {
          along[i] = (mesh.positions[end][i] - mesh.positions[begin][i]) * kVoxel[i];
          offset[i] = (mesh.positions[vertex][i] - mesh.positions[begin][i]) * kVoxel[i];
          dot += along[i] * offset[i];
          length2 += along[i] * along[i];
        }
        const double t = std::clamp(dot / length2, 0.0, 1.0);
        double distance2 = 0;
        for (std::size_t i = 0; i < 3; ++i) distance2 += std::pow(offset[i] - t * along[i], 2);
        EXPECT_LE(std::sqrt(distance2), 0.75 * max_error + 1e-9);
      }
    }
  }
}

/// One triangle fan whose rim runs through `rim` in the plane x = 0, around a point at x = 1.
Mesh fan(const std::vector<std::array<float, 2>>& rim) {
  Mesh mesh;
  mesh.positions.push_back({1, 5, 5});
  for (const auto& [y, z] : rim) mesh.positions.push_back({0, y, z});
  for (std::uint32_t i = 1; i < rim.size(); ++i) mesh.triangles.push_back({0, i, i + 1});
  return mesh;
}

TEST(Contour, KeepsWhatTheRuleSays) {
  const MeshBox box = {{0, 0, 0}, {10, 10, 10}};
  Contours contours;
  // A line from edge to edge of the box with a step of half a voxel, 16 nm: gone when three quarters of the bound are
  // that, not below.
  const Mesh line = fan({{0, 4}, {1, 4}, {2, 4}, {3, 4.5F}, {4, 4}, {10, 4}});
  straighten_contours(line, box, {32, 32, 32}, 21.34, contours);
  EXPECT_EQ(contours.roles, (std::vector{VertexRole::free, VertexRole::locked, VertexRole::sliding, VertexRole::sliding,
                                         VertexRole::sliding, VertexRole::sliding, VertexRole::locked}));
  for (const auto& [vertex, place] : contours.moves) EXPECT_EQ(place[2], 4);
  straighten_contours(line, box, {32, 32, 32}, 21.3, contours);
  EXPECT_EQ(contours.roles[4], VertexRole::locked);
  // The step is measured in nanometres: across voxels of 20 nm it is 10.
  straighten_contours(line, box, {32, 32, 20}, 13.34, contours);
  EXPECT_EQ(contours.roles[4], VertexRole::sliding);
  // Both ends on one edge of the box: the farthest point stays, however near.
  straighten_contours(fan({{0, 4}, {0.5F, 4.5F}, {1, 5}, {0.5F, 5.5F}, {0, 6}}), box, {32, 32, 32}, 1e6, contours);
  EXPECT_EQ(contours.roles, (std::vector{VertexRole::free, VertexRole::locked, VertexRole::sliding, VertexRole::locked,
                                         VertexRole::sliding, VertexRole::locked}));
}

}  // namespace
}  // namespace ngforge
