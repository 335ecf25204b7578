// SPDX-License-Identifier: Apache-2.0
// Douglas, Peucker: "Algorithms for the reduction of the number of points required to represent a digitized line or its
// caricature", 1973.
#include "mesh/contour.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include "ngforge/error.h"

namespace ngforge {
namespace {

using Point = std::array<double, 2>;

/// An edge in the plane of a face; `from` < `to`.
struct FaceEdge {
  std::uint32_t from;
  std::uint32_t to;
  unsigned faces;
};

constexpr std::uint32_t kNone = ~std::uint32_t{0};
/// The part of the error bound that contours may take: surfaces beside them move too.
constexpr double kPartOfBound = 0.75;

/// The faces of `box` in which a point lies: bit 2 * axis for the lower, 2 * axis + 1 for the upper.
unsigned faces_of(const std::array<float, 3>& point, const MeshBox& box) {
  unsigned faces = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    faces |= static_cast<unsigned>(point[axis] == box.lower[axis]) << (2 * axis);
    faces |= static_cast<unsigned>(point[axis] == box.upper[axis]) << (2 * axis + 1);
  }
  return faces;
}

/// The edges of one triangle alone whose ends share a face.
std::vector<FaceEdge> find_contour_edges(const Mesh& mesh, std::span<const std::uint8_t> faces) {
  std::vector<FaceEdge> edges;
  for (const auto& triangle : mesh.triangles) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::uint32_t from = triangle[i];
      const std::uint32_t to = triangle[(i + 1) % 3];
      if (const unsigned common = faces[from] & faces[to]; common != 0) {
        edges.push_back({std::min(from, to), std::max(from, to), common});
      }
    }
  }
  const auto less = [](const FaceEdge& a, const FaceEdge& b) {
    return a.from != b.from ? a.from < b.from : a.to < b.to;
  };
  std::sort(edges.begin(), edges.end(), less);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < edges.size();) {
    std::size_t end = i + 1;
    while (end < edges.size() && !less(edges[i], edges[end])) ++end;
    if (end - i == 1) edges[kept++] = edges[i];
    i = end;
  }
  edges.resize(kept);
  return edges;
}

/// The square of the distance of `p` to the line from `a` to `b`, ends included.
double distance2(const Point& p, const Point& a, const Point& b) {
  const Point along = {b[0] - a[0], b[1] - a[1]};
  const Point offset = {p[0] - a[0], p[1] - a[1]};
  const double length2 = along[0] * along[0] + along[1] * along[1];
  const double dot = offset[0] * along[0] + offset[1] * along[1];
  const double t = length2 > 0 ? std::clamp(dot / length2, 0.0, 1.0) : 0.0;
  const double dx = offset[0] - t * along[0];
  const double dy = offset[1] - t * along[1];
  return dx * dx + dy * dy;
}

/// The contours of one mesh in one face after the other.
class Straightener {
 public:
  Straightener(const Mesh& mesh, const std::vector<std::uint8_t>& faces, const std::array<double, 3>& voxel_nm,
               double max_error_nm, Contours& contours)
      : mesh_(mesh),
        faces_(faces),
        voxel_nm_(voxel_nm),
        max_error2_(max_error_nm * max_error_nm * (kPartOfBound * kPartOfBound)),
        contours_(contours),
        neighbours_(mesh.positions.size(), {kNone, kNone}),
        degree_(mesh.positions.size(), 0) {}

  void straighten(unsigned face, std::span<const FaceEdge> edges) {
    axes_ = face / 2 == 0 ? std::array<std::size_t, 2>{1, 2} : std::array<std::size_t, 2>{0, face / 2 == 1 ? 2U : 1U};
    face_bit_ = 1U << face;
    link(edges);
    // Lines first: what is left are loops.
    for (const FaceEdge& edge : edges) {
      for (const std::uint32_t start : {edge.from, edge.to}) {
        if (!is_end(start)) continue;
        for (const std::uint32_t next : neighbours_[start]) {
          if (next != kNone) straighten_line(start, next);
        }
      }
    }
    for (const FaceEdge& edge : edges) {
      if (degree_[edge.from] == 2) straighten_loop(edge.from);
    }
    for (const FaceEdge& edge : edges) {
      for (const std::uint32_t vertex : {edge.from, edge.to}) {
        neighbours_[vertex] = {kNone, kNone};
        degree_[vertex] = 0;
      }
    }
  }

