// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/mesh.h"
#include "ngforge/error.h"

namespace ngforge {

/// Errors: invalid_data (a mesh without triangles).
Result<void> expect_triangles(const Mesh& mesh, std::string_view place);

/// Puts a mesh together from vertices and faces that nobody vouches for, in any order. Faces are numbered from 0.
class MeshBuilder {
 public:
  /// `place` begins every message and must outlive the builder.
  explicit MeshBuilder(std::string_view place) : place_(place) {}

  std::size_t vertex_count() const { return mesh_.positions.size(); }
  /// Makes room for what is known to be in the file.
  void reserve(std::size_t vertices, std::size_t triangles) {
    mesh_.positions.reserve(mesh_.positions.size() + vertices);
    mesh_.triangles.reserve(mesh_.triangles.size() + triangles);
  }
  void add_vertex(float x, float y, float z) { mesh_.positions.push_back({x, y, z}); }
  /// A polygon, counter-clockwise seen from outside, as a fan of triangles; fewer than three corners make none.
  /// Errors: invalid_data (an index below 0 or beyond 32 bits).
  Result<void> add_face(std::span<const std::int64_t> corners);
  /// A strip of triangles, which turn around alternately.
  Result<void> add_strip(std::span<const std::int64_t> corners);
  /// Cells as VTK has them: cell i has the corners from offsets[i] to offsets[i + 1], counted from `first_vertex`.
  /// Errors: invalid_data (offsets that are not in order or leave `corners` too).
  Result<void> add_cells(std::span<const std::int64_t> offsets, std::span<const std::int64_t> corners, bool are_strips,
                         std::int64_t first_vertex = 0);
  /// Vertices at x, y, z each.
  void add_vertices(std::span<const float> coordinates);
  /// The mesh. Errors: invalid_data (an index without a vertex, a coordinate that is not finite, no triangle at all).
  Result<Mesh> finish() &&;

 private:
  Result<void> take_face(std::span<const std::int64_t> corners);
  void add_triangle(std::int64_t a, std::int64_t b, std::int64_t c) {
    mesh_.triangles.push_back(
        {static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(c)});
  }

  std::string_view place_;
  Mesh mesh_;
  std::uint64_t faces_ = 0;
  std::int64_t largest_index_ = -1;
  std::uint64_t face_of_largest_ = 0;
};

}  // namespace ngforge
