// SPDX-License-Identifier: Apache-2.0
// bench_mesh_error AREA REFERENCE MESH...: how far meshes are from a reference and the reference from them. Files are
// plain fragments (uint32 count, float32 positions, uint32 triangles). Both surfaces are sampled evenly, a point on
// every AREA; each point's distance to the nearest triangle of the other mesh is exact. Prints for each mesh its
// triangles and, both ways, the sum and the greatest of the distances and how many are from i to i + 1 in the unit of
// the positions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/mesh.h"

namespace {

using ngforge::Mesh;
using Vec = std::array<double, 3>;

Vec operator-(const Vec& a, const Vec& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
double dot(const Vec& a, const Vec& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
Vec along(const Vec& p, const Vec& a, double s, const Vec& b, double t) {
  return {p[0] + s * a[0] + t * b[0], p[1] + s * a[1] + t * b[1], p[2] + s * a[2] + t * b[2]};
}

struct Triangle {
  std::array<Vec, 3> corners;

  double area() const {
    const Vec u = corners[1] - corners[0], v = corners[2] - corners[0];
    return std::sqrt(std::max(0.0, dot(u, u) * dot(v, v) - dot(u, v) * dot(u, v))) / 2;
  }

  double distance2(const Vec& p) const {
    const Vec u = corners[1] - corners[0], v = corners[2] - corners[0], w = p - corners[0];
    const double uu = dot(u, u), uv = dot(u, v), vv = dot(v, v), wu = dot(w, u), wv = dot(w, v);
    const double det = uu * vv - uv * uv, s = vv * wu - uv * wv, t = uu * wv - uv * wu;
    if (det > 0 && s >= 0 && t >= 0 && s + t <= det) {
      const Vec d = w - along({}, u, s / det, v, t / det);
      return dot(d, d);
    }
    double best = 1e300;
    for (std::size_t i = 0; i < 3; ++i) {
      const Vec edge = corners[(i + 1) % 3] - corners[i], from = p - corners[i];
      const double length2 = dot(edge, edge);
      const double at = length2 > 0 ? std::clamp(dot(from, edge) / length2, 0.0, 1.0) : 0.0;
      const Vec d = from - along({}, edge, at, edge, 0);
      best = std::min(best, dot(d, d));
    }
    return best;
  }
};

/// A tree of boxes over triangles.
class Surface {
 public:
  explicit Surface(const Mesh& mesh) {
    for (const auto& t : mesh.triangles) {
      Triangle& triangle = triangles_.emplace_back();
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t a = 0; a < 3; ++a) triangle.corners[i][a] = static_cast<double>(mesh.positions[t[i]][a]);
    }
    nodes_.reserve(triangles_.size());
    nodes_.emplace_back();
    build(0, 0, triangles_.size());
  }
  const std::vector<Triangle>& triangles() const { return triangles_; }

  double distance(const Vec& p) {
    double best2 = triangles_[nearest_].distance2(p);
    visit(0, p, best2);
    return std::sqrt(best2);
  }

 private:
  static constexpr std::size_t kLeaf = 4;
  struct Node {
    Vec lower, upper;
    std::size_t first = 0, count = 0;  // of triangles; of no triangles: the first of two nodes

    double distance2(const Vec& p) const {
      double sum = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        const double beyond = std::max({lower[a] - p[a], p[a] - upper[a], 0.0});
        sum += beyond * beyond;
      }
      return sum;
    }
  };

  void build(std::size_t at, std::size_t begin, std::size_t end) {
    Vec lower, upper;
    lower.fill(1e300);
    upper.fill(-1e300);
    for (std::size_t t = begin; t < end; ++t)
      for (const Vec& corner : triangles_[t].corners)
        for (std::size_t a = 0; a < 3; ++a) {
          lower[a] = std::min(lower[a], corner[a]);
          upper[a] = std::max(upper[a], corner[a]);
        }
    nodes_[at] = {lower, upper, begin, end - begin};
    if (end - begin <= kLeaf) return;
    const Vec size = upper - lower;
    const auto axis = static_cast<std::size_t>(std::max_element(size.begin(), size.end()) - size.begin());
    const auto place = [&](const Triangle& t) { return t.corners[0][axis] + t.corners[1][axis] + t.corners[2][axis]; };
    const std::size_t middle = (begin + end) / 2;
    const auto from = triangles_.begin();
    std::nth_element(from + static_cast<std::ptrdiff_t>(begin), from + static_cast<std::ptrdiff_t>(middle),
                     from + static_cast<std::ptrdiff_t>(end),
                     [&](const Triangle& a, const Triangle& b) { return place(a) < place(b); });
    const std::size_t child = nodes_.size();
    nodes_[at].first = child;
    nodes_[at].count = 0;
    nodes_.resize(child + 2);
    build(child, begin, middle);
    build(child + 1, middle, end);
  }

  void visit(std::size_t at, const Vec& p, double& best2) {
    const Node& node = nodes_[at];
    for (std::size_t t = node.first; t < node.first + node.count; ++t) {
      const double d2 = triangles_[t].distance2(p);
      if (d2 >= best2) continue;
      best2 = d2;
      nearest_ = t;
    }
    if (node.count != 0) return;
    std::array<std::size_t, 2> children = {node.first, node.first + 1};
    std::array<double, 2> d2 = {nodes_[children[0]].distance2(p), nodes_[children[1]].distance2(p)};
    if (d2[1] < d2[0]) {
      std::swap(children[0], children[1]);
      std::swap(d2[0], d2[1]);
    }
    for (std::size_t i = 0; i < 2; ++i)
      if (d2[i] < best2) visit(children[i], p, best2);
  }

  std::vector<Triangle> triangles_;
  std::vector<Node> nodes_;
  std::size_t nearest_ = 0;  // points come one beside the other
};

struct Distances {
  std::size_t points = 0;
  double sum = 0, greatest = 0;
  std::vector<std::size_t> counts;

