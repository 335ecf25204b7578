// SPDX-License-Identifier: Apache-2.0
#include "op/surface_picture.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ngforge {
namespace {

// Samples of a pixel along each side.
constexpr Index kSamples = 2;
// Of the light, what also comes from a surface that is seen edge on.
constexpr double kAmbient = 0.2;

using Vector = std::array<double, 3>;

// Of a vertex: the mean of those of its triangles, weighted by their areas. Not of length 1.
std::vector<Vector> normals_of(const Mesh& mesh) {
  std::vector<Vector> normals(mesh.positions.size(), Vector{});
  for (const auto& triangle : mesh.triangles) {
    const auto &a = mesh.positions[triangle[0]], &b = mesh.positions[triangle[1]], &c = mesh.positions[triangle[2]];
    Vector u, v;
    for (std::size_t i = 0; i < 3; ++i) {
      u[i] = double{b[i]} - a[i];
      v[i] = double{c[i]} - a[i];
    }
    for (const std::uint32_t vertex : triangle) {
      for (std::size_t i = 0; i < 3; ++i)
        normals[vertex][i] += u[(i + 1) % 3] * v[(i + 2) % 3] - u[(i + 2) % 3] * v[(i + 1) % 3];
    }
  }
  return normals;
}

Index samples_of(double length, double sample) {
  return kSamples * std::max<Index>(1, std::llround(length / (kSamples * sample)));
}

}  // namespace

SurfaceView::SurfaceView(const Direction& direction, const std::array<double, 3>& low,
                         const std::array<double, 3>& high, double unit)
    : direction_(direction),
      low_(low),
      high_(high),
      sample_(unit / kSamples),
      width_(samples_of(high[direction.right] - low[direction.right], sample_)),
      height_(samples_of(high[direction.up] - low[direction.up], sample_)),
      depths_(static_cast<std::size_t>(width_ * height_), -std::numeric_limits<float>::infinity()),
      colors_(depths_.size()) {}

std::vector<SurfaceView::Point> SurfaceView::project(const Mesh& mesh) const {
  const std::size_t third = 3 - direction_.right - direction_.up;
  const auto normals = normals_of(mesh);
  std::vector<Point> points(mesh.positions.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& position = mesh.positions[i];
    const Vector& normal = normals[i];
    const double length = std::hypot(normal[0], normal[1], normal[2]);
    // The inside of an open surface is seen as well.
    const double facing = length > 0 ? std::abs(normal[third]) / length : 0;
    points[i] = {(position[direction_.right] - low_[direction_.right]) / sample_,
                 (high_[direction_.up] - position[direction_.up]) / sample_,
                 direction_.looks_along_third ? -double{position[third]} : double{position[third]},
                 kAmbient + (1 - kAmbient) * facing};
  }
  return points;
}

void SurfaceView::draw(const Mesh& mesh, const Color& color) {
  const std::vector<Point> points = project(mesh);
  for (const auto& [a, b, c] : mesh.triangles) draw(points[a], points[b], points[c], color);
}

// Every sample whose middle lies in the triangle, by its barycentric coordinates.
void SurfaceView::draw(const Point& a, const Point& b, const Point& c, const Color& color) {
  const double area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  if (area == 0 || !std::isfinite(area)) return;
  const auto [x_low, x_high] = std::minmax({a.x, b.x, c.x});
  const auto [y_low, y_high] = std::minmax({a.y, b.y, c.y});
  const auto first = [](double low) { return static_cast<Index>(std::ceil(std::max(low, 0.0) - 0.5)); };
  const auto last = [](double high, Index end) {
    return static_cast<Index>(std::floor(std::min(high, static_cast<double>(end)) - 0.5));
  };
  const Index x_begin = std::max<Index>(0, first(x_low)), x_end = std::min(last(x_high, width_), width_ - 1);
  const Index y_begin = std::max<Index>(0, first(y_low)), y_end = std::min(last(y_high, height_), height_ - 1);
  for (Index j = y_begin; j <= y_end; ++j) {
    for (Index i = x_begin; i <= x_end; ++i) {
      const double x = static_cast<double>(i) + 0.5, y = static_cast<double>(j) + 0.5;
      const double of_b = ((x - a.x) * (c.y - a.y) - (y - a.y) * (c.x - a.x)) / area;
      const double of_c = ((b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x)) / area;
      const double of_a = 1 - of_b - of_c;
      if (of_a < 0 || of_b < 0 || of_c < 0) continue;
      const auto depth = static_cast<float>(of_a * a.depth + of_b * b.depth + of_c * c.depth);
      const auto at = static_cast<std::size_t>(j * width_ + i);
      if (depth < depths_[at]) continue;
      depths_[at] = depth;
      const double shade = of_a * a.shade + of_b * b.shade + of_c * c.shade;
      for (std::size_t k = 0; k < color.size(); ++k)
        colors_[at][k] = static_cast<std::uint8_t>(std::lround(shade * color[k]));
    }
  }
}

Picture SurfaceView::picture() const {
  Picture picture(width_ / kSamples, height_ / kSamples);
  for (Index y = 0; y < picture.height(); ++y) {
    for (Index x = 0; x < picture.width(); ++x) {
      Color mean;
      for (std::size_t k = 0; k < mean.size(); ++k) {
        int sum = 0;
        for (Index j = kSamples * y; j < kSamples * (y + 1); ++j) {
          for (Index i = kSamples * x; i < kSamples * (x + 1); ++i)
            sum += colors_[static_cast<std::size_t>(j * width_ + i)][k];
        }
        mean[k] = static_cast<std::uint8_t>((sum + kSamples * kSamples / 2) / (kSamples * kSamples));
      }
      picture.set(x, y, mean);
    }
  }
  return picture;
}

}  // namespace ngforge
