// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify_topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "mesh/simplify_test_meshes.h"

namespace ngforge {
namespace {

constexpr std::uint32_t kNone = CornerTable::kNone;

/// The corner across the side that `corner` does not touch, by looking at all: none unless there is one triangle on
/// each side of it.
std::uint32_t opposite_in(const std::vector<std::array<std::uint32_t, 3>>& triangles, std::uint32_t corner) {
  const auto vertex = [&](std::uint32_t c) { return triangles[c >> 2][c & 3]; };
  const std::uint32_t from = vertex(CornerTable::next(corner)), to = vertex(CornerTable::previous(corner));
  std::uint32_t across = kNone;
  unsigned same = 0, contrary = 0;
  for (std::uint32_t t = 0; t < triangles.size(); ++t) {
    for (std::uint32_t c = 4 * t; c < 4 * t + 3; ++c) {
      const std::uint32_t a = vertex(CornerTable::next(c)), b = vertex(CornerTable::previous(c));
      same += a == from && b == to;
      contrary += a == to && b == from;
      if (a == to && b == from) across = c;
    }
  }
  return same == 1 && contrary == 1 ? across : kNone;
}

/// The corners of a vertex of the table, by looking at all.
std::set<std::uint32_t> corners_of(const CornerTable& table, std::uint32_t vertex) {
  std::set<std::uint32_t> corners;
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    for (std::uint32_t c = 4 * t; c < 4 * t + 3; ++c) {
      if (table.vertex(c) == vertex) corners.insert(c);
    }
  }
  return corners;
}

void expect_linked(const Mesh& mesh) {
  CornerTable table;
  table.build(mesh);
  ASSERT_EQ(table.triangle_count(), mesh.triangles.size());
  for (std::uint32_t t = 0; t < mesh.triangles.size(); ++t) {
    for (std::uint32_t corner = 4 * t; corner < 4 * t + 3; ++corner)
      ASSERT_EQ(table.opposite(corner), opposite_in(mesh.triangles, corner)) << "corner " << corner;
  }
  CornerTable::Ring ring;
  for (std::uint32_t vertex = 0; vertex < table.vertex_count(); ++vertex) {
    if (!table.has_triangles(vertex)) continue;
    ASSERT_TRUE(table.ring(vertex, ring));
    // One sheet at each vertex: its ring has all its corners.
    EXPECT_EQ(std::set(ring.corners.begin(), ring.corners.begin() + ring.corner_count), corners_of(table, vertex));
    EXPECT_EQ(ring.is_open(), table.is_open(vertex));
  }
}

TEST(CornerTable, LinksASurfaceOfLabels) {
  expect_linked(testing::surface_of(testing::random_labels({8, 7, 6}, 1, 3), 1, {-1, -1, -1}, {10, 9, 8}));
}

TEST(CornerTable, LinksWhatIsNoManifold) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    Mesh mesh;
    mesh.positions.resize(6);
    // Few vertices for many triangles: edges with three triangles, with contrary ones, the same triangle twice.
    for (unsigned i = 0; i < 3 + random() % 10; ++i) {
      std::array<std::uint32_t, 6> some = {0, 1, 2, 3, 4, 5};
      std::ranges::shuffle(some, random);
      mesh.triangles.push_back({some[0], some[1], some[2]});
    }
    expect_linked(mesh);
  }
}

}  // namespace
}  // namespace ngforge
