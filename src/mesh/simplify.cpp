// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "mesh/simplify_bound.h"
#include "mesh/simplify_fan.h"
#include "mesh/simplify_quadric.h"
#include "mesh/simplify_queue.h"
#include "mesh/simplify_topology.h"
#include "ngforge/error.h"

namespace ngforge {
namespace {

constexpr std::uint32_t kNone = CornerTable::kNone;

/// A point's part of each vertex's quadric: small against the planes', but it makes every quadric definite, keeps
/// vertices of flat regions together and prefers short edges there.
constexpr float kPointWeight = 1e-3F;
/// The root of the mean squared distance to planes that a collapse may have, in parts of the error bound.
constexpr float kMeanToBound = 0.5F;
/// How far the vertices of the mesh may be from the triangles around the one they became part of, in parts of the error
/// bound. Triangles beside those change as well, and nobody looks again.
constexpr float kLookToBound = 0.9F;
/// How far a triangle may turn in one collapse: the cosine's square.
constexpr float kLeastCosine2 = 0.04F;
/// How far a vertex may be lifted off planes in all its collapses together, in parts of the error bound. Measured: with
/// it both distances, from the mesh to the result and back, keep to the bound.
constexpr float kLiftToBound = 1.8F;
/// What lies between the points looked at may be farther by this part of a voxel.
constexpr float kMargin = 1.F / 32;
/// While a mesh is fine, vertices are paired as they come, in passes with these parts of the greatest cost: what cheap
/// collapses come first makes no difference in the end, and neither a queue nor the costs of all edges are needed.
constexpr std::array<float, 5> kPairingPasses = {1.F / 8, 1.F / 8, 1.F / 4, 1.F / 4, 1.F / 2};

}  // namespace

struct Simplifier::Scratch {
  struct alignas(64) Vertex {
    Quadric quadric;
    std::uint32_t stamp;  // grows when it changes
    /// The sum of the heights that the vertex was lifted in collapses; and at the last look at them how far the
    /// vertices of the mesh that have become part of this one were from the triangles around it, and the heights since.
    float lift;
    float reach;
  };
  struct State {
    VertexRole role;
    bool has_moved;
    std::uint8_t pass;  // the last one in which the vertex took part
  };
  void load(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target);
  void load_vertices(const Mesh& mesh, const Contours& contours);
  void add_quadrics();
  void run(const Contours& contours, std::size_t wanted_triangles);
  bool keep_far_vertices();
  void pair_up(float greatest_cost, std::size_t wanted_triangles);
  void queue_up(std::size_t wanted_triangles);
  void store(Mesh& mesh) const;

  Vec3 to_lengths(const std::array<float, 3>& position) const;
  bool evaluate(std::uint32_t a, std::uint32_t b, float greatest_cost, float& cost, Vec3& place) const;
  void consider(std::uint32_t a, std::uint32_t b);
  void consider_all_of(std::uint32_t kept);
  bool collapse(std::uint32_t gone, std::uint32_t kept, const Vec3& place);
  bool keeps_topology(std::uint32_t gone, std::uint32_t kept) const;
  bool turns_little(std::uint32_t vertex, const CornerTable::Ring& ring, std::uint32_t other, const Vec3& place,
                    float& height2);
  bool stays_near(std::uint32_t gone, std::uint32_t kept, const Vec3& place, float& reach);
  void add_to_fan(const CornerTable::Ring& ring, std::uint32_t other);

