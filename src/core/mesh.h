// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace ngforge {

/// Triangles over shared vertices. The unit and frame of the positions (x, y, z) are said by whoever hands the mesh
/// over. Triangles are counter-clockwise seen from outside; their indices are below positions.size().
struct Mesh {
  std::vector<std::array<float, 3>> positions;
  std::vector<std::array<std::uint32_t, 3>> triangles;
};

/// The same with whole numbers for positions, as formats keep them that quantise.
struct QuantizedMesh {
  std::vector<std::array<std::int32_t, 3>> positions;
  std::vector<std::array<std::uint32_t, 3>> triangles;
};

}  // namespace ngforge
