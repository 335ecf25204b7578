// SPDX-License-Identifier: Apache-2.0
#include "surface/mesh_builder.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace ngforge {
namespace {

constexpr std::int64_t kLargestIndex = std::numeric_limits<std::uint32_t>::max() - std::int64_t{1};

}  // namespace

Result<void> expect_triangles(const Mesh& mesh, std::string_view place) {
  if (!mesh.triangles.empty()) return {};
  return make_error(ErrorCode::invalid_data, "{}: expected a surface with triangles, found {} vertices and no face",
                    place, mesh.positions.size());
}

// Checks a face's corners; whether their vertices are there is known at the end.
Result<void> MeshBuilder::take_face(std::span<const std::int64_t> corners) {
  for (const std::int64_t corner : corners) {
    if (corner < 0 || corner > kLargestIndex)
      return make_error(ErrorCode::invalid_data, "{}: face {}: expected vertex indices from 0 to {}, found {}", place_,
                        faces_, kLargestIndex, corner);
    if (corner > largest_index_) {
      largest_index_ = corner;
      face_of_largest_ = faces_;
    }
  }
  ++faces_;
  return {};
}

Result<void> MeshBuilder::add_face(std::span<const std::int64_t> corners) {
  NGFORGE_CHECK(take_face(corners));
  for (std::size_t i = 2; i < corners.size(); ++i) add_triangle(corners[0], corners[i - 1], corners[i]);
  return {};
}

Result<void> MeshBuilder::add_strip(std::span<const std::int64_t> corners) {
  NGFORGE_CHECK(take_face(corners));
  for (std::size_t i = 2; i < corners.size(); ++i) {
    const bool is_turned = i % 2 != 0;
    add_triangle(corners[i - 2], corners[is_turned ? i : i - 1], corners[is_turned ? i - 1 : i]);
  }
  return {};
}

Result<void> MeshBuilder::add_cells(std::span<const std::int64_t> offsets, std::span<const std::int64_t> corners,
                                    bool are_strips, std::int64_t first_vertex) {
  std::vector<std::int64_t> cell;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const std::int64_t begin = offsets[i], end = offsets[i + 1];
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(corners.size()))
      return make_error(ErrorCode::invalid_data, "{}: face {}: expected offsets in order up to {}, found {} and {}",
                        place_, faces_, corners.size(), begin, end);
    const auto part = corners.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    cell.assign(part.begin(), part.end());
    for (std::int64_t& corner : cell)
      if (corner >= 0 && corner <= kLargestIndex) corner += first_vertex;
    NGFORGE_CHECK(are_strips ? add_strip(cell) : add_face(cell));
  }
  return {};
}

void MeshBuilder::add_vertices(std::span<const float> coordinates) {
  for (std::size_t i = 0; i + 2 < coordinates.size(); i += 3)
    add_vertex(coordinates[i], coordinates[i + 1], coordinates[i + 2]);
}

Result<Mesh> MeshBuilder::finish() && {
  const std::size_t vertices = mesh_.positions.size();
  NGFORGE_CHECK(expect_triangles(mesh_, place_));
  if (largest_index_ >= static_cast<std::int64_t>(vertices))
    return make_error(ErrorCode::invalid_data, "{}: face {}: expected vertex indices below {}, found {}", place_,
                      face_of_largest_, vertices, largest_index_);
  for (std::size_t i = 0; i < vertices; ++i) {
    const auto& [x, y, z] = mesh_.positions[i];
    if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z))
      return make_error(ErrorCode::invalid_data, "{}: vertex {}: expected finite coordinates, found {} {} {}", place_,
                        i, x, y, z);
  }
  return std::move(mesh_);
}

}  // namespace ngforge