  CornerTable table;
  std::vector<Vertex> vertices;
  std::vector<State> states;
  std::vector<Vec3> places;                // nm, from the middle of the mesh
  std::vector<Vec3> origins;               // where each vertex was in the beginning
  std::vector<std::uint32_t> next_member;  // circles of vertices that have become one
  std::vector<std::array<std::uint32_t, 3>> input;
  std::vector<std::uint8_t> is_kept;  // vertices around which the bound was not held
  BoundCheck bound_check;
  std::vector<std::uint32_t> marks;
  std::uint32_t mark = 0;
  std::uint8_t pass = 0;
  CandidateQueue queue;
  CornerTable::Ring gone_ring;
  CornerTable::Ring kept_ring;
  Fan fan;
  std::array<std::array<float, CornerTable::kMostEdges + 4>, 3> seen_from_place = {};
  std::array<float, CornerTable::kMostEdges + 4> heights2;
  std::array<float, CornerTable::kMostEdges + 4> cosines2;
  std::size_t triangles_left = 0;
  float bound = 0;
  float greatest_mean2 = 0;
  float greatest_reach = 0;
  float greatest_lift = 0;
  Vec3 middle = {};
  /// Of a unit of the positions. The unit of lengths is a power of two nanometres, about the longest side of a voxel:
  /// eighth powers of lengths are taken, as float32, and those of a millimetre in nanometres leave its range.
  std::array<double, 3> voxel_lengths = {};
};

Vec3 Simplifier::Scratch::to_lengths(const std::array<float, 3>& position) const {
  Vec3 lengths;
  for (std::size_t i = 0; i < 3; ++i) lengths[i] = static_cast<float>((position[i] - middle[i]) * voxel_lengths[i]);
  return lengths;
}

void Simplifier::Scratch::load(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target) {
  const int unit = std::ilogb(*std::ranges::max_element(target.voxel_nm));
  for (std::size_t i = 0; i < 3; ++i) voxel_lengths[i] = std::ldexp(target.voxel_nm[i], -unit);
  bound = static_cast<float>(std::ldexp(target.max_error_nm, -unit));
  greatest_mean2 = bound * bound * (kMeanToBound * kMeanToBound);
  greatest_reach = bound * kLookToBound;
  greatest_lift = bound * kLiftToBound;
  Vec3 lower = mesh.positions[0];
  Vec3 upper = lower;
  for (const auto& p : mesh.positions) {
    for (std::size_t i = 0; i < 3; ++i) {
      lower[i] = std::min(lower[i], p[i]);
      upper[i] = std::max(upper[i], p[i]);
    }
  }
  for (std::size_t i = 0; i < 3; ++i) middle[i] = (lower[i] + upper[i]) / 2;
  table.build(mesh);
  triangles_left = table.triangle_count();
  load_vertices(mesh, contours);
  add_quadrics();
}

void Simplifier::Scratch::load_vertices(const Mesh& mesh, const Contours& contours) {
  const std::size_t originals = mesh.positions.size();
  const std::size_t count = table.vertex_count();
  vertices.resize(count);
  states.resize(count);
  places.resize(count);
  origins.resize(count);
  next_member.resize(count);
  marks.assign(count, 0);
  mark = 0;
  is_kept.resize(count, 0);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t original = i < originals ? i : table.copies()[i - originals];
    VertexRole role = contours.roles.empty() ? VertexRole::free : contours.roles[original];
    if (i >= originals) role = states[original].role = VertexRole::locked;
    if (role == VertexRole::free && table.has_triangles(i) && table.is_open(i)) role = VertexRole::locked;
    if (role == VertexRole::free && is_kept[i] != 0) role = VertexRole::locked;
    origins[i] = to_lengths(mesh.positions[original]);
    places[i] = origins[i];
    vertices[i] = Vertex{};
    states[i] = {role, false, 0};
    next_member[i] = i;
  }
}

void Simplifier::Scratch::add_quadrics() {
  input.clear();
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    const std::array<std::uint32_t, 3> v = {table.vertex(4 * t), table.vertex(4 * t + 1), table.vertex(4 * t + 2)};
    input.push_back(v);
    const Vec3& place = origins[v[0]];
    const Vec3 n = cross(origins[v[1]] - place, origins[v[2]] - place);
    const float length2 = dot(n, n);
    if (!(length2 > 0)) continue;
    const float length = std::sqrt(length2);
    const Vec3 unit = {n[0] / length, n[1] / length, n[2] / length};
    const Quadric plane = Quadric::plane(unit, place, length);
    for (const std::uint32_t i : v) vertices[i].quadric += plane;
  }
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    Quadric& quadric = vertices[i].quadric;
    quadric.add_point(origins[i], quadric.weight() * kPointWeight);
  }
}

