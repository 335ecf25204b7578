// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/simplify_fan.h"
#include "mesh/simplify_topology.h"
#include "mesh/simplify_vectors.h"

namespace ngforge {

/// A vertex of the mesh that is simplified: where it was, and the next one in the circle of all that have become one.
struct alignas(16) InputVertex {
  Float3 place;
  std::uint32_t next;
};

/// What simplification has made of a mesh.
struct SimplifiedMesh {
  const CornerTable& table;                             ///< the triangles that are left
  std::span<const std::array<std::uint32_t, 3>> input;  ///< all, as the table was built
  std::span<const InputVertex> vertices;
  std::span<const Float3> places;  ///< of each vertex, now
};

/// Looks whether a mesh and what was made of it keep to a distance from each other, keeping its scratch memory.
///
/// Looked at are all vertices of the mesh, with the middles of triangles and sides at those that are nearly too far,
/// and points on each triangle of the result, down to a quarter of a `voxel` (its shortest side) apart: fewer where
/// those between cannot be far, taken that the distance grows at most a third as fast as the place. Distances are those
/// to triangles in the neighbourhood: what counts as near is.
class BoundCheck {
 public:
  /// Begins with another mesh.
  void start(float bound, float voxel);
  /// Vertices of the mesh where it, or the result, is farther than the bound from the other; for a place on the result
  /// those that are nearest. May name one several times. Looked at is what lies at these vertices of the result, each
  /// named once: first all, later those whose triangles or members are others than before.
  const std::vector<std::uint32_t>& find_far(const SimplifiedMesh& mesh, std::span<const std::uint32_t> vertices);

 private:
  using Corners = std::array<Float3, 3>;
  struct Range {  // of members_, multiples of four
    std::uint32_t begin = 0, end = 0;
  };
  struct Nearest {
    float distance2;
    std::uint32_t member;
  };

  void list_triangles();
  void list_members(const SimplifiedMesh& mesh, std::uint32_t vertex);
  void check_members(const SimplifiedMesh& mesh, std::uint32_t vertex);
  void check_input_at(const SimplifiedMesh& mesh, std::uint32_t member, std::uint32_t vertex);
  void start_fan(const SimplifiedMesh& mesh, std::uint32_t vertex, Fan& fan) const;
  bool is_near_around(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex);
  bool is_near_at(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex);
  void check_triangle(const SimplifiedMesh& mesh, std::uint32_t triangle);
  bool is_near_input(const SimplifiedMesh& mesh, const Corners& corners, std::size_t begin);
  bool is_near_any(const SimplifiedMesh& mesh, const Float3& point, std::size_t begin, std::uint32_t best);
  static float distance2_to_input(const SimplifiedMesh& mesh, const Float3& point, std::uint32_t vertex, float enough2);
  void add_neighbours(const SimplifiedMesh& mesh, std::size_t begin, std::vector<std::uint32_t>& vertices);
  std::size_t count_members(std::size_t begin) const;
  std::size_t list_members_within(const Float3& point, float distance, std::size_t begin);
  void add_member(const Float3& place, std::uint32_t member);
  void end_range();
  void resize_lists(std::size_t size);
  Nearest find_nearest(const Float3& point, std::size_t begin) const;
  Float3 place_of(std::size_t i) const { return {x_[i], y_[i], z_[i]}; }
  FourPoints places_of(std::size_t i) const { return {load4(&x_[i]), load4(&y_[i]), load4(&z_[i])}; }

  float bound_ = 0, voxel_ = 0;
  std::vector<std::uint32_t> far_;
  CornerTable::Ring ring_;
  Fan fan_, other_fan_;
  std::vector<float> x_, y_, z_;        // places of vertices of the mesh
  std::vector<std::uint32_t> members_;  // these, listed by what they became; then those that are near to a place
  std::vector<Range> members_of_;       // of each vertex that is left
  std::vector<Range> ranges_;           // those at which is looked
  std::vector<std::uint32_t> around_;   // vertices of the result
  std::vector<std::uint32_t> triangles_;
  std::vector<std::uint8_t> is_looked_at_;
  bool is_widened_ = false;  // members are those of neighbours too
};

}  // namespace ngforge