 private:
  void link(std::span<const FaceEdge> edges) {
    for (const FaceEdge& edge : edges) {
      if ((edge.faces & face_bit_) == 0) continue;
      add_neighbour(edge.from, edge.to);
      add_neighbour(edge.to, edge.from);
    }
  }

  void add_neighbour(std::uint32_t vertex, std::uint32_t neighbour) {
    if (degree_[vertex] < 2) neighbours_[vertex][degree_[vertex]] = neighbour;
    ++degree_[vertex];
  }

  /// Lines end on the box's edges and where there is no one way on.
  bool is_end(std::uint32_t vertex) const {
    return degree_[vertex] != 0 && (degree_[vertex] != 2 || (faces_[vertex] & ~face_bit_) != 0);
  }

  Point point_of(std::uint32_t vertex) const {
    const auto& position = mesh_.positions[vertex];
    return {position[axes_[0]] * voxel_nm_[axes_[0]], position[axes_[1]] * voxel_nm_[axes_[1]]};
  }

  /// Which of two vertices comes first, said by the plane alone.
  bool is_before(std::uint32_t a, std::uint32_t b) const {
    const auto& p = mesh_.positions[a];
    const auto& q = mesh_.positions[b];
    return p[axes_[0]] != q[axes_[0]] ? p[axes_[0]] < q[axes_[0]] : p[axes_[1]] < q[axes_[1]];
  }

  /// Walks from `start` to `next` and on, up to an end or back to the start.
  void walk(std::uint32_t start, std::uint32_t next) {
    path_ = {start};
    std::uint32_t previous = start;
    std::uint32_t vertex = next;
    while (vertex != start && !is_end(vertex)) {
      path_.push_back(vertex);
      const auto& around = neighbours_[vertex];
      const std::uint32_t on = around[0] == previous ? around[1] : around[0];
      previous = vertex;
      vertex = on;
    }
    path_.push_back(vertex);
  }

  void straighten_line(std::uint32_t start, std::uint32_t next) {
    walk(start, next);
    // Each line is met at both of its ends: once is enough, and from the end that the plane puts first.
    if (path_.back() != start && is_before(path_.back(), start)) return;
    prepare();
    const bool is_on_box_edge = (faces_[start] & faces_[path_.back()] & ~face_bit_) != 0;
    keep_between(0, path_.size() - 1, is_on_box_edge);
    finish();
    for (std::size_t i = 1; i + 1 < path_.size(); ++i) degree_[path_[i]] = 0;
  }

  void straighten_loop(std::uint32_t vertex) {
    walk(vertex, neighbours_[vertex][0]);
    const auto first = std::min_element(path_.begin(), path_.end() - 1,
                                        [this](std::uint32_t a, std::uint32_t b) { return is_before(a, b); });
    const std::uint32_t start = *first;
    const auto& around = neighbours_[start];
    walk(start, is_before(around[0], around[1]) ? around[0] : around[1]);
    for (const std::uint32_t member : path_) degree_[member] = 0;
    prepare();
    std::size_t middle = 1;
    double farthest2 = -1;
    for (std::size_t i = 1; i + 1 < path_.size(); ++i) {
      const double d2 = distance2(points_[i], points_[0], points_[0]);
      if (d2 > farthest2) {
        farthest2 = d2;
        middle = i;
      }
    }
    is_kept_[middle] = 1;
    keep_between(0, middle, true);
    keep_between(middle, path_.size() - 1, true);
    finish();
  }

  void prepare() {
    points_.clear();
    for (const std::uint32_t vertex : path_) points_.push_back(point_of(vertex));
    is_kept_.assign(path_.size(), 0);
    is_kept_.front() = is_kept_.back() = 1;
  }

