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
/// The distance to the mesh grows at most by so much of the way: both run along each other.
constexpr float kSlope = 1.F / 3;
/// That to the nearest vertex of the mesh, which is farther than what lies between vertices, by less.
constexpr float kVertexSlope = 1.F / 6;
/// Between vertices of the mesh nothing is far where they are within this part of the bound.
constexpr float kClose = 0.85F;
/// How far to look for the result, in triangles from the vertex that a vertex has become.
constexpr std::size_t kWiderRings = 3;
/// Fewer members than these are not sorted out when a triangle is cut.
constexpr std::size_t kFewMembers = 96;
/// Members are looked at by fours; the last fills the last four up.
constexpr std::size_t kAtOnce = 4;

Float3 middle_of(const std::array<Float3, 3>& c) {
  constexpr float kThird = 1.F / 3;
  return {(c[0][0] + c[1][0] + c[2][0]) * kThird, (c[0][1] + c[1][1] + c[2][1]) * kThird,
          (c[0][2] + c[1][2] + c[2][2]) * kThird};
}

Float3 between(const Float3& a, const Float3& b) {
  return {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2};
}

float square_of_distance(const Float3& a, const Float3& b) {
  const Float3 d = a - b;
  return dot(d, d);
}

float radius_of(const std::array<Float3, 3>& corners, const Float3& middle) {
  return std::sqrt(std::max({square_of_distance(corners[0], middle), square_of_distance(corners[1], middle),
                             square_of_distance(corners[2], middle)}));
}

/// Two triangles, cut apart through the middle of the longest side.
std::array<std::array<Float3, 3>, 2> halves(const std::array<Float3, 3>& c) {
  const std::array<float, 3> sides2 = {square_of_distance(c[1], c[2]), square_of_distance(c[2], c[0]),
                                       square_of_distance(c[0], c[1])};
  const auto i = static_cast<std::size_t>(std::max_element(sides2.begin(), sides2.end()) - sides2.begin());
  const Float3 &a = c[i], &b = c[(i + 1) % 3], &d = c[(i + 2) % 3];
  const Float3 middle = between(b, d);
  return {{{a, b, middle}, {a, middle, d}}};
}

}  // namespace

void BoundCheck::start(float bound, float voxel) {
  bound_ = bound;
  voxel_ = voxel;
  resize_lists(0);
}

const std::vector<std::uint32_t>& BoundCheck::find_far(const SimplifiedMesh& mesh,
                                                       std::span<const std::uint32_t> vertices) {
  far_.clear();
  members_of_.resize(mesh.vertices.size());
  triangles_.clear();
  is_looked_at_.resize(mesh.vertices.size());
  for (const std::uint32_t vertex : vertices) {
    list_members(mesh, vertex);
    if (!mesh.table.ring(vertex, ring_)) continue;
    list_triangles();
    is_looked_at_[vertex] = 1;
    const bool is_alone = mesh.vertices[vertex].next == vertex && mesh.places[vertex] == mesh.vertices[vertex].place;
    if (!is_alone) check_members(mesh, vertex);
  }
  for (const std::uint32_t vertex : vertices) is_looked_at_[vertex] = 0;
  for (const std::uint32_t triangle : triangles_) check_triangle(mesh, triangle);
  return far_;
}

/// Lists the triangles around a vertex, with ring_ around it, that have not been listed at another.
void BoundCheck::list_triangles() {
  for (std::uint32_t i = 0; i < ring_.corner_count; ++i) {
    const bool is_listed = is_looked_at_[ring_.vertices[i]] != 0 || is_looked_at_[ring_.vertices[i + 1]] != 0;
    if (!is_listed) triangles_.push_back(ring_.corners[i] >> 2);
  }
}

void BoundCheck::add_member(const Float3& place, std::uint32_t member) {
  x_.push_back(place[0]);
  y_.push_back(place[1]);
  z_.push_back(place[2]);
  members_.push_back(member);
}

void BoundCheck::end_range() {
  while (members_.size() % kAtOnce != 0) add_member(place_of(members_.size() - 1), members_.back());
}

/// Lists the vertices of the mesh that have become this one.
void BoundCheck::list_members(const SimplifiedMesh& mesh, std::uint32_t vertex) {
  const std::size_t begin = members_.size();
  std::uint32_t member = vertex;
  do {
    add_member(mesh.vertices[member].place, member);
    member = mesh.vertices[member].next;
  } while (member != vertex);
  end_range();
  members_of_[vertex] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(members_.size())};
}

