// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify_fan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace ngforge {
namespace {

using Edges = std::vector<std::array<Float3, 2>>;

constexpr float kExact = 0;

class FanTest : public ::testing::Test {
 protected:
  Float3 any_point() { return {coordinate_(random_), coordinate_(random_), coordinate_(random_)}; }

  /// Triangles around `middle`, some of them slivers or without any area.
  Edges any_triangles(const Float3& middle) {
    Edges triangles;
    for (int i = 0; i < 7; ++i) triangles.push_back({any_point(), any_point()});
    const Float3 along = triangles[0][0] - middle;
    triangles.push_back(
        {triangles[0][0], {middle[0] + 2 * along[0], middle[1] + 2 * along[1], middle[2] + 2 * along[2]}});
    triangles.push_back({triangles[1][0], triangles[1][0]});
    triangles.push_back({middle, triangles[2][0]});
    return triangles;
  }

  static float distance2(const Float3& middle, const Edges& triangles, const Float3& point) {
    const Float3 p = point - middle;
    float least = std::numeric_limits<float>::max();
    for (const auto& [a, b] : triangles)
      least = std::min(least, SeenTriangle(a - middle, b - middle).distance2(p, dot(p, p)));
    return least;
  }

  std::mt19937 random_{1};
  std::uniform_real_distribution<float> coordinate_{-2, 2};
};

TEST_F(FanTest, FourPointsAtOnceAreAsFarAsEachAlone) {
  Fan fan;
  for (int round = 0; round < 500; ++round) {
    const Float3 middle = any_point();
    const Edges triangles = any_triangles(middle);
    fan.start(middle);
    for (const auto& [a, b] : triangles) fan.add(a, b);
    for (int i = 0; i < 4; ++i) {
      FourPoints points = FourPoints::all(middle);
      std::array<float, 4> expected;
      for (std::size_t lane = 0; lane < 4; ++lane) {
        const Float3 point = any_point();
        points.set(lane, point);
        expected[lane] = distance2(middle, triangles, point);
      }
      const Float4 found = fan.distances2(points, kExact);
      for (std::size_t lane = 0; lane < 4; ++lane) EXPECT_NEAR(found[lane], expected[lane], 2e-5F);
    }
  }
}

TEST_F(FanTest, LooksNoFurtherThanEnough) {
  Fan fan;
  fan.start({0, 0, 0});
  fan.add({1, 0, 0}, {0, 1, 0});
  fan.add({0, 1, 0}, {-1, 0, 0});
  FourPoints points = FourPoints::all({0.25F, 0.25F, 0.5F});
  // All are within one: the first triangle, or the middle of the fan, will do.
  points.set(1, {-0.25F, 0.25F, 0.5F});
  const Float4 some = fan.distances2(points, 1);
  const Float4 least = fan.distances2(points, kExact);
  for (std::size_t lane = 0; lane < 4; ++lane) {
    EXPECT_FLOAT_EQ(least[lane], 0.25F);
    EXPECT_GE(some[lane], 0.25F);
    EXPECT_LE(some[lane], 1);
  }
  // One of them is not: each is looked at until it is known how far that is.
  points.set(3, {-0.25F, 0.25F, 1.5F});
  const Float4 far = fan.distances2(points, 1);
  EXPECT_FLOAT_EQ(far[0], 0.25F);
  EXPECT_FLOAT_EQ(far[1], 0.25F);
  EXPECT_FLOAT_EQ(far[3], 2.25F);
}

}  // namespace
}  // namespace ngforge
