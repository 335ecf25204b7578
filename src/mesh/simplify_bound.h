// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/simplify_fan.h"
#include "mesh/simplify_quadric.h"
#include "mesh/simplify_topology.h"

namespace ngforge {

/// What simplification has made of a mesh.
struct SimplifiedMesh {
  const CornerTable& table;                             ///< the triangles that are left
  std::span<const std::array<std::uint32_t, 3>> input;  ///< all, as the table was built
  std::span<const Vec3> origins, places;                ///< of each vertex, before and after
  std::span<const std::uint32_t> next_member;           ///< circles of vertices that have become one
};

/// Looks whether a mesh and what was made of it keep to a distance from each other, keeping its scratch memory.
///
/// Looked at are all vertices of the mesh, with the middles of its triangles and their sides, and points on each
/// triangle of the result, down to a quarter of a `voxel` (its shortest side) apart: fewer where those between cannot
/// be far, taken that within a voxel the distance grows at most half as fast as the place. Distances are those to
/// triangles in the neighbourhood: what counts as near is.
class BoundCheck {
 public:
  /// Vertices of the mesh where it, or the result, is farther than `bound` from the other; for a place on the result
  /// those that are nearest. May name one several times.
  const std::vector<std::uint32_t>& find_far(const SimplifiedMesh& mesh, float bound, float voxel);

 private:
  using Corners = std::array<Vec3, 3>;
  struct Range {  // of members_
    std::uint32_t begin, end;
    std::size_t size() const { return end - begin; }
  };

  void check_members(const SimplifiedMesh& mesh, std::uint32_t vertex);
  void check_input(const SimplifiedMesh& mesh);
  bool is_near_around(const SimplifiedMesh& mesh, const Vec3& point, std::uint32_t vertex);
  void check_result(const SimplifiedMesh& mesh);
  bool is_near_input(const SimplifiedMesh& mesh, const Corners& corners, std::size_t begin);
  bool is_near_any(const SimplifiedMesh& mesh, const Vec3& point, std::size_t begin, std::uint32_t best);
  float distance2_to_input(const SimplifiedMesh& mesh, const Vec3& point, std::uint32_t vertex) const;
  void add_neighbours(const SimplifiedMesh& mesh, std::size_t begin, std::vector<std::uint32_t>& vertices);
  std::size_t count_members(std::size_t begin) const;
  std::size_t list_members_within(const Vec3& point, float distance, std::size_t begin);
  void resize_lists(std::size_t size);
  bool is_member_within(const Vec3& point, std::size_t begin, float distance) const;
  std::uint32_t nearest_member(const Vec3& point, std::size_t begin) const;
  Vec3 place_of(std::size_t i) const { return {x_[i], y_[i], z_[i]}; }

  float bound_ = 0, voxel_ = 0;
  float longest_ = 0;  // side of a triangle of the mesh
  std::vector<std::uint32_t> far_;
  std::vector<std::uint32_t> became_;  // of each vertex of the mesh, the one that is left
  std::vector<float> distances_;       // of each to the triangles around that
  CornerTable::Ring ring_;
  Fan fan_;
  std::vector<float> x_, y_, z_;        // places of vertices of the mesh
  std::vector<std::uint32_t> members_;  // these, listed by what they became; then those that are near to a place
  std::vector<Range> members_of_;       // of each vertex that is left
  std::vector<Range> ranges_;           // those at which is looked
  std::vector<std::uint32_t> around_;   // vertices of the result
  bool is_widened_ = false;             // members are those of neighbours too
};

}  // namespace ngforge