/// Begins with the triangles around a vertex, those of ring_.
void BoundCheck::start_fan(const SimplifiedMesh& mesh, std::uint32_t vertex, Fan& fan) const {
  fan.start(mesh.places[vertex]);
  for (std::uint32_t i = 0; i < ring_.corner_count; ++i)
    fan.add(mesh.places[ring_.vertices[i]], mesh.places[ring_.vertices[i + 1]]);
}

/// Looks at the vertices that have become this one, with ring_ around it, and what lies between them and others.
void BoundCheck::check_members(const SimplifiedMesh& mesh, std::uint32_t vertex) {
  start_fan(mesh, vertex, fan_);
  const float bound2 = bound_ * bound_;
  const float close2 = bound2 * (kClose * kClose);
  for (std::size_t i = members_of_[vertex].begin; i < members_of_[vertex].end; i += kAtOnce) {
    const Float4 d2 = fan_.distances2(places_of(i), close2);
    if (!is_any(d2 > close2)) continue;
    for (std::size_t lane = 0; lane < kAtOnce; ++lane) {
      if (d2[lane] > bound2 && !is_near_around(mesh, place_of(i + lane), vertex)) far_.push_back(members_[i + lane]);
      if (d2[lane] > close2) check_input_at(mesh, members_[i + lane], vertex);
    }
  }
}

/// Looks at the middles of triangles of the mesh and of their sides at a vertex of the mesh. fan_ is that of `vertex`.
void BoundCheck::check_input_at(const SimplifiedMesh& mesh, std::uint32_t member, std::uint32_t vertex) {
  mesh.table.visit_first_triangles(member, [&](std::uint32_t number) {
    const auto& t = mesh.input[number];
    const Corners c = {mesh.vertices[t[0]].place, mesh.vertices[t[1]].place, mesh.vertices[t[2]].place};
    const std::array<Float3, 4> points = {between(c[0], c[1]), between(c[1], c[2]), between(c[2], c[0]), middle_of(c)};
    FourPoints four;
    for (std::size_t lane = 0; lane < points.size(); ++lane) four.set(lane, points[lane]);
    const Float4 d2 = fan_.distances2(four, bound_ * bound_);
    for (std::size_t lane = 0; lane < 4; ++lane) {
      if (d2[lane] > bound_ * bound_ && !is_near_around(mesh, points[lane], vertex))
        far_.insert(far_.end(), t.begin(), t.end());
    }
  });
}

/// Whether a point is near to the result some triangles around a vertex, but not at the vertex itself.
bool BoundCheck::is_near_around(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex) {
  around_.assign(1, vertex);
  for (std::size_t ring = 0, begin = 0; ring < kWiderRings; ++ring) {
    const std::size_t end = around_.size();
    add_neighbours(mesh, begin, around_);
    begin = end;
    // Most often it is near at the nearest of them.
    const auto is_nearer = [&](std::uint32_t a, std::uint32_t b) {
      return square_of_distance(mesh.places[a], point) < square_of_distance(mesh.places[b], point);
    };
    std::sort(around_.begin() + static_cast<std::ptrdiff_t>(begin), around_.end(), is_nearer);
    for (std::size_t i = begin; i < around_.size(); ++i)
      if (is_near_at(mesh, point, around_[i])) return true;
  }
  return false;
}

