// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/simplify.h"
#include "mesh/simplify_bound.h"
#include "mesh/simplify_fan.h"
#include "mesh/simplify_quadric.h"
#include "mesh/simplify_queue.h"
#include "mesh/simplify_topology.h"
#include "mesh/simplify_vectors.h"

namespace ngforge {

/// A mesh while it is simplified.
struct Simplifier::Scratch {
  struct alignas(64) Vertex {
    Quadric quadric = {};
    std::uint32_t stamp = 0;  // grows when it changes
    /// The sum of the heights that the vertex was lifted in collapses; and at the last look at them how far the
    /// vertices of the mesh that have become part of this one were from the triangles around it, and the heights since.
    float lift = 0;
    float reach = 0;
    VertexRole role = VertexRole::free;
    bool has_moved = false;
    std::uint8_t pass = 0;  // the last one in which the vertex took part
  };
  void load(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target);
  void load_vertices(const Mesh& mesh, const Contours& contours);
  void add_quadrics();
  void add_own_point(std::uint32_t vertex);
  Quadric plane_of(const std::array<std::uint32_t, 3>& triangle) const;
  void run(const Contours& contours, std::size_t wanted_triangles);
  void hold_bound(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target);
  bool keep(std::span<const std::uint32_t> far);
  bool add_members(std::span<const std::uint32_t> some);
  bool is_member(std::uint32_t vertex) const;
  bool restore_members();
  void list_restored();
  void restore_vertex(std::uint32_t vertex);
  std::uint32_t became(std::uint32_t vertex) const;
  void simplify_again(const Contours& contours, std::size_t wanted_triangles);
  void move_contours(const Contours& contours);
  void pair_up(float greatest_cost);
  void queue_up(std::size_t wanted_triangles);
  void run_queue(std::size_t wanted_triangles, std::vector<std::uint32_t>* touched);
  void store(Mesh& mesh) const;

  Float3 to_lengths(const std::array<float, 3>& position) const;
  bool evaluate(std::uint32_t a, std::uint32_t b, float greatest_cost, float& cost, Float3& place) const;
  void consider(std::uint32_t a, std::uint32_t b);
  void consider_all_of(std::uint32_t kept);
  bool collapse(std::uint32_t gone, std::uint32_t kept, const Float3& place, bool looks);
  bool keeps_topology(std::uint32_t gone, std::uint32_t kept) const;
  bool turns_little(std::uint32_t vertex, const CornerTable::Ring& ring, std::uint32_t other, const Float3& place,
                    float& height2);
  bool stays_near(std::uint32_t gone, std::uint32_t kept, const Float3& place, float& reach);
  void add_to_fan(const CornerTable::Ring& ring, std::uint32_t other);

  CornerTable table;
  std::vector<Vertex> vertices;
  std::vector<Float3> places;  // nm, from the middle of the mesh
  std::vector<InputVertex> input_vertices;
  std::vector<std::array<std::uint32_t, 3>> input;
  std::vector<std::uint8_t> is_kept;  // vertices around which the bound was not held
  BoundCheck bound_check;
  std::vector<std::uint32_t> kept_now;
  std::vector<std::uint32_t> members;  // vertices that are themselves again
  std::vector<CornerTable::Restored> restored;
  std::vector<std::uint32_t> changed;  // vertices that are left, with other triangles or members than before
  std::vector<std::uint32_t> marks;
  std::uint32_t mark = 0;
  std::uint8_t pass = 0;
  CandidateQueue queue;
  CornerTable::Ring gone_ring;
  CornerTable::Ring kept_ring;
  Fan fan;
  std::array<std::array<float, CornerTable::kMostEdges + 4>, 3> seen_from_place = {};
  std::size_t triangles_left = 0;
  float bound = 0;
  float greatest_mean2 = 0;
  float greatest_reach = 0;
  float greatest_lift = 0;
  Float3 middle = {};
  /// Of a unit of the positions. The unit of lengths is a power of two nanometres, about the longest side of a voxel:
  /// eighth powers of lengths are taken, as float32, and those of a millimetre in nanometres leave its range.
  std::array<double, 3> voxel_lengths = {};
};

}  // namespace ngforge