/// What it costs to make one vertex of `a` and `b`, and where it would be. False if that is not to be.
bool Simplifier::Scratch::evaluate(std::uint32_t a, std::uint32_t b, float greatest_cost, float& cost,
                                   Vec3& place) const {
  const VertexRole role_a = states[a].role;
  const VertexRole role_b = states[b].role;
  const Vertex& va = vertices[a];
  const Vertex& vb = vertices[b];
  const Vec3& pa = places[a];
  const Vec3& pb = places[b];
  Quadric sum = va.quadric;
  sum += vb.quadric;
  if (role_a == VertexRole::free && role_b == VertexRole::free) {
    const Vec3 between = {(pa[0] + pb[0]) / 2, (pa[1] + pb[1]) / 2, (pa[2] + pb[2]) / 2};
    cost = std::max(sum.minimum(between, place), 0.0F) / sum.weight();
    return cost <= greatest_cost;
  }
  if (role_a == VertexRole::locked && role_b == VertexRole::locked) return false;
  place = role_a > role_b ? pa : pb;
  cost = std::max(sum.at(place), 0.0F) / sum.weight();
  if (role_a == VertexRole::free || role_b == VertexRole::free) return cost <= greatest_cost;
  // Along a contour the curve has been decided: at the worst it is done last.
  cost = std::min(cost, greatest_cost);
  return true;
}

void Simplifier::Scratch::consider(std::uint32_t a, std::uint32_t b) {
  float cost;
  Vec3 place;
  if (evaluate(a, b, greatest_mean2, cost, place)) queue.push(cost, a, b, vertices[a].stamp + vertices[b].stamp);
}

/// The link condition: the ends of the edge share no neighbours but the third vertices of the triangles at it.
bool Simplifier::Scratch::keeps_topology(std::uint32_t gone, std::uint32_t kept) const {
  unsigned common = 0;
  for (std::uint32_t i = 0; i < kept_ring.edge_count; ++i) {
    for (std::uint32_t k = 0; k < gone_ring.edge_count; ++k) common += kept_ring.vertices[i] == gone_ring.vertices[k];
  }
  if (states[gone].role == VertexRole::free) {
    // Both of valence three: a tetrahedron.
    return common == 2 && (gone_ring.corner_count > 3 || kept_ring.corner_count > 3);
  }
  // Along an open edge, which is the first or the last of each ring. A triangle alone stays.
  const bool is_along = (gone_ring.vertices[0] == kept) != (gone_ring.vertices[gone_ring.corner_count] == kept);
  return gone_ring.is_open() && is_along && common == 1 && (gone_ring.corner_count > 1 || kept_ring.corner_count > 1);
}

/// Whether no triangle at `vertex` turns over when it goes to `place`, but for those that go with `other`. `height2`
/// grows to the squared distance of `place` to the planes of all of them.
bool Simplifier::Scratch::turns_little(std::uint32_t vertex, const CornerTable::Ring& ring, std::uint32_t other,
                                       const Vec3& place, float& height2) {
  auto& [x, y, z] = seen_from_place;
  for (std::uint32_t i = 0; i <= ring.corner_count; ++i) {
    const Vec3& p = places[ring.vertices[i]];
    x[i] = p[0] - place[0];
    y[i] = p[1] - place[1];
    z[i] = p[2] - place[2];
  }
  const Vec3 from = places[vertex] - place;
  // Whole registers; what lies behind the last triangle is not looked at.
  const std::uint32_t whole = (ring.corner_count + 3) & ~3U;
  for (std::uint32_t i = 0; i < whole; ++i) {
    const Vec3 a = {x[i], y[i], z[i]};
    const Vec3 b = {x[i + 1], y[i + 1], z[i + 1]};
    const Vec3 before = cross(a - from, b - from);
    const Vec3 after = cross(a, b);
    const float before2 = dot(before, before);
    const float height = dot(before, from);
    const float along = dot(after, before);
    heights2[i] = height * height / before2;
    cosines2[i] = along * std::abs(along) - kLeastCosine2 * dot(after, after) * before2;
  }
  for (std::uint32_t i = 0; i < ring.corner_count; ++i) {
    if (heights2[i] > height2) height2 = heights2[i];
    if (!(cosines2[i] > 0) && ring.vertices[i] != other && ring.vertices[i + 1] != other) return false;
  }
  return true;
}

