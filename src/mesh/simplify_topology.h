// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/mesh.h"

namespace ngforge {

/// The triangles of a mesh as a table of corners in which edges can be collapsed. A corner is one vertex of one
/// triangle, number 4 * triangle + 0..2; the corner opposite to it is the one across the edge that it does not touch.
class CornerTable {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  static std::uint32_t next(std::uint32_t corner) { return (corner & 3) == 2 ? corner - 2 : corner + 1; }
  static std::uint32_t previous(std::uint32_t corner) { return (corner & 3) == 0 ? corner + 2 : corner - 1; }

  /// Vertices with more edges than this have no ring, and are not touched.
  static constexpr std::uint32_t kMostEdges = 64;

  /// What lies around a vertex, counter-clockwise: its corners, and the other ends of its edges. There is one more edge
  /// than there are corners if the vertex lies on an open edge; else the first vertex follows the last once more, so
  /// that corner i lies between vertices i and i + 1.
  struct Ring {
    std::uint32_t corner_count = 0;
    std::uint32_t edge_count = 0;
    std::array<std::uint32_t, kMostEdges> corners;
    std::array<std::uint32_t, kMostEdges + 1> vertices;

    bool is_open() const { return edge_count != corner_count; }
  };

  /// Builds the table; scratch memory is used again. Triangles with two equal indices are dropped. A vertex at which
  /// several sheets meet is split: `copies` names the original of vertices vertex_count, vertex_count + 1, ...
  /// Where more than two triangles, or two of contrary direction, share an edge, it counts as open.
  void build(const Mesh& mesh);

  std::size_t vertex_count() const { return corner_of_.size(); }
  std::size_t triangle_count() const { return corners_.size() / 4; }
  const std::vector<std::uint32_t>& copies() const { return copies_; }

  std::uint32_t vertex(std::uint32_t corner) const { return corners_[corner].vertex; }
  std::uint32_t opposite(std::uint32_t corner) const {
    const std::uint32_t on = corners_[previous(corner)].swing;
    return on == kNone ? kNone : previous(on);
  }
  bool is_gone(std::size_t triangle) const { return corners_[4 * triangle + 3].vertex != 0; }
  bool has_triangles(std::uint32_t vertex) const { return corner_of_[vertex] != kNone; }
  /// Asks for the memory of a vertex' first triangle.
  void prefetch(std::uint32_t vertex) const {
    if (has_triangles(vertex)) __builtin_prefetch(&corners_[corner_of_[vertex] & ~3U]);
  }
  /// Whether the vertex lies on an open edge.
  bool is_open(std::uint32_t vertex) const { return opposite(previous(corner_of_[vertex])) == kNone; }

  /// False if there are too many edges.
  bool ring(std::uint32_t middle, Ring& ring) const;

  /// The triangles that the vertex had when the table was built, all sheets of it, by their number: visit(triangle).
  template <class Visit>
  void visit_first_triangles(std::uint32_t vertex, const Visit& visit) const {
    const std::uint32_t place = original(vertex);
    for (std::uint32_t i = first_[place]; i < first_[place + 1]; ++i) visit(leaving_[i].corner >> 2);
  }

  /// Collapses the edge from `gone` to `kept`: the triangles at it (one or two, the return value) go, all others of
  /// `gone` become those of `kept`. `gone_ring` and `kept_ring` are theirs. The caller has seen to it that the result
  /// is a manifold.
  std::size_t collapse(std::uint32_t gone, std::uint32_t kept, const Ring& gone_ring, const Ring& kept_ring);

  /// A triangle with other vertices; gone if two are equal.
  struct Restored {
    std::uint32_t triangle;
    std::array<std::uint32_t, 3> vertices;

    bool is_gone() const {
      return vertices[0] == vertices[1] || vertices[1] == vertices[2] || vertices[2] == vertices[0];
    }
  };

  /// Takes collapses back: gives triangles, left or gone, each named once, the vertices that they have without them.
  /// All triangles that a vertex has and loses, or gets, must be among them. `input` are the triangles of the mesh
  /// built from. If the result would be no manifold, or have open edges where that has none, nothing is done:
  /// `conflicts` are then vertices at these places. Empty: it is done.
  const std::vector<std::uint32_t>& restore(std::span<const Restored> triangles,
                                            std::span<const std::array<std::uint32_t, 3>> input);

 private:
  std::uint32_t& vertex_of(std::uint32_t corner) { return corners_[corner].vertex; }
  void set_opposite(std::uint32_t corner, std::uint32_t other) {
    corners_[previous(corner)].swing = other == kNone ? kNone : next(other);
  }

  struct Leaving {
    std::uint32_t corner;
    std::uint32_t to, before;  // the vertices that follow in the triangle
  };

  /// The side of a triangle across from a corner, whose vertex is `apex`.
  struct Side {
    std::uint32_t from, to, apex, corner;
  };

  void list_sides(std::span<const Restored> triangles);
  void find_conflicts(std::span<const std::array<std::uint32_t, 3>> input);
  bool was_open(std::uint32_t corner, std::span<const std::array<std::uint32_t, 3>> input) const;
  std::uint32_t original(std::uint32_t vertex) const {
    const std::size_t originals = first_.size() - 1;
    return vertex < originals ? vertex : copies_[vertex - originals];
  }
  std::span<const Leaving> leaving(std::uint32_t vertex) const {
    return {leaving_.data() + first_[vertex], leaving_.data() + first_[vertex + 1]};
  }
  void link_corners();
  bool link_circle(std::span<const Leaving> here);
  void link_apart(std::span<const Leaving> here);
  void split_sheets();
  void join(std::uint32_t a, std::uint32_t b);
  std::pair<std::uint32_t, std::uint32_t> sheet_of(std::uint32_t corner) const;
  void close(std::uint32_t corner, std::uint32_t apex, std::uint32_t into, std::uint32_t out);

  struct Corner {
    std::uint32_t vertex;  // of the fourth, which is none: whether the triangle is gone
    std::uint32_t swing;   // the next corner at the vertex, counter-clockwise; or none
  };
  std::vector<Corner> corners_;
  std::vector<std::uint32_t> corner_of_;  // of a vertex at an open edge the one from which all others follow
  std::vector<std::uint32_t> copies_;
  std::vector<std::uint32_t> first_;  // in leaving_, of each vertex
  std::vector<std::uint32_t> apart_;  // vertices whose corners are not one circle
  std::vector<Leaving> leaving_;      // the edges that leave each vertex, as in the mesh built from
  std::vector<Side> sides_;           // of triangles that are restored, and of those beside them
  std::vector<std::uint32_t> conflicts_;
};

}  // namespace ngforge
