// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <map>
#include <tuple>

#include "mesh/marching_cubes.h"
#include "mesh/marching_cubes_table.h"

namespace ngforge {
namespace {

/// An edge between neighbouring voxels: (z, y, axis, x) of its lower end, which sorts as the vertices do.
using EdgeKey = std::tuple<Index, Index, int, Index>;

std::uint64_t label_at(const BlockView& block, const VoxelVec& p) {
  return visit_type(block.type, [&](auto value) {
    std::memcpy(&value, block.row(p.y, p.z, 0) + (p.x - block.box.begin.x) * static_cast<Index>(sizeof value),
                sizeof value);
    return static_cast<std::uint64_t>(value);
  });
}

VoxelVec corner_of(const VoxelVec& cube, int corner) {
  return cube + VoxelVec{corner & 1, corner >> 1 & 1, corner >> 2 & 1};
}

template <class Visit>
void for_each_cube(const Box& box, Visit visit) {
  for (Index z = box.begin.z; z + 1 < box.end.z; ++z)
    for (Index y = box.begin.y; y + 1 < box.end.y; ++y)
      for (Index x = box.begin.x; x + 1 < box.end.x; ++x) visit(VoxelVec{x, y, z});
}

}  // namespace

Mesh marching_cubes_reference(const BlockView& block, std::uint64_t label) {
  std::map<EdgeKey, std::uint32_t> vertices;
  std::vector<std::array<EdgeKey, 3>> triangles;
  for_each_cube(block.box, [&](const VoxelVec& cube) {
    unsigned corners = 0;
    for (int c = 0; c < 8; ++c) corners |= unsigned{label_at(block, corner_of(cube, c)) == label} << c;
    const CubeCase& shape = kCubeCases[corners];
    for (int t = 0; t < shape.triangle_count; ++t) {
      auto& triangle = triangles.emplace_back();
      for (int i = 0; i < 3; ++i) {
        const CubeEdge edge = cube_edge(shape.triangles[t][i]);
        const VoxelVec end = corner_of(cube, edge.lower) - block.box.begin;
        triangle[i] = {end.z, end.y, edge.axis, end.x};
        vertices[triangle[i]] = 0;
      }
    }
  });
  Mesh mesh;
  for (auto& [key, index] : vertices) {
    const auto& [z, y, axis, x] = key;
    index = static_cast<std::uint32_t>(mesh.positions.size());
    auto& position = mesh.positions.emplace_back();
    position = {static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
    position[axis] += 0.5f;
  }
  for (const auto& t : triangles) mesh.triangles.push_back({vertices[t[0]], vertices[t[1]], vertices[t[2]]});
  return mesh;
}

}  // namespace ngforge
