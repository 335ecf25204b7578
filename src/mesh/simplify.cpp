// SPDX-License-Identifier: Apache-2.0
#include "mesh/simplify.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "mesh/simplify_quadric.h"
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
/// How far a triangle may turn in one collapse: the cosine's square.
constexpr float kLeastCosine2 = 0.04F;

struct Candidate {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t stamp;  // the sum of both vertices' stamps: of another sum, the candidate is out of date
  std::uint32_t next;
};

/// Candidates by the logarithm of their cost, four classes to the octave; first in, first out within a class, which
/// spreads collapses of equal cost over the surface.
class CandidateQueue {
 public:
  void start(float greatest_cost) {
    lists_.fill({kNone, kNone});
    pool_.clear();
    free_ = kNone;
    lowest_ = kClasses;
    top_ = class_of_bits(greatest_cost);
  }

  void push(float cost, std::uint32_t a, std::uint32_t b, std::uint32_t stamp) {
    const std::uint32_t bits = class_of_bits(cost);
    const std::size_t index =
        bits + kClasses > top_ ? std::min<std::size_t>(bits + kClasses - 1 - top_, kClasses - 1) : 0;
    std::uint32_t entry = free_;
    if (entry == kNone) {
      entry = static_cast<std::uint32_t>(pool_.size());
      pool_.emplace_back();
    } else {
      free_ = pool_[entry].next;
    }
    pool_[entry] = {a, b, stamp, kNone};
    List& list = lists_[index];
    if (list.first == kNone) {
      list.first = entry;
    } else {
      pool_[list.last].next = entry;
    }
    list.last = entry;
    lowest_ = std::min(lowest_, index);
  }

  bool pop(Candidate& candidate) {
    while (lowest_ < kClasses && lists_[lowest_].first == kNone) ++lowest_;
    if (lowest_ == kClasses) return false;
    List& list = lists_[lowest_];
    const std::uint32_t entry = list.first;
    candidate = pool_[entry];
    list.first = candidate.next;
    pool_[entry].next = free_;
    free_ = entry;
    return true;
  }

 private:
  struct List {
    std::uint32_t first;
    std::uint32_t last;
  };
  static constexpr std::size_t kClasses = 96;

  static std::uint32_t class_of_bits(float cost) { return std::bit_cast<std::uint32_t>(cost) >> 21; }

  std::array<List, kClasses> lists_;
  std::vector<Candidate> pool_;
  std::uint32_t free_ = kNone;
  std::size_t lowest_ = kClasses;
  std::uint32_t top_ = 0;
};

}  // namespace

struct Simplifier::Scratch {
  struct alignas(64) Vertex {
    Quadric quadric;
    Vec3 place;  // nm, from the middle of the mesh
    std::uint32_t stamp;
    VertexRole role;
    bool has_moved;
  };

  void load(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target);
  void add_quadrics();
  void run(std::size_t wanted_triangles);
  void store(Mesh& mesh);

  bool evaluate(std::uint32_t a, std::uint32_t b, float& cost, Vec3& place) const;
  void consider(std::uint32_t a, std::uint32_t b);
  bool collapse(std::uint32_t gone, std::uint32_t kept, const Vec3& place);
  bool keeps_topology(std::uint32_t gone, std::uint32_t kept);
  bool keeps_directions(std::uint32_t corner, std::uint32_t other, const Vec3& place) const;
  void turn_triangles(const CornerTable::Ring& ring);
  Vec3 normal(std::uint32_t corner, const Vec3& place) const;

  CornerTable table;
  std::vector<Vertex> vertices;
  std::vector<Vec3> normals;  // of each triangle as it last was
  std::vector<std::uint32_t> marks;
  std::uint32_t mark = 0;
  CandidateQueue queue;
  CornerTable::Ring gone_ring;
  CornerTable::Ring kept_ring;
  std::vector<std::uint32_t> new_index;
  std::size_t triangles_left = 0;
  float limit2 = 0;
  Vec3 middle = {};
  std::array<double, 3> voxel_nm = {};
};

