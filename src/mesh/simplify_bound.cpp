// SPDX-License-Identifier: Apache-2.0
// Guthe, Borodin, Klein: "Fast and accurate Hausdorff distance calculation between meshes", 2005.
#include "mesh/simplify_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ngforge {
namespace {

/// Triangles of the result are cut until their corners are within this part of a voxel from the middle.
constexpr float kFine = 0.25F;
/// Within a voxel, the distance to the mesh grows at most by so much of the way: both run along each other.
constexpr float kSlope = 0.5F;
/// Larger ones are tried from this part of the bound on.
constexpr float kTried = 0.8F;
/// How far to look for the result, in triangles from the vertex that a vertex has become.
constexpr std::size_t kWiderRings = 3;
/// Fewer members than these are not sorted out when a triangle is cut.
constexpr std::size_t kFewMembers = 96;

Vec3 middle_of(const std::array<Vec3, 3>& c) {
  constexpr float kThird = 1.F / 3;
  return {(c[0][0] + c[1][0] + c[2][0]) * kThird, (c[0][1] + c[1][1] + c[2][1]) * kThird,
          (c[0][2] + c[1][2] + c[2][2]) * kThird};
}

Vec3 between(const Vec3& a, const Vec3& b) {
  return {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2};
}

float square_of_distance(const Vec3& a, const Vec3& b) {
  const Vec3 d = a - b;
  return dot(d, d);
}

float radius_of(const std::array<Vec3, 3>& corners, const Vec3& middle) {
  return std::sqrt(std::max({square_of_distance(corners[0], middle), square_of_distance(corners[1], middle),
                             square_of_distance(corners[2], middle)}));
}

/// Two triangles, cut apart through the middle of the longest side.
std::array<std::array<Vec3, 3>, 2> halves(const std::array<Vec3, 3>& c) {
  const std::array<float, 3> sides2 = {square_of_distance(c[1], c[2]), square_of_distance(c[2], c[0]),
                                       square_of_distance(c[0], c[1])};
  const auto i = static_cast<std::size_t>(std::max_element(sides2.begin(), sides2.end()) - sides2.begin());
  const Vec3 &a = c[i], &b = c[(i + 1) % 3], &d = c[(i + 2) % 3];
  const Vec3 middle = between(b, d);
  return {{{a, b, middle}, {a, middle, d}}};
}

}  // namespace

const std::vector<std::uint32_t>& BoundCheck::find_far(const SimplifiedMesh& mesh, float bound, float voxel) {
  bound_ = bound;
  voxel_ = voxel;
  far_.clear();
  resize_lists(0);
  members_of_.resize(mesh.origins.size());
  became_.resize(mesh.origins.size());
  distances_.resize(mesh.origins.size());
  for (std::uint32_t vertex = 0; vertex < mesh.origins.size(); ++vertex) {
    if (mesh.table.has_triangles(vertex)) check_members(mesh, vertex);
  }
  check_input(mesh);
  float longest2 = 0;
  for (const auto& t : mesh.input)
    for (std::size_t i = 0; i < 3; ++i)
      longest2 = std::max(longest2, square_of_distance(mesh.origins[t[i]], mesh.origins[t[(i + 1) % 3]]));
  longest_ = std::sqrt(longest2);
  check_result(mesh);
  return far_;
}

/// Looks at the vertices that have become this one, most of which are near to the triangles around it, and lists them.
void BoundCheck::check_members(const SimplifiedMesh& mesh, std::uint32_t vertex) {
  const std::size_t begin = members_.size();
  std::uint32_t member = vertex;
  do {
    const Vec3& origin = mesh.origins[member];
    x_.push_back(origin[0]);
    y_.push_back(origin[1]);
    z_.push_back(origin[2]);
    members_.push_back(member);
    member = mesh.next_member[member];
  } while (member != vertex);
  members_of_[vertex] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(members_.size())};
  for (std::size_t i = begin; i < members_.size(); ++i) {
    became_[members_[i]] = vertex;
    distances_[members_[i]] = 0;
  }
  const bool is_alone = members_.size() == begin + 1 && mesh.places[vertex] == mesh.origins[vertex];
  if (is_alone || !mesh.table.ring(vertex, ring_)) return;
  fan_.start(mesh.places[vertex]);
  for (std::uint32_t i = 0; i < ring_.corner_count; ++i)
    fan_.add(mesh.places[ring_.vertices[i]], mesh.places[ring_.vertices[i + 1]]);
  for (std::size_t i = begin; i < members_.size(); ++i) {
    distances_[members_[i]] = std::sqrt(fan_.distance2(place_of(i), bound_ * bound_ / 4));
    if (distances_[members_[i]] > bound_ && !is_near_around(mesh, place_of(i), vertex)) far_.push_back(members_[i]);
  }
}