void Simplifier::Scratch::add_to_fan(const CornerTable::Ring& ring, std::uint32_t other) {
  for (std::uint32_t i = 0; i < ring.corner_count; ++i) {
    if (ring.vertices[i] == other || ring.vertices[i + 1] == other) continue;
    fan.add(places[ring.vertices[i]], places[ring.vertices[i + 1]]);
  }
}

/// Whether all vertices that have become part of `gone` or `kept` are within the bound of the triangles around the new
/// vertex; `reach` is then how far.
bool Simplifier::Scratch::stays_near(std::uint32_t gone, std::uint32_t kept, const Vec3& place, float& reach) {
  fan.start(place);
  add_to_fan(gone_ring, kept);
  add_to_fan(kept_ring, gone);
  const float bound2 = greatest_reach * greatest_reach;
  const float enough2 = bound2 / 4;
  float worst2 = 0;
  for (const std::uint32_t start : {gone, kept}) {
    std::uint32_t member = start;
    do {
      const float d2 = fan.distance2(origins[member], enough2);
      if (d2 > bound2) return false;
      worst2 = std::max(worst2, d2);
      member = next_member[member];
    } while (member != start);
  }
  reach = std::sqrt(worst2);
  return true;
}

/// Makes one vertex of two. Takes the ring of `gone` from gone_ring, and leaves the other in kept_ring.
bool Simplifier::Scratch::collapse(std::uint32_t gone, std::uint32_t kept, const Vec3& place) {
  if (!table.ring(kept, kept_ring) || !keeps_topology(gone, kept)) return false;
  const bool moves = states[kept].role == VertexRole::free;
  float height2 = 0;
  if (!turns_little(gone, gone_ring, kept, place, height2)) return false;
  if (moves && !turns_little(kept, kept_ring, gone, place, height2)) return false;
  const float height = std::sqrt(height2);
  const float lift = std::max(vertices[gone].lift, vertices[kept].lift) + height;
  if (lift > greatest_lift) return false;
  float reach = std::max(vertices[gone].reach, vertices[kept].reach) + height;
  if (reach > greatest_reach && !stays_near(gone, kept, place, reach)) return false;
  if (moves) {
    places[kept] = place;
    states[kept].has_moved = true;
  }
  triangles_left -= table.collapse(gone, kept, gone_ring, kept_ring);
  Vertex& vertex = vertices[kept];
  vertex.quadric += vertices[gone].quadric;
  vertex.lift = lift;
  vertex.reach = reach;
  ++vertex.stamp;
  ++vertices[gone].stamp;
  std::swap(next_member[gone], next_member[kept]);
  return true;
}

void Simplifier::Scratch::pair_up(float greatest_cost, std::size_t wanted_triangles) {
  ++pass;
  for (std::uint32_t vertex = 0; vertex < vertices.size() && triangles_left > wanted_triangles; ++vertex) {
    const State& state = states[vertex];
    if (state.pass == pass || state.role != VertexRole::free || !table.has_triangles(vertex)) continue;
    if (!table.ring(vertex, gone_ring)) continue;
    for (std::uint32_t i = 0; i < gone_ring.edge_count; ++i) {
      const std::uint32_t partner = gone_ring.vertices[i];
      float cost;
      Vec3 place;
      if (states[partner].pass == pass || !evaluate(vertex, partner, greatest_cost, cost, place)) continue;
      if (collapse(vertex, partner, place)) states[partner].pass = pass;
      break;
    }
  }
}

void Simplifier::Scratch::consider_all_of(std::uint32_t kept) {
  ++mark;
  marks[kept] = mark;
  for (const CornerTable::Ring* ring : {&gone_ring, &kept_ring}) {
    for (std::uint32_t i = 0; i < ring->edge_count; ++i) {
      const std::uint32_t neighbour = ring->vertices[i];
      if (std::exchange(marks[neighbour], mark) != mark && table.has_triangles(neighbour)) consider(kept, neighbour);
    }
  }
}

