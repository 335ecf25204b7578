// SPDX-License-Identifier: Apache-2.0
#include "mesh/weld.h"

#include <bit>
#include <cstddef>
#include <vector>

namespace ngforge {
namespace {

using Position = std::array<float, 3>;

constexpr std::uint32_t kNone = 0xFFFFFFFFu;

/// The vertices on faces, found by their place.
class FaceVertices {
 public:
  FaceVertices(const std::vector<Position>& positions, std::size_t most)
      : positions_(positions),
        shift_(64 - static_cast<int>(std::bit_width(2 * most))),
        table_(std::size_t{1} << (64 - shift_)) {
    entries_.reserve(most);
  }

  /// The vertex at `place` that `part` has not met yet; kNone if there is none, and then `added` is remembered as one.
  std::uint32_t find_or_add(const Position& place, std::uint32_t part, std::uint32_t added) {
    std::uint64_t hash = 0;
    for (const float value : place) hash = (hash ^ std::bit_cast<std::uint32_t>(value + 0.0f)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    for (std::size_t at = hash * 0x9E3779B97F4A7C15u >> shift_;; at = (at + 1) % table_.size()) {
      if (table_[at] == 0) {
        entries_.push_back({added, part});
        table_[at] = static_cast<std::uint32_t>(entries_.size());
        return kNone;
      }
      Entry& entry = entries_[table_[at] - 1];
      if (entry.last_part == part || positions_[entry.vertex] != place) continue;
      entry.last_part = part;
      return entry.vertex;
    }
  }

 private:
  struct Entry {
    std::uint32_t vertex, last_part;
  };

  const std::vector<Position>& positions_;
  int shift_;
  std::vector<std::uint32_t> table_;  // number of an entry from 1, or 0
  std::vector<Entry> entries_;
};

bool is_on_face(const Position& p, const MeshPart& part) {
  for (int axis = 0; axis < 3; ++axis) {
    if (p[axis] == 0 || p[axis] == part.size[axis]) return true;
  }
  return false;
}

std::size_t count_on_faces(std::span<const MeshPart> parts) {
  std::size_t count = 0;
  for (const MeshPart& part : parts) {
    for (const Position& p : part.positions) count += is_on_face(p, part);
  }
  return count;
}

}  // namespace

Mesh weld(std::span<const MeshPart> parts) {
  std::size_t vertices = 0, triangles = 0;
  for (const MeshPart& part : parts) {
    vertices += part.positions.size();
    triangles += part.triangles.size();
  }
  Mesh mesh;
  mesh.positions.reserve(vertices);
  mesh.triangles.reserve(triangles);
  FaceVertices on_faces(mesh.positions, count_on_faces(parts));
  std::vector<std::uint32_t> joined;  // for each vertex of a part, its index in the mesh
  for (std::uint32_t number = 0; number < parts.size(); ++number) {
    const MeshPart& part = parts[number];
    joined.clear();
    for (const Position& p : part.positions) {
      const Position place = {p[0] + part.corner[0], p[1] + part.corner[1], p[2] + part.corner[2]};
      const auto added = static_cast<std::uint32_t>(mesh.positions.size());
      const std::uint32_t found = is_on_face(p, part) ? on_faces.find_or_add(place, number, added) : kNone;
      if (found == kNone) mesh.positions.push_back(place);
      joined.push_back(found == kNone ? added : found);
    }
    for (const auto& t : part.triangles) mesh.triangles.push_back({joined[t[0]], joined[t[1]], joined[t[2]]});
  }
  return mesh;
}

}  // namespace ngforge
