// SPDX-License-Identifier: Apache-2.0
#include "surface/region_split.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>

#include "ngforge/error.h"

namespace ngforge {
namespace {

using Triangle = std::array<std::uint32_t, 3>;

/// Triangles over the vertices of a mesh and those that cuts add, each with its region.
class Cutter {
 public:
  Cutter(const Mesh& mesh, std::span<const std::int64_t> region_of_vertex)
      : mesh_(mesh), region_of_vertex_(region_of_vertex), positions_(mesh.positions) {
    for (const Triangle& triangle : mesh.triangles) cut(triangle);
  }

  std::vector<std::pair<std::int64_t, Mesh>> parts() const {
    std::vector<std::size_t> order(triangles_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return regions_[i]; });
    std::vector<std::pair<std::int64_t, Mesh>> parts;
    // Where a vertex lies in the part that it was last used by.
    std::vector<std::pair<std::size_t, std::uint32_t>> place(positions_.size(), {0, 0});
    for (const std::size_t i : order) {
      if (parts.empty() || parts.back().first != regions_[i]) parts.emplace_back(regions_[i], Mesh{});
      Mesh& part = parts.back().second;
      Triangle triangle = triangles_[i];
      for (std::uint32_t& corner : triangle) {
        auto& [used_by, number] = place[corner];
        if (used_by != parts.size()) {
          used_by = parts.size();
          number = static_cast<std::uint32_t>(part.positions.size());
          part.positions.push_back(positions_[corner]);
        }
        corner = number;
      }
      part.triangles.push_back(triangle);
    }
    return parts;
  }

 private:
  std::int64_t region(std::uint32_t vertex) const { return region_of_vertex_[vertex]; }

  void add(std::int64_t region, const Triangle& triangle) {
    triangles_.push_back(triangle);
    regions_.push_back(region);
  }
  void add_quad(std::int64_t region, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    add(region, {a, b, c});
    add(region, {a, c, d});
  }

  std::uint32_t middle(std::uint32_t a, std::uint32_t b) {
    if (a > b) std::swap(a, b);
    const auto [found, is_new] = middles_.try_emplace(std::uint64_t{a} << 32 | b, next_vertex());
    if (is_new) {
      auto& position = positions_.emplace_back();
      for (std::size_t i = 0; i < 3; ++i)
        position[i] = static_cast<float>((double{mesh_.positions[a][i]} + mesh_.positions[b][i]) / 2);
    }
    return found->second;
  }
  std::uint32_t centre(const Triangle& triangle) {
    const std::uint32_t number = next_vertex();
    auto& position = positions_.emplace_back();
    for (std::size_t i = 0; i < 3; ++i) {
      double sum = 0;
      for (const std::uint32_t corner : triangle) sum += mesh_.positions[corner][i];
      position[i] = static_cast<float>(sum / 3);
    }
    return number;
  }
  std::uint32_t next_vertex() const { return static_cast<std::uint32_t>(positions_.size()); }

  void cut(Triangle triangle) {
    const auto [a, b, c] = triangle;
    if (region(a) == region(b) && region(b) == region(c)) return add(region(a), triangle);
    if (region(a) != region(b) && region(b) != region(c) && region(c) != region(a)) {
      const std::uint32_t g = centre(triangle), ab = middle(a, b), bc = middle(b, c), ca = middle(c, a);
      add_quad(region(a), a, ab, g, ca);
      add_quad(region(b), b, bc, g, ab);
      add_quad(region(c), c, ca, g, bc);
      return;
    }
    // The corner that differs from both others comes first.
    while (region(triangle[1]) != region(triangle[2])) std::ranges::rotate(triangle, triangle.begin() + 1);
    const auto [lone, next, last] = triangle;
    const std::uint32_t to_next = middle(lone, next), to_last = middle(last, lone);
    add(region(lone), {lone, to_next, to_last});
    add_quad(region(next), to_next, next, last, to_last);
  }

  const Mesh& mesh_;
  const std::span<const std::int64_t> region_of_vertex_;
  std::vector<std::array<float, 3>> positions_;
  std::vector<Triangle> triangles_;
  std::vector<std::int64_t> regions_;  // of each triangle
  std::unordered_map<std::uint64_t, std::uint32_t> middles_;
};

}  // namespace

std::vector<std::pair<std::int64_t, Mesh>> split_by_region(const Mesh& mesh,
                                                           std::span<const std::int64_t> region_of_vertex) {
  NGFORGE_ASSERT(region_of_vertex.size() == mesh.positions.size());
  return Cutter(mesh, region_of_vertex).parts();
}

}  // namespace ngforge