/// Looks at the middles of triangles of the mesh and of their sides, where a corner is not near by far.
void BoundCheck::check_input(const SimplifiedMesh& mesh) {
  for (const auto& t : mesh.input) {
    if (std::max({distances_[t[0]], distances_[t[1]], distances_[t[2]]}) <= bound_ / 2) continue;
    const Corners c = {mesh.origins[t[0]], mesh.origins[t[1]], mesh.origins[t[2]]};
    const std::array<Vec3, 4> points = {between(c[0], c[1]), between(c[1], c[2]), between(c[2], c[0]), middle_of(c)};
    for (std::size_t i = 0; i < points.size(); ++i)
      if (!is_near_around(mesh, points[i], became_[t[i % 3]])) far_.insert(far_.end(), t.begin(), t.end());
  }
}

/// Whether a point is near to the result around a vertex or some triangles farther.
bool BoundCheck::is_near_around(const SimplifiedMesh& mesh, const Vec3& point, std::uint32_t vertex) {
  Fan fan;
  around_.assign(1, vertex);
  for (std::size_t ring = 0, begin = 0; ring <= kWiderRings; ++ring) {
    const std::size_t end = around_.size();
    if (ring > 0) add_neighbours(mesh, begin, around_);
    begin = ring > 0 ? end : 0;
    for (std::size_t i = begin; i < around_.size(); ++i) {
      if (!mesh.table.ring(around_[i], ring_)) continue;
      fan.start(mesh.places[around_[i]]);
      for (std::uint32_t k = 0; k < ring_.corner_count; ++k)
        fan.add(mesh.places[ring_.vertices[k]], mesh.places[ring_.vertices[k + 1]]);
      if (fan.distance2(point, bound_ * bound_) <= bound_ * bound_) return true;
    }
  }
  return false;
}

/// Appends the neighbours of the vertices from `begin` on that are not there yet.
void BoundCheck::add_neighbours(const SimplifiedMesh& mesh, std::size_t begin, std::vector<std::uint32_t>& vertices) {
  const std::size_t end = vertices.size();
  for (std::size_t i = begin; i < end; ++i) {
    if (!mesh.table.ring(vertices[i], ring_)) continue;
    for (std::uint32_t k = 0; k < ring_.edge_count; ++k)
      if (std::ranges::find(vertices, ring_.vertices[k]) == vertices.end()) vertices.push_back(ring_.vertices[k]);
  }
}

void BoundCheck::check_result(const SimplifiedMesh& mesh) {
  for (std::uint32_t t = 0; t < mesh.table.triangle_count(); ++t) {
    if (mesh.table.is_gone(t)) continue;
    around_ = {mesh.table.vertex(4 * t), mesh.table.vertex(4 * t + 1), mesh.table.vertex(4 * t + 2)};
    const std::uint32_t a = around_[0], b = around_[1], c = around_[2];
    ranges_.clear();
    std::size_t count = 0;
    for (const std::uint32_t vertex : around_) {
      ranges_.push_back(members_of_[vertex]);
      count += ranges_.back().size();
    }
    const Corners corners = {mesh.places[a], mesh.places[b], mesh.places[c]};
    const bool is_as_before = count == 3 && corners == Corners{mesh.origins[a], mesh.origins[b], mesh.origins[c]};
    is_widened_ = false;
    if (is_as_before || is_near_input(mesh, corners, 0)) continue;
    is_widened_ = true;
    add_neighbours(mesh, 0, around_);
    for (std::size_t i = 3; i < around_.size(); ++i) ranges_.push_back(members_of_[around_[i]]);
    is_near_input(mesh, corners, 0);
  }
}

