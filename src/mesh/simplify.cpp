// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "mesh/simplify_scratch.h"
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
/// How many vertices ahead memory is asked for.
constexpr std::uint32_t kAhead = 8;
/// While a mesh is fine and the error decides where to end, vertices are paired as they come, in passes with these
/// parts of the greatest cost: what cheap collapses come first makes little difference in the end, and neither a queue
/// nor the costs of all edges are needed, nor to look how far vertices of the mesh are: their lift is small. Where a
/// number of triangles is the end, it makes a difference.
constexpr std::array<float, 3> kPairingPasses = {1.F / 4, 1.F / 4, 1.F / 2};

}  // namespace

Float3 Simplifier::Scratch::to_lengths(const std::array<float, 3>& position) const {
  Float3 lengths;
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
  Float3 lower = mesh.positions[0];
  Float3 upper = lower;
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
  places.resize(count);
  input_vertices.resize(count);
  marks.assign(count, 0);
  mark = 0;
  is_kept.resize(count, 0);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t original = i < originals ? i : table.copies()[i - originals];
    VertexRole role = contours.roles.empty() ? VertexRole::free : contours.roles[original];
    if (i >= originals) role = vertices[original].role = VertexRole::locked;
    if (role == VertexRole::free && table.has_triangles(i) && table.is_open(i)) role = VertexRole::locked;
    if (role == VertexRole::free && is_kept[i] != 0) role = VertexRole::locked;
    places[i] = to_lengths(mesh.positions[original]);
    input_vertices[i] = {places[i], i};
    vertices[i] = {.role = role};
  }
}

void Simplifier::Scratch::add_quadrics() {
  input.clear();
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    const std::array<std::uint32_t, 3> v = {table.vertex(4 * t), table.vertex(4 * t + 1), table.vertex(4 * t + 2)};
    input.push_back(v);
    const Quadric plane = plane_of(v);
    for (const std::uint32_t i : v) vertices[i].quadric += plane;
  }
  for (std::uint32_t i = 0; i < vertices.size(); ++i) add_own_point(i);
}

void Simplifier::Scratch::add_own_point(std::uint32_t vertex) {
  Quadric& quadric = vertices[vertex].quadric;
  quadric.add_point(input_vertices[vertex].place, quadric.weight() * kPointWeight);
}

/// That of the plane of a triangle of the mesh, weighed by its area.
Quadric Simplifier::Scratch::plane_of(const std::array<std::uint32_t, 3>& triangle) const {
  const Float3& place = input_vertices[triangle[0]].place;
  const Float3 n = cross(input_vertices[triangle[1]].place - place, input_vertices[triangle[2]].place - place);
  const float length2 = dot(n, n);
  if (!(length2 > 0)) return Quadric{};
  const float length = std::sqrt(length2);
  return Quadric::plane({n[0] / length, n[1] / length, n[2] / length}, place, length);
}