  void add(double distance) {
    ++points;
    sum += distance;
    greatest = std::max(greatest, distance);
    const auto step = static_cast<std::size_t>(distance);
    if (step >= counts.size()) counts.resize(step + 1);
    ++counts[step];
  }
};

/// Points on `from`, one for each `area`, where a fixed sequence of numbers puts them.
Distances measure(const Surface& from, Surface& to, double area) {
  Distances distances;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform;
  double waiting = 0;
  for (const Triangle& t : from.triangles()) {
    for (waiting += t.area() / area; waiting >= 1; --waiting) {
      const double r = std::sqrt(uniform(random)), s = uniform(random);
      distances.add(to.distance(
          along(t.corners[0], t.corners[1] - t.corners[0], r * (1 - s), t.corners[2] - t.corners[0], r * s)));
    }
  }
  return distances;
}

std::optional<Mesh> read_mesh(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::uint32_t count = 0;
  if (bytes.size() < sizeof(count)) return std::nullopt;
  std::memcpy(&count, bytes.data(), sizeof(count));
  const std::size_t triangles_at = sizeof(count) + std::size_t{12} * count;
  if (bytes.size() < triangles_at || (bytes.size() - triangles_at) % 12 != 0) return std::nullopt;
  Mesh mesh;
  mesh.positions.resize(count);
  mesh.triangles.resize((bytes.size() - triangles_at) / 12);
  std::memcpy(mesh.positions.data(), bytes.data() + sizeof(count), triangles_at - sizeof(count));
  std::memcpy(mesh.triangles.data(), bytes.data() + triangles_at, bytes.size() - triangles_at);
  const bool is_sound =
      std::ranges::all_of(mesh.triangles, [&](const auto& t) { return std::max({t[0], t[1], t[2]}) < count; });
  if (mesh.triangles.empty() || !is_sound) return std::nullopt;
  return mesh;
}

std::string json(const Distances& d) {
  return fmt::format("{{\"points\": {}, \"sum\": {}, \"greatest\": {}, \"counts\": [{}]}}", d.points, d.sum, d.greatest,
                     fmt::join(d.counts, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  const double area = argc > 3 ? std::atof(argv[1]) : 0;
  if (area <= 0) {
    fmt::print(stderr, "usage: bench_mesh_error AREA REFERENCE MESH...\n");
    return 2;
  }
  std::optional<Surface> reference;
  std::string found;
  for (int i = 2; i < argc; ++i) {
    const auto mesh = read_mesh(argv[i]);
    if (!mesh) {
      fmt::print(stderr, "bench_mesh_error: {} is no mesh\n", argv[i]);
      return 3;
    }
    if (!reference) {
      reference.emplace(*mesh);
      continue;
    }
    Surface surface(*mesh);
    found += fmt::format("{}{{\"triangles\": {}, \"from_mesh\": {}, \"to_mesh\": {}}}", found.empty() ? "" : ", ",
                         mesh->triangles.size(), json(measure(surface, *reference, area)),
                         json(measure(*reference, surface, area)));
  }
  fmt::print("[{}]\n", found);
  return 0;
}