void Simplifier::Scratch::load(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target) {
  voxel_nm = target.voxel_nm;
  limit2 = static_cast<float>(target.max_error_nm * target.max_error_nm) * (kMeanToBound * kMeanToBound);
  table.build(mesh);
  triangles_left = table.triangle_count();
  Vec3 lower = mesh.positions[0];
  Vec3 upper = lower;
  for (const Vec3& p : mesh.positions) {
    for (std::size_t i = 0; i < 3; ++i) {
      lower[i] = std::min(lower[i], p[i]);
      upper[i] = std::max(upper[i], p[i]);
    }
  }
  for (std::size_t i = 0; i < 3; ++i) middle[i] = (lower[i] + upper[i]) / 2;
  const auto scaled = [this](const Vec3& p) {
    Vec3 nm;
    for (std::size_t i = 0; i < 3; ++i) nm[i] = static_cast<float>((p[i] - middle[i]) * voxel_nm[i]);
    return nm;
  };
  const std::size_t originals = mesh.positions.size();
  vertices.resize(table.vertex_count());
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const std::size_t original = i < originals ? i : table.copies()[i - originals];
    VertexRole role = contours.roles.empty() ? VertexRole::free : contours.roles[original];
    if (i >= originals) role = vertices[original].role = VertexRole::locked;
    vertices[i] = {{}, scaled(mesh.positions[original]), 0, role, false};
  }
  for (std::uint32_t i = 0; i < vertices.size(); ++i) {
    Vertex& vertex = vertices[i];
    if (vertex.role == VertexRole::free && table.has_triangles(i) && table.is_open(i)) vertex.role = VertexRole::locked;
  }
  add_quadrics();
  for (const auto& [vertex, place] : contours.moves) {
    if (vertices[vertex].role != VertexRole::sliding) continue;
    vertices[vertex].place = scaled(place);
    vertices[vertex].has_moved = true;
  }
  marks.assign(vertices.size(), 0);
  mark = 0;
}

void Simplifier::Scratch::add_quadrics() {
  normals.resize(table.triangle_count());
  for (std::uint32_t t = 0; t < normals.size(); ++t) {
    const std::uint32_t corner = 4 * t;
    const Vec3& place = vertices[table.vertex(corner)].place;
    const Vec3 n = normals[t] = normal(corner, place);
    const float length = std::sqrt(dot(n, n));
    if (!(length > 0)) continue;
    const Vec3 unit = {n[0] / length, n[1] / length, n[2] / length};
    Quadric plane{};
    plane.add_plane(unit, place, length);
    for (std::uint32_t i = 0; i < 3; ++i) {
      Vertex& vertex = vertices[table.vertex(corner + i)];
      vertex.quadric += plane;
      vertex.quadric.add_point(vertex.place, length * kPointWeight);
    }
  }
}

/// The normal of a triangle, as long as twice its area, if the vertex at `corner` were at `place`.
Vec3 Simplifier::Scratch::normal(std::uint32_t corner, const Vec3& place) const {
  const Vec3& a = vertices[table.vertex(CornerTable::next(corner))].place;
  const Vec3& b = vertices[table.vertex(CornerTable::previous(corner))].place;
  return cross(a - place, b - place);
}

/// What it costs to make one vertex of `a` and `b`, and where it would be. False if that is not to be.
bool Simplifier::Scratch::evaluate(std::uint32_t a, std::uint32_t b, float& cost, Vec3& place) const {
  const Vertex& va = vertices[a];
  const Vertex& vb = vertices[b];
  Quadric sum = va.quadric;
  sum += vb.quadric;
  float error;
  if (va.role == VertexRole::free && vb.role == VertexRole::free) {
    const Vec3 between = {(va.place[0] + vb.place[0]) / 2, (va.place[1] + vb.place[1]) / 2,
                          (va.place[2] + vb.place[2]) / 2};
    error = sum.minimum(between, place);
  } else {
    if (va.role == VertexRole::locked && vb.role == VertexRole::locked) return false;
    place = va.role > vb.role ? va.place : vb.place;
    error = sum.at(place);
  }
  cost = std::max(error, 0.0F) / sum.weight;
  if (va.role != VertexRole::free && vb.role != VertexRole::free) {
    cost = std::min(cost, limit2);
    return true;
  }
  return cost <= limit2;
}

void Simplifier::Scratch::consider(std::uint32_t a, std::uint32_t b) {
  float cost;
  Vec3 place;
  if (evaluate(a, b, cost, place)) queue.push(cost, a, b, vertices[a].stamp + vertices[b].stamp);
}