/// Whether all of a triangle is near to the mesh, as the members in the ranges from `begin` on tell.
bool BoundCheck::is_near_input(const SimplifiedMesh& mesh, const Corners& corners, std::size_t begin) {
  const Vec3 middle = middle_of(corners);
  const float radius = radius_of(corners, middle);
  const bool is_last = radius < voxel_ * kFine;
  const bool is_coarse = radius >= voxel_;
  const float enough = is_last ? bound_ : std::max(0.0F, bound_ - radius * (is_coarse ? 1.0F : kSlope));
  // Coarse ones are tried where that may succeed.
  if ((!is_coarse || radius < bound_ * kTried) && is_member_within(middle, begin, enough)) return true;
  if (!is_coarse) {
    const std::uint32_t best = nearest_member(middle, begin);
    if (distance2_to_input(mesh, middle, best) <= enough * enough) return true;
    if (is_last) return is_widened_ && is_near_any(mesh, middle, begin, best);
  }
  const std::size_t listed = members_.size(), ranges = ranges_.size();
  if (count_members(begin) > kFewMembers) begin = list_members_within(middle, radius + bound_ + longest_, begin);
  const auto [one, other] = halves(corners);
  const bool is_near = is_near_input(mesh, one, begin) && is_near_input(mesh, other, begin);
  resize_lists(listed);
  ranges_.resize(ranges);
  return is_near;
}

std::size_t BoundCheck::count_members(std::size_t begin) const {
  std::size_t count = 0;
  for (std::size_t r = begin; r < ranges_.size(); ++r) count += ranges_[r].size();
  return count;
}

/// Lists the members that are near to a point once more, as one range: its number. `begin` if there are none.
std::size_t BoundCheck::list_members_within(const Vec3& point, float distance, std::size_t begin) {
  const std::size_t first = members_.size();
  std::size_t last = first;
  resize_lists(first + count_members(begin));
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; ++i) {
      x_[last] = x_[i];
      y_[last] = y_[i];
      z_[last] = z_[i];
      members_[last] = members_[i];
      last += square_of_distance(place_of(i), point) <= distance * distance;
    }
  }
  resize_lists(last);
  if (last == first) return begin;
  ranges_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
  return ranges_.size() - 1;
}

void BoundCheck::resize_lists(std::size_t size) {
  x_.resize(size);
  y_.resize(size);
  z_.resize(size);
  members_.resize(size);
}

bool BoundCheck::is_member_within(const Vec3& point, std::size_t begin, float distance) const {
  constexpr std::size_t kAtOnce = 16;
  const float distance2 = distance * distance;
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; i += kAtOnce) {
      const std::size_t end = std::min<std::size_t>(i + kAtOnce, ranges_[r].end);
      float best2 = std::numeric_limits<float>::max();
      for (std::size_t k = i; k < end; ++k) {
        const float dx = x_[k] - point[0], dy = y_[k] - point[1], dz = z_[k] - point[2];
        best2 = std::min(best2, dx * dx + dy * dy + dz * dz);
      }
      if (best2 <= distance2) return true;
    }
  }
  return false;
}

std::uint32_t BoundCheck::nearest_member(const Vec3& point, std::size_t begin) const {
  std::uint32_t best = 0;
  float best2 = std::numeric_limits<float>::max();
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; ++i) {
      const float d2 = square_of_distance(place_of(i), point);
      best = d2 < best2 ? members_[i] : best;
      best2 = std::min(best2, d2);
    }
  }
  return best;
}

/// Whether a point is near to the mesh at any of the members. If not, far_ has what is around `best`.
bool BoundCheck::is_near_any(const SimplifiedMesh& mesh, const Vec3& point, std::size_t begin, std::uint32_t best) {
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; ++i)
      if (distance2_to_input(mesh, point, members_[i]) <= bound_ * bound_) return true;
  }
  mesh.table.visit_first_triangles(best, [&](std::uint32_t number) {
    far_.insert(far_.end(), mesh.input[number].begin(), mesh.input[number].end());
  });
  return false;
}

/// The squared distance of a point to the triangles that a vertex of the input had.
float BoundCheck::distance2_to_input(const SimplifiedMesh& mesh, const Vec3& point, std::uint32_t vertex) const {
  float best2 = std::numeric_limits<float>::max();
  mesh.table.visit_first_triangles(vertex, [&](std::uint32_t number) {
    const auto& t = mesh.input[number];
    const Vec3& corner = mesh.origins[t[0]];
    const Vec3 p = point - corner;
    best2 =
        std::min(best2, SeenTriangle(mesh.origins[t[1]] - corner, mesh.origins[t[2]] - corner).distance2(p, dot(p, p)));
  });
  return best2;
}

}  // namespace ngforge