/// What it costs to make one vertex of `a` and `b`, and where it would be. False if that is not to be.
bool Simplifier::Scratch::evaluate(std::uint32_t a, std::uint32_t b, float greatest_cost, float& cost,
                                   Float3& place) const {
  const VertexRole role_a = vertices[a].role;
  const VertexRole role_b = vertices[b].role;
  const Vertex& va = vertices[a];
  const Vertex& vb = vertices[b];
  const Float3& pa = places[a];
  const Float3& pb = places[b];
  Quadric sum = va.quadric;
  sum += vb.quadric;
  if (role_a == VertexRole::free && role_b == VertexRole::free) {
    const Float3 between = {(pa[0] + pb[0]) / 2, (pa[1] + pb[1]) / 2, (pa[2] + pb[2]) / 2};
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
  Float3 place;
  if (evaluate(a, b, greatest_mean2, cost, place)) queue.push(cost, a, b, vertices[a].stamp + vertices[b].stamp);
}

/// The link condition: the ends of the edge share no neighbours but the third vertices of the triangles at it.
bool Simplifier::Scratch::keeps_topology(std::uint32_t gone, std::uint32_t kept) const {
  unsigned common = 0;
  for (std::uint32_t i = 0; i < kept_ring.edge_count; ++i) {
    for (std::uint32_t k = 0; k < gone_ring.edge_count; ++k) common += kept_ring.vertices[i] == gone_ring.vertices[k];
  }
  if (vertices[gone].role == VertexRole::free) {
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
                                       const Float3& place, float& height2) {
  auto& [x, y, z] = seen_from_place;
  for (std::uint32_t i = 0; i <= ring.corner_count; ++i) {
    const Float3& p = places[ring.vertices[i]];
    x[i] = p[0] - place[0];
    y[i] = p[1] - place[1];
    z[i] = p[2] - place[2];
  }
  const Float3 from = places[vertex] - place;
  const Int4 count = Int4{} + static_cast<std::int32_t>(ring.corner_count);
  Float4 most2 = all4(height2);
  for (std::uint32_t i = 0; i < ring.corner_count; i += 4) {
    const FourPoints a = {load4(&x[i]), load4(&y[i]), load4(&z[i])};
    const FourPoints b = {load4(&x[i + 1]), load4(&y[i + 1]), load4(&z[i + 1])};
    const FourPoints before = cross(a - from, b - from);
    const FourPoints after = cross(a, b);
    const Float4 before2 = dot(before, before);
    const Float4 height = dot(before, from);
    const Float4 along = dot(after, before);
    const Int4 is_there = Int4{0, 1, 2, 3} + static_cast<std::int32_t>(i) < count;
    const Float4 heights2 = height * height / before2;
    most2 = is_there & (heights2 > most2) ? heights2 : most2;
    const Int4 stays = (along > 0) & (along * along > kLeastCosine2 * dot(after, after) * before2);
    const Int4 turns = is_there & ~stays;
    for (std::uint32_t lane = 0; is_any(turns) && lane < 4; ++lane) {
      if (turns[lane] != 0 && ring.vertices[i + lane] != other && ring.vertices[i + lane + 1] != other) return false;
    }
  }
  height2 = std::max({most2[0], most2[1], most2[2], most2[3]});
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
bool Simplifier::Scratch::stays_near(std::uint32_t gone, std::uint32_t kept, const Float3& place, float& reach) {
  fan.start(place);
  add_to_fan(gone_ring, kept);
  add_to_fan(kept_ring, gone);
  const float bound2 = greatest_reach * greatest_reach;
  const float enough2 = bound2 / 4;
  Float4 worst2 = {};
  // Lanes that are left at the end have points that were looked at before.
  FourPoints points = FourPoints::all(input_vertices[gone].place);
  const auto are_near = [&] {
    worst2 = max4(worst2, fan.distances2(points, enough2));
    return !is_any(worst2 > bound2);
  };
  std::size_t lane = 0;
  for (const std::uint32_t start : {gone, kept}) {
    std::uint32_t member = start;
    do {
      points.set(lane, input_vertices[member].place);
      member = input_vertices[member].next;
      lane = (lane + 1) % 4;
      if (lane == 0 && !are_near()) return false;
    } while (member != start);
  }
  if (lane != 0 && !are_near()) return false;
  reach = std::sqrt(std::max({worst2[0], worst2[1], worst2[2], worst2[3]}));
  return true;
}

/// Makes one vertex of two. Takes the ring of `gone` from gone_ring, and leaves the other in kept_ring. `looks`:
/// whether it is known how far the mesh is then.
bool Simplifier::Scratch::collapse(std::uint32_t gone, std::uint32_t kept, const Float3& place, bool looks) {
  if (!table.ring(kept, kept_ring) || !keeps_topology(gone, kept)) return false;
  const bool moves = vertices[kept].role == VertexRole::free;
  float height2 = 0;
  if (!turns_little(gone, gone_ring, kept, place, height2)) return false;
  if (moves && !turns_little(kept, kept_ring, gone, place, height2)) return false;
  const float height = std::sqrt(height2);
  const float lift = std::max(vertices[gone].lift, vertices[kept].lift) + height;
  if (lift > greatest_lift) return false;
  float reach = std::max(vertices[gone].reach, vertices[kept].reach) + height;
  if (looks && reach > greatest_reach && !stays_near(gone, kept, place, reach)) return false;
  if (moves) {
    places[kept] = place;
    vertices[kept].has_moved = true;
  }
  triangles_left -= table.collapse(gone, kept, gone_ring, kept_ring);
  Vertex& vertex = vertices[kept];
  vertex.quadric += vertices[gone].quadric;
  vertex.lift = lift;
  vertex.reach = reach;
  ++vertex.stamp;
  ++vertices[gone].stamp;
  std::swap(input_vertices[gone].next, input_vertices[kept].next);
  return true;
}

void Simplifier::Scratch::pair_up(float greatest_cost) {
  ++pass;
  for (std::uint32_t vertex = 0; vertex < vertices.size(); ++vertex) {
    if (vertex + kAhead < vertices.size()) table.prefetch(vertex + kAhead);
    if (!table.has_triangles(vertex)) continue;
    if (vertices[vertex].pass == pass || vertices[vertex].role != VertexRole::free) continue;
    if (!table.ring(vertex, gone_ring)) continue;
    for (std::uint32_t i = 0; i < gone_ring.edge_count; ++i) {
      const std::uint32_t partner = gone_ring.vertices[i];
      float cost;
      Float3 place;
      if (vertices[partner].pass == pass || !evaluate(vertex, partner, greatest_cost, cost, place)) continue;
      if (collapse(vertex, partner, place, false)) vertices[partner].pass = pass;
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
  run_queue(wanted_triangles, nullptr);
}

/// Appends the vertices around each collapse to `touched`, if that is wanted.
void Simplifier::Scratch::run_queue(std::size_t wanted_triangles, std::vector<std::uint32_t>* touched) {
  Candidate candidate;
  while (triangles_left > wanted_triangles && queue.pop(candidate)) {
    auto [gone, kept] = std::pair(candidate.a, candidate.b);
    if (const Candidate* const next = queue.peek()) {
      for (const std::uint32_t vertex : {next->a, next->b}) {
        __builtin_prefetch(&vertices[vertex]);
        table.prefetch(vertex);
      }
    }
    if (vertices[gone].stamp + vertices[kept].stamp != candidate.stamp) continue;
    if (vertices[gone].role > vertices[kept].role) std::swap(gone, kept);
    float cost;
    Float3 place;
    if (!evaluate(gone, kept, greatest_mean2, cost, place) || !table.ring(gone, gone_ring)) continue;
    if (!collapse(gone, kept, place, true)) continue;
    consider_all_of(kept);
    if (touched == nullptr) continue;
    for (const CornerTable::Ring* ring : {&gone_ring, &kept_ring})
      touched->insert(touched->end(), ring->vertices.begin(), ring->vertices.begin() + ring->edge_count);
  }
}

void Simplifier::Scratch::run(const Contours& contours, std::size_t wanted_triangles) {
  pass = 0;
  if (wanted_triangles == 0) {
    for (const float part : kPairingPasses) pair_up(greatest_mean2 * part);
  }
  queue_up(wanted_triangles);
  move_contours(contours);
}

void Simplifier::Scratch::move_contours(const Contours& contours) {
  for (const auto& [vertex, place] : contours.moves) {
    if (!table.has_triangles(vertex) || vertices[vertex].role != VertexRole::sliding) continue;
    places[vertex] = to_lengths(place);
    vertices[vertex].has_moved = true;
  }
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
        for (std::size_t axis = 0; vertices[v].has_moved && axis < 3; ++axis) {
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
  scratch_->load(mesh, contours, target);
  scratch_->run(contours, target.triangles);
  scratch_->hold_bound(mesh, contours, target);
  scratch_->store(mesh);
}

}  // namespace ngforge