/// The link condition: the ends of the edge share no neighbours but the third vertices of the triangles at it.
bool Simplifier::Scratch::keeps_topology(std::uint32_t gone, std::uint32_t kept) {
  table.ring(gone, gone_ring);
  table.ring(kept, kept_ring);
  ++mark;
  for (const std::uint32_t vertex : gone_ring.vertices) {
    if (marks[vertex] == mark) return false;
    marks[vertex] = mark;
  }
  unsigned common = 0;
  for (const std::uint32_t vertex : kept_ring.vertices) common += marks[vertex] == mark;
  if (vertices[gone].role == VertexRole::free) {
    // Both of valence three: a tetrahedron.
    return common == 2 && (gone_ring.corners.size() > 3 || kept_ring.corners.size() > 3);
  }
  // Along an open edge, which is the first or the last of each ring. A triangle alone stays.
  const bool is_along = gone_ring.vertices.front() == kept || gone_ring.vertices.back() == kept;
  return is_along && common == 1 && (gone_ring.corners.size() > 1 || kept_ring.corners.size() > 1);
}

/// Whether no triangle at `corner` but those that go with `other` turns over when the corner moves to `place`.
bool Simplifier::Scratch::keeps_directions(std::uint32_t corner, std::uint32_t other, const Vec3& place) const {
  if (table.vertex(CornerTable::next(corner)) == other || table.vertex(CornerTable::previous(corner)) == other) {
    return true;
  }
  const Vec3 n = normal(corner, place);
  const Vec3& before = normals[corner >> 2];
  const float along = dot(n, before);
  return along > 0 && along * along >= kLeastCosine2 * dot(n, n) * dot(before, before);
}

void Simplifier::Scratch::turn_triangles(const CornerTable::Ring& ring) {
  for (const std::uint32_t corner : ring.corners) {
    if (!table.is_gone(corner >> 2)) normals[corner >> 2] = normal(corner, vertices[table.vertex(corner)].place);
  }
}

bool Simplifier::Scratch::collapse(std::uint32_t gone, std::uint32_t kept, const Vec3& place) {
  if (!keeps_topology(gone, kept)) return false;
  for (const std::uint32_t corner : gone_ring.corners) {
    if (!keeps_directions(corner, kept, place)) return false;
  }
  Vertex& vertex = vertices[kept];
  if (vertex.role == VertexRole::free) {
    for (const std::uint32_t corner : kept_ring.corners) {
      if (!keeps_directions(corner, gone, place)) return false;
    }
    vertex.place = place;
    vertex.has_moved = true;
  }
  triangles_left -= table.collapse(gone, kept, gone_ring, kept_ring);
  vertex.quadric += vertices[gone].quadric;
  ++vertex.stamp;
  ++vertices[gone].stamp;
  turn_triangles(gone_ring);
  if (vertex.role == VertexRole::free) turn_triangles(kept_ring);
  ++mark;
  marks[gone] = marks[kept] = mark;
  for (const CornerTable::Ring* ring : {&gone_ring, &kept_ring}) {
    for (const std::uint32_t neighbour : ring->vertices) {
      if (std::exchange(marks[neighbour], mark) != mark) consider(kept, neighbour);
    }
  }
  return true;
}

void Simplifier::Scratch::run(std::size_t wanted_triangles) {
  queue.start(limit2);
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
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
    if (vertices[gone].role > vertices[kept].role) std::swap(gone, kept);
    float cost;
    Vec3 place;
    if (evaluate(gone, kept, cost, place)) collapse(gone, kept, place);
  }
}

void Simplifier::Scratch::store(Mesh& mesh) {
  const std::size_t originals = mesh.positions.size();
  new_index.assign(vertices.size(), kNone);
  std::vector<Vec3> positions;
  std::size_t kept = 0;
  for (std::uint32_t t = 0; t < table.triangle_count(); ++t) {
    if (table.is_gone(t)) continue;
    auto& triangle = mesh.triangles[kept++];
    for (std::uint32_t i = 0; i < 3; ++i) {
      const std::uint32_t v = table.vertex(4 * t + i);
      if (new_index[v] == kNone) {
        new_index[v] = static_cast<std::uint32_t>(positions.size());
        const Vertex& vertex = vertices[v];
        Vec3 position = mesh.positions[v < originals ? v : table.copies()[v - originals]];
        if (vertex.has_moved) {
          for (std::size_t axis = 0; axis < 3; ++axis) {
            position[axis] = static_cast<float>(vertex.place[axis] / voxel_nm[axis] + middle[axis]);
          }
        }
        positions.push_back(position);
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
  scratch_->load(mesh, contours, target);
  scratch_->run(target.triangles);
  scratch_->store(mesh);
}

}  // namespace ngforge
