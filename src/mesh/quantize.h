// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/mesh.h"

namespace ngforge {

/// The node that a fragment lies in, and how finely it is divided.
struct QuantizeFrame {
  std::array<float, 3> extent{};  ///< of the node, in the unit of the positions, which count from its corner
  int bits = 16;
  bool has_octants = false;  ///< no triangle crosses the planes through the middle, and none shall after it
};

/// Makes whole numbers of positions, as multi-resolution meshes have them (spec 3.2): 0 .. 2^bits - 1 from the node's
/// corner to the opposite one, rounded half up, so that what lies on one side of the middle stays there; what lies on
/// the middle is 2^(bits-1) exactly if there are octants. Vertices at one place become one; triangles that have lost
/// their area, two corners at one place, are dropped, and vertices that none uses.
class Quantizer {
 public:
  /// `quantized` is overwritten; memory is used again. Positions outside of the node are moved to its faces.
  void quantize(const Mesh& mesh, const QuantizeFrame& frame, QuantizedMesh& quantized);

 private:
  std::vector<std::uint32_t> slots_, number_;
  std::vector<std::array<std::int32_t, 3>> places_;
};

}  // namespace ngforge
