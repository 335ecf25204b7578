// SPDX-License-Identifier: Apache-2.0
#include "mesh/close_slits.h"

#include <map>
#include <utility>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

// How often each edge lies in a triangle in one direction, less how often in the other; those that even out are left
// out.
std::map<std::pair<std::uint32_t, std::uint32_t>, int> open_edges(const Mesh& mesh) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> edges;
  for (const auto& t : mesh.triangles)
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t a = t[c], b = t[(c + 1) % 3];
      edges[{std::min(a, b), std::max(a, b)}] += a < b ? 1 : -1;
    }
  std::erase_if(edges, [](const auto& edge) { return edge.second == 0; });
  return edges;
}

// Two sheets that meet in the line from 0 to 4: the lower one has the vertices 0, 2, 4, the upper one also 1 and 3.
Mesh sheets() {
  return {{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0}, {2, -2, 0}, {2, 2, 0}},
          {{0, 5, 2}, {2, 5, 4}, {0, 1, 6}, {1, 2, 6}, {2, 3, 6}, {3, 4, 6}}};
}

TEST(CloseSlits, FillsWhatHasNoWidth) {
  Mesh mesh = sheets();
  ASSERT_EQ(open_edges(mesh).size(), 6u + 4u);
  close_slits(mesh, 0.01f);
  // Only the rim of the sheets is left.
  EXPECT_EQ(mesh.triangles.size(), 6u + 2u);
  using Edges = std::map<std::pair<std::uint32_t, std::uint32_t>, int>;
  EXPECT_EQ(open_edges(mesh), (Edges{{{0, 5}, 1}, {{4, 5}, -1}, {{0, 6}, -1}, {{4, 6}, 1}}));
}

TEST(CloseSlits, LeavesHolesOpen) {
  Mesh mesh = sheets();
  mesh.positions[1][1] = 0.1f;
  close_slits(mesh, 0.01f);
  EXPECT_EQ(mesh.triangles.size(), 6u + 1u);
  close_slits(mesh, 0.2f);
  EXPECT_EQ(mesh.triangles.size(), 6u + 2u);
  Mesh none;
  close_slits(none, 1);
  EXPECT_TRUE(none.triangles.empty());
}

}  // namespace
}  // namespace ngforge