void Simplifier::Scratch::queue_up(std::size_t wanted_triangles) {
  queue.start(greatest_mean2);
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    if (table.is_gone(t)) continue;
    for (std::uint32_t corner = 4 * t; corner < 4 * t + 3; ++corner) {
      const std::uint32_t from = table.vertex(CornerTable::next(corner));
      const std::uint32_t to = table.vertex(CornerTable::previous(corner));
      if (from < to || table.opposite(corner) == kNone) consider(from, to);
    }
  }
  Candidate candidate;
  while (triangles_left > wanted_triangles && queue.pop(candidate)) {
    auto [gone, kept] = std::pair(candidate.a, candidate.b);
    if (vertices[gone].stamp + vertices[kept].stamp != candidate.stamp) continue;
    if (states[gone].role > states[kept].role) std::swap(gone, kept);
    float cost;
    Vec3 place;
    if (!evaluate(gone, kept, greatest_mean2, cost, place) || !table.ring(gone, gone_ring)) continue;
    if (collapse(gone, kept, place)) consider_all_of(kept);
  }
}

void Simplifier::Scratch::run(const Contours& contours, std::size_t wanted_triangles) {
  pass = 0;
  for (const float part : kPairingPasses) pair_up(greatest_mean2 * part, wanted_triangles);
  queue_up(wanted_triangles);
  for (const auto& [vertex, place] : contours.moves) {
    if (!table.has_triangles(vertex) || states[vertex].role != VertexRole::sliding) continue;
    places[vertex] = to_lengths(place);
    states[vertex].has_moved = true;
  }
}

/// Marks vertices where the result or the mesh are farther than the bound from the other. False if there are none but
/// such as were marked, and for bounds of a voxel or more, for which it is not worth its time.
bool Simplifier::Scratch::keep_far_vertices() {
  const auto [shortest, longest] = std::ranges::minmax(voxel_lengths);
  if (bound >= static_cast<float>(longest)) return false;
  const auto voxel = static_cast<float>(shortest);
  bool is_new = false;
  const SimplifiedMesh simplified{table, input, origins, places, next_member};
  for (const std::uint32_t vertex : bound_check.find_far(simplified, bound - std::min(bound, voxel) * kMargin, voxel))
    is_new |= std::exchange(is_kept[vertex], 1) == 0;
  return is_new;
}

void Simplifier::Scratch::store(Mesh& mesh) const {
  const std::size_t originals = mesh.positions.size();
  std::vector<std::uint32_t> new_index(vertices.size(), kNone);
  std::vector<std::array<float, 3>> positions;
  std::size_t kept = 0;
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    if (table.is_gone(t)) continue;
    auto& triangle = mesh.triangles[kept++];
    for (std::uint32_t i = 0; i < 3; ++i) {
      const std::uint32_t v = table.vertex(4 * t + i);
      if (new_index[v] == kNone) {
        new_index[v] = static_cast<std::uint32_t>(positions.size());
        auto& position = positions.emplace_back(mesh.positions[v < originals ? v : table.copies()[v - originals]]);
        for (std::size_t axis = 0; states[v].has_moved && axis < 3; ++axis) {
          position[axis] = static_cast<float>(places[v][axis] / voxel_lengths[axis] + middle[axis]);
        }
      }
      triangle[i] = new_index[v];
    }
  }
  mesh.triangles.resize(kept);
  mesh.positions = std::move(positions);
}

Simplifier::Simplifier() : scratch_(std::make_unique<Scratch>()) {}
Simplifier::~Simplifier() = default;

void Simplifier::simplify(Mesh& mesh, const Contours& contours, const SimplifyTarget& target) {
  NGFORGE_ASSERT(contours.roles.empty() || contours.roles.size() == mesh.positions.size());
  if (mesh.triangles.empty()) {
    mesh.positions.clear();
    return;
  }
  scratch_->is_kept.clear();
  do {
    scratch_->load(mesh, contours, target);
    scratch_->run(contours, target.triangles);
  } while (scratch_->keep_far_vertices());
  scratch_->store(mesh);
}

}  // namespace ngforge
