// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "core/block.h"
#include "core/mesh.h"

namespace ngforge {

/// A block of labels 0 .. labels - 1: noise where `smooth` is 0, else most voxels repeat the one before along x or y.
inline Block random_labels(DataType type, const Box& box, std::uint64_t labels, int smooth, std::uint32_t seed) {
  Block block(type, box, 1);
  std::mt19937 random(seed);
  visit_type(type, [&](auto value) {
    using T = decltype(value);
    T* values = reinterpret_cast<T*>(block.bytes().data());
    const Index size_x = box.size().x;
    for (Index i = 0; i < box.volume(); ++i) {
      const auto repeat = static_cast<Index>(random() % 2 != 0 ? 1 : size_x);
      const bool repeats = i >= repeat && static_cast<int>(random() % 8) < smooth;
      values[i] = repeats ? values[i - repeat] : static_cast<T>(random() % labels);
    }
  });
  return block;
}

/// The triangles by position, whatever their order and first corner.
inline std::vector<std::array<std::array<float, 3>, 3>> triangles_by_position(const Mesh& mesh) {
  std::vector<std::array<std::array<float, 3>, 3>> result;
  for (const auto& t : mesh.triangles) {
    auto& triangle = result.emplace_back();
    for (int i = 0; i < 3; ++i) triangle[i] = mesh.positions.at(t[i]);
    std::ranges::rotate(triangle, std::ranges::min_element(triangle));
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace ngforge
