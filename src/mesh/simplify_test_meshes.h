// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "core/mesh.h"
#include "mesh/contour.h"

namespace ngforge::testing {

/// Labels of a small volume, x fastest; outside of it is background.
struct TestLabels {
  std::array<int, 3> size;
  std::vector<int> values;

  explicit TestLabels(std::array<int, 3> size_xyz)
      : size(size_xyz), values(static_cast<std::size_t>(size_xyz[0] * size_xyz[1] * size_xyz[2])) {}

  int& at(int x, int y, int z) { return values[static_cast<std::size_t>((z * size[1] + y) * size[0] + x)]; }
  int at(const std::array<int, 3>& p) const {
    for (std::size_t i = 0; i < 3; ++i) {
      if (p[i] < 0 || p[i] >= size[i]) return 0;
    }
    return values[static_cast<std::size_t>((p[2] * size[1] + p[1]) * size[0] + p[0])];
  }
};

/// Blobs of `labels` labels: noise that was smoothed by votes of the neighbours.
inline TestLabels random_labels(std::array<int, 3> size, int labels, unsigned seed, int votes = 2) {
  std::mt19937 random(seed);
  TestLabels volume(size);
  for (int& value : volume.values) value = static_cast<int>(random() % static_cast<unsigned>(labels + 1));
  for (int round = 0; round < votes; ++round) {
    TestLabels next(size);
    for (int z = 0; z < size[2]; ++z) {
      for (int y = 0; y < size[1]; ++y) {
        for (int x = 0; x < size[0]; ++x) {
          std::map<int, int> count;
          for (int i = 0; i < 27; ++i) ++count[volume.at({x + i % 3 - 1, y + i / 3 % 3 - 1, z + i / 9 - 1})];
          int best = 0;
          for (const auto& [label, n] : count) best = n > count[best] ? label : best;
          next.at(x, y, z) = best;
        }
      }
    }
    volume = next;
  }
  return volume;
}

/// A ball of label 1.
inline TestLabels ball(int size, double radius) {
  TestLabels volume({size, size, size});
  const double middle = (size - 1) / 2.0;
  for (int i = 0; i < size * size * size; ++i) {
    const double x = i % size - middle;
    const double y = i / size % size - middle;
    const double z = i / size / size - middle;
    volume.values[static_cast<std::size_t>(i)] = x * x + y * y + z * z < radius * radius;
  }
  return volume;
}

/// The surface of `label` in the cells from `corner` (a voxel centre) on, `size` per axis, open at the block's faces,
/// by marching tetrahedra (six to the cell, the same in each): vertices at half voxels from the corner, always a
/// manifold.
inline Mesh surface_of(const TestLabels& volume, int label, std::array<int, 3> corner, std::array<int, 3> size) {
  static constexpr std::array<std::array<int, 3>, 6> kOrders = {
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  Mesh mesh;
  std::map<std::array<float, 3>, std::uint32_t> index;
  const auto vertex = [&](const std::array<int, 3>& a, const std::array<int, 3>& b) {
    std::array<float, 3> p;
    for (std::size_t i = 0; i < 3; ++i) p[i] = static_cast<float>(a[i] + b[i] - 2 * corner[i]) / 2;
    const auto [it, is_new] = index.try_emplace(p, static_cast<std::uint32_t>(mesh.positions.size()));
    if (is_new) mesh.positions.push_back(p);
    return it->second;
  };
  for (int cell = 0; cell < size[0] * size[1] * size[2]; ++cell) {
    for (std::size_t order = 0; order < kOrders.size(); ++order) {
      std::array<std::array<int, 3>, 4> p;
      p[0] = {corner[0] + cell % size[0], corner[1] + cell / size[0] % size[1], corner[2] + cell / size[0] / size[1]};
      for (std::size_t i = 0; i < 3; ++i) {
        p[i + 1] = p[i];
        ++p[i + 1][static_cast<std::size_t>(kOrders[order][i])];
      }
      // Odd orders are mirrored tetrahedra.
      if (order == 1 || order == 2 || order == 5) std::swap(p[2], p[3]);
      unsigned inside = 0;
      for (std::size_t i = 0; i < 4; ++i) inside |= static_cast<unsigned>(volume.at(p[i]) == label) << i;
      const auto triangle = [&](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
        mesh.triangles.push_back({a, b, c});
      };
      // The face opposite to point i, so that (i, o[0], o[1], o[2]) is as the tetrahedron itself.
      static constexpr std::array<std::array<std::size_t, 3>, 4> kOther = {
          {{1, 2, 3}, {0, 3, 2}, {0, 1, 3}, {0, 2, 1}}};
      for (std::size_t i = 0; i < 4; ++i) {
        const auto& o = kOther[i];
        const std::array<std::uint32_t, 3> cut =
            std::popcount(inside) % 2 == 0
                ? std::array<std::uint32_t, 3>{}
                : std::array<std::uint32_t, 3>{vertex(p[i], p[o[0]]), vertex(p[i], p[o[1]]), vertex(p[i], p[o[2]])};
        if (inside == (1U << i)) triangle(cut[0], cut[1], cut[2]);
        if (inside == (15U & ~(1U << i))) triangle(cut[0], cut[2], cut[1]);
      }
      if (std::popcount(inside) != 2) continue;
      const std::size_t a = static_cast<std::size_t>(std::countr_zero(inside));
      std::array<std::size_t, 3> o = kOther[a];
      while ((inside >> o[0] & 1) == 0) o = {o[1], o[2], o[0]};
      const std::array<std::uint32_t, 4> quad = {vertex(p[a], p[o[1]]), vertex(p[a], p[o[2]]), vertex(p[o[0]], p[o[2]]),
                                                 vertex(p[o[0]], p[o[1]])};
      triangle(quad[0], quad[1], quad[2]);
      triangle(quad[0], quad[2], quad[3]);
    }
  }
  // Cuts that no triangle came to use.
  std::vector<std::uint32_t> used(mesh.positions.size(), ~std::uint32_t{0});
  std::vector<std::array<float, 3>> positions;
  for (auto& t : mesh.triangles) {
    for (auto& v : t) {
      if (used[v] == ~std::uint32_t{0}) {
        used[v] = static_cast<std::uint32_t>(positions.size());
        positions.push_back(mesh.positions[v]);
      }
      v = used[v];
    }
  }
  mesh.positions = std::move(positions);
  return mesh;
}

/// The edges that have a triangle on one side only, in its direction.
inline std::vector<std::pair<std::uint32_t, std::uint32_t>> open_edges(const Mesh& mesh) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> count;
  for (const auto& t : mesh.triangles) {
    for (std::size_t i = 0; i < 3; ++i) ++count[{t[i], t[(i + 1) % 3]}];
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open;
  for (const auto& [edge, n] : count) {
    if (!count.contains({edge.second, edge.first})) open.push_back(edge);
  }
  return open;
}

}  // namespace ngforge::testing
