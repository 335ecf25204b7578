// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "surface/region_split.h"

namespace ngforge {
namespace {

double area_of(const Mesh& mesh) {
  double area = 0;
  for (const auto& [a, b, c] : mesh.triangles) {
    const auto &p = mesh.positions[a], &q = mesh.positions[b], &r = mesh.positions[c];
    area += (double{q[0] - p[0]} * (r[1] - p[1]) - double{q[1] - p[1]} * (r[0] - p[0])) / 2;
  }
  return area;
}

// A sheet of n x n squares in the plane z = 0, seen from above.
Mesh sheet(std::uint32_t n) {
  Mesh mesh;
  for (std::uint32_t y = 0; y <= n; ++y)
    for (std::uint32_t x = 0; x <= n; ++x)
      mesh.positions.push_back({static_cast<float>(x) * 4, static_cast<float>(y) * 4, 0});
  for (std::uint32_t y = 0; y < n; ++y)
    for (std::uint32_t x = 0; x < n; ++x) {
      const std::uint32_t a = x + (n + 1) * y, b = a + 1, c = a + n + 1, d = c + 1;
      mesh.triangles.push_back({a, b, c});
      mesh.triangles.push_back({b, d, c});
    }
  return mesh;
}

Mesh triangle() {
  return {{{0, 0, 0}, {12, 0, 0}, {0, 12, 0}}, {{0, 1, 2}}};
}

TEST(RegionSplit, ATriangleOfOneRegionStays) {
  const auto parts = split_by_region(triangle(), std::vector<std::int64_t>{4, 4, 4});
  ASSERT_EQ(parts.size(), 1);
  EXPECT_EQ(parts[0].first, 4);
  EXPECT_EQ(parts[0].second.positions, triangle().positions);
  EXPECT_EQ(parts[0].second.triangles, triangle().triangles);
}

TEST(RegionSplit, ACornerAloneIsCutOffHalfWay) {
  for (std::size_t lone = 0; lone < 3; ++lone) {
    std::vector<std::int64_t> regions(3, 7);
    regions[lone] = -1;
    const auto parts = split_by_region(triangle(), regions);
    ASSERT_EQ(parts.size(), 2);
    EXPECT_EQ(parts[0].first, -1);
    EXPECT_EQ(area_of(parts[0].second), 18);  // a quarter of 72
    EXPECT_EQ(area_of(parts[1].second), 54);
    EXPECT_EQ(parts[0].second.triangles.size(), 1);
    EXPECT_EQ(parts[1].second.triangles.size(), 2);
  }
}

TEST(RegionSplit, ThreeRegionsMeetAtTheCentre) {
  const auto parts = split_by_region(triangle(), std::vector<std::int64_t>{3, 1, 2});
  ASSERT_EQ(parts.size(), 3);
  for (const auto& [region, part] : parts) {
    EXPECT_EQ(area_of(part), 24);
    EXPECT_THAT(part.positions, testing::Contains(std::array<float, 3>{4, 4, 0}));
  }
  EXPECT_THAT(parts[2].second.positions, testing::Contains(std::array<float, 3>{0, 0, 0}));
}

RC_GTEST_PROP(RegionSplit, PartsTileTheSurface, ()) {
  const Mesh mesh = sheet(6);
  const auto regions =
      *rc::gen::container<std::vector<std::int64_t>>(mesh.positions.size(), rc::gen::inRange<std::int64_t>(-1, 4));
  double area = 0;
  // Every edge inside of the sheet lies between two triangles, whichever part they are in, once in each direction.
  using Point = std::array<float, 3>;
  std::map<std::pair<Point, Point>, int> edges;
  for (const auto& [region, part] : split_by_region(mesh, regions)) {
    area += area_of(part);
    for (const auto& corners : part.triangles)
      for (std::size_t k = 0; k < 3; ++k) ++edges[{part.positions[corners[k]], part.positions[corners[(k + 1) % 3]]}];
  }
  RC_ASSERT(std::abs(area - 24.0 * 24) < 1e-3);
  const auto is_border = [](const Point& p, const Point& q) {
    return (p[0] == q[0] && (p[0] == 0 || p[0] == 24)) || (p[1] == q[1] && (p[1] == 0 || p[1] == 24));
  };
  for (const auto& [edge, count] : edges) {
    RC_ASSERT(count == 1);
    if (!is_border(edge.first, edge.second)) RC_ASSERT(edges.contains({edge.second, edge.first}));
  }
}

}  // namespace
}  // namespace ngforge
