// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/mesh.h"
#include "op/picture.h"

namespace ngforge {

/// Draws meshes as they are seen from far away in the direction of an axis, lit from where one looks from.
class SurfaceView {
 public:
  /// Axes of the positions and where they point to in the picture.
  struct Direction {
    std::size_t right, up;
    bool looks_along_third;  // from below the third axis; else from above
  };

  /// What is drawn: positions from `low` to `high`, `unit` of them per pixel.
  SurfaceView(const Direction& direction, const std::array<double, 3>& low, const std::array<double, 3>& high,
              double unit);

  /// Hides what lies behind it, and is hidden by what lies before it. Indices must be in range.
  void draw(const Mesh& mesh, const Color& color);
  Picture picture() const;

 private:
  struct Point {
    double x, y, depth;  // samples from the top left; larger is nearer
    double shade;        // how much of the light comes back
  };
  void draw(const Point& a, const Point& b, const Point& c, const Color& color);
  std::vector<Point> project(const Mesh& mesh) const;

  const Direction direction_;
  const std::array<double, 3> low_, high_;
  const double sample_;   // length between samples
  Index width_, height_;  // samples
  std::vector<float> depths_;
  std::vector<Color> colors_;
};

}  // namespace ngforge