  /// Douglas-Peucker; `at_least_one`: the farthest vertex stays however near it is.
  void keep_between(std::size_t first, std::size_t last, bool at_least_one) {
    std::vector<std::pair<std::size_t, std::size_t>>& open = stack_;
    open.assign(1, {first, last});
    while (!open.empty()) {
      const auto [begin, end] = open.back();
      open.pop_back();
      std::size_t farthest = begin;
      double farthest2 = -1;
      for (std::size_t i = begin + 1; i < end; ++i) {
        const double d2 = distance2(points_[i], points_[begin], points_[end]);
        if (d2 > farthest2) {
          farthest2 = d2;
          farthest = i;
        }
      }
      if (farthest != begin && (farthest2 > max_error2_ || at_least_one)) {
        is_kept_[farthest] = 1;
        open.emplace_back(begin, farthest);
        open.emplace_back(farthest, end);
      }
      at_least_one = false;
    }
  }

  /// Gives the vertices of the path their roles, and those that slide their place: as far along the new line as they
  /// were along the old one.
  void finish() {
    std::size_t begin = 0;
    for (std::size_t i = 1; i < path_.size(); ++i) {
      if (is_kept_[i] == 0) continue;
      double length = 0;
      for (std::size_t k = begin; k < i; ++k) length += step(k);
      double walked = 0;
      for (std::size_t k = begin + 1; k < i; ++k) {
        walked += step(k - 1);
        slide(path_[k], path_[begin], path_[i], walked / length);
      }
      contours_.roles[path_[i]] = VertexRole::locked;
      begin = i;
    }
    contours_.roles[path_.front()] = VertexRole::locked;
  }

  double step(std::size_t i) const {
    return std::hypot(points_[i + 1][0] - points_[i][0], points_[i + 1][1] - points_[i][1]);
  }

  void slide(std::uint32_t vertex, std::uint32_t from, std::uint32_t to, double fraction) {
    contours_.roles[vertex] = VertexRole::sliding;
    std::array<float, 3> place = mesh_.positions[vertex];
    for (const std::size_t axis : axes_) {
      const double a = mesh_.positions[from][axis];
      const double b = mesh_.positions[to][axis];
      place[axis] = static_cast<float>(a + fraction * (b - a));
    }
    contours_.moves.emplace_back(vertex, place);
  }

  const Mesh& mesh_;
  const std::vector<std::uint8_t>& faces_;
  std::array<double, 3> voxel_nm_;
  double max_error2_;
  Contours& contours_;
  std::array<std::size_t, 2> axes_ = {};
  unsigned face_bit_ = 0;
  std::vector<std::array<std::uint32_t, 2>> neighbours_;
  std::vector<std::uint32_t> degree_;
  std::vector<std::uint32_t> path_;
  std::vector<Point> points_;
  std::vector<std::uint8_t> is_kept_;
  std::vector<std::pair<std::size_t, std::size_t>> stack_;
};

}  // namespace

void straighten_contours(const Mesh& mesh, const MeshBox& box, const std::array<double, 3>& voxel_nm,
                         double max_error_nm, Contours& contours) {
  contours.roles.assign(mesh.positions.size(), VertexRole::free);
  contours.moves.clear();
  std::vector<std::uint8_t> faces(mesh.positions.size());
  for (std::size_t i = 0; i < faces.size(); ++i) faces[i] = static_cast<std::uint8_t>(faces_of(mesh.positions[i], box));
  const std::vector<FaceEdge> edges = find_contour_edges(mesh, faces);
  if (edges.empty()) return;
  Straightener straightener(mesh, faces, voxel_nm, max_error_nm, contours);
  std::vector<FaceEdge> in_face;
  for (unsigned face = 0; face < 6; ++face) {
    in_face.clear();
    for (const FaceEdge& edge : edges) {
      if ((edge.faces & (1U << face)) != 0) in_face.push_back(edge);
    }
    if (!in_face.empty()) straightener.straighten(face, in_face);
  }
}

}  // namespace ngforge