bool BoundCheck::is_near_at(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex) {
  if (!mesh.table.ring(vertex, ring_)) return false;
  start_fan(mesh, vertex, other_fan_);
  return other_fan_.distances2(FourPoints::all(point), bound_ * bound_)[0] <= bound_ * bound_;
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

void BoundCheck::check_triangle(const SimplifiedMesh& mesh, std::uint32_t triangle) {
  around_ = {mesh.table.vertex(4 * triangle), mesh.table.vertex(4 * triangle + 1), mesh.table.vertex(4 * triangle + 2)};
  ranges_.clear();
  bool is_as_before = true;
  for (const std::uint32_t vertex : around_) {
    ranges_.push_back(members_of_[vertex]);
    is_as_before &= mesh.vertices[vertex].next == vertex && mesh.places[vertex] == mesh.vertices[vertex].place;
  }
  if (is_as_before) return;
  const Corners corners = {mesh.places[around_[0]], mesh.places[around_[1]], mesh.places[around_[2]]};
  is_widened_ = false;
  if (is_near_input(mesh, corners, 0)) return;
  is_widened_ = true;
  add_neighbours(mesh, 0, around_);
  for (std::size_t i = 3; i < around_.size(); ++i) ranges_.push_back(members_of_[around_[i]]);
  is_near_input(mesh, corners, 0);
}

/// Whether all of a triangle is near to the mesh, as the members in the ranges from `begin` on tell.
bool BoundCheck::is_near_input(const SimplifiedMesh& mesh, const Corners& corners, std::size_t begin) {
  const Float3 middle = middle_of(corners);
  const float radius = radius_of(corners, middle);
  const bool is_last = radius < voxel_ * kFine;
  const float enough = is_last ? bound_ : bound_ - radius * kSlope;
  if (enough > 0) {
    const auto [distance2, member] = find_nearest(middle, begin);
    const float enough_of_vertex = is_last ? bound_ : bound_ - radius * kVertexSlope;
    if (distance2 <= enough_of_vertex * enough_of_vertex) return true;
    if (distance2_to_input(mesh, middle, member, enough * enough) <= enough * enough) return true;
    if (is_last) return is_widened_ && is_near_any(mesh, middle, begin, member);
  }
  const std::size_t listed = members_.size(), ranges = ranges_.size();
  if (count_members(begin) > kFewMembers) begin = list_members_within(middle, radius + bound_ + voxel_, begin);
  const auto [one, other] = halves(corners);
  const bool is_near = is_near_input(mesh, one, begin) && is_near_input(mesh, other, begin);
  resize_lists(listed);
  ranges_.resize(ranges);
  return is_near;
}

std::size_t BoundCheck::count_members(std::size_t begin) const {
  std::size_t count = 0;
  for (std::size_t r = begin; r < ranges_.size(); ++r) count += ranges_[r].end - ranges_[r].begin;
  return count;
}

/// Lists the members that are near to a point once more, as one range: its number. `begin` if there are none.
std::size_t BoundCheck::list_members_within(const Float3& point, float distance, std::size_t begin) {
  const std::size_t first = members_.size();
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; ++i)
      if (square_of_distance(place_of(i), point) <= distance * distance) add_member(place_of(i), members_[i]);
  }
  if (members_.size() == first) return begin;
  end_range();
  ranges_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(members_.size())});
  return ranges_.size() - 1;
}

void BoundCheck::resize_lists(std::size_t size) {
  x_.resize(size);
  y_.resize(size);
  z_.resize(size);
  members_.resize(size);
}

BoundCheck::Nearest BoundCheck::find_nearest(const Float3& point, std::size_t begin) const {
  constexpr float kMost = std::numeric_limits<float>::max();
  Float4 best2 = all4(kMost);
  Int4 best = {0, 0, 0, 0};
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; i += kAtOnce) {
      const FourPoints d = places_of(i) - point;
      const Float4 d2 = dot(d, d);
      const Int4 is_less = d2 < best2;
      best2 = is_less ? d2 : best2;
      best = is_less ? Int4{} + static_cast<std::int32_t>(i) : best;
    }
  }
  std::size_t lane = 0;
  for (std::size_t i = 1; i < kAtOnce; ++i) lane = best2[i] < best2[lane] ? i : lane;
  return {best2[lane], members_[static_cast<std::size_t>(best[lane]) + lane]};
}

/// Whether a point is near to the mesh at any of the members. If not, far_ has what is around `best`.
bool BoundCheck::is_near_any(const SimplifiedMesh& mesh, const Float3& point, std::size_t begin, std::uint32_t best) {
  for (std::size_t r = begin; r < ranges_.size(); ++r) {
    for (std::size_t i = ranges_[r].begin; i < ranges_[r].end; ++i)
      if (distance2_to_input(mesh, point, members_[i], bound_ * bound_) <= bound_ * bound_) return true;
  }
  mesh.table.visit_first_triangles(best, [&](std::uint32_t number) {
    far_.insert(far_.end(), mesh.input[number].begin(), mesh.input[number].end());
  });
  return false;
}

/// The squared distance of a point to the triangles that a vertex of the input had if it is over `enough2`; else some
/// distance up to that to one.
float BoundCheck::distance2_to_input(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex,
                                     float enough2) {
  float best2 = std::numeric_limits<float>::max();
  mesh.table.visit_first_triangles(vertex, [&](std::uint32_t number) {
    if (best2 <= enough2) return;
    const auto& t = mesh.input[number];
    const Float3& corner = mesh.vertices[t[0]].place;
    const Float3 p = point - corner;
    best2 = std::min(
        best2,
        SeenTriangle(mesh.vertices[t[1]].place - corner, mesh.vertices[t[2]].place - corner).distance2(p, dot(p, p)));
  });
  return best2;
}

}  // namespace ngforge
