// SPDX-License-Identifier: Apache-2.0
#include "mesh/quantize.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

using Places = std::vector<std::array<std::int32_t, 3>>;
using Triangles = std::vector<std::array<std::uint32_t, 3>>;

QuantizedMesh quantized(const Mesh& mesh, const QuantizeFrame& frame) {
  QuantizedMesh result;
  Quantizer().quantize(mesh, frame, result);
  return result;
}

// 10 bits over 1023 voxels: a step is a voxel.
TEST(Quantize, RoundsHalfUpAndKeepsFaces) {
  const Mesh mesh{{{0, 0.49f, 0.5f}, {1023, 1.5f, 511.5f}, {1022.5f, 1022.4f, 700.25f}}, {{0, 1, 2}}};
  const auto result = quantized(mesh, {{1023, 1023, 1023}, 10, false});
  EXPECT_EQ(result.positions, (Places{{0, 0, 1}, {1023, 2, 512}, {1023, 1022, 700}}));
  EXPECT_EQ(result.triangles, (Triangles{{0, 1, 2}}));
}

// The middle lies between 32767 and 32768: what is on it counts as 32768, what is below stays below.
TEST(Quantize, PutsWhatIsOnTheMiddleToItsNumber) {
  const float below = std::nextafter(128.0f, 0.0f);
  const Mesh mesh{{{128, 0, 0}, {below, 256, 0}, {129, 0, 256}}, {{0, 1, 2}}};
  const auto result = quantized(mesh, {{256, 256, 256}, 16, true});
  EXPECT_EQ(result.positions, (Places{{32768, 0, 0}, {32767, 65535, 0}, {33023, 0, 65535}}));
  // Half of an odd extent.
  const auto odd = quantized({{{64.5f, 0, 0}, {0, 129, 0}, {0, 0, 129}}, {{0, 1, 2}}}, {{129, 129, 129}, 10, true});
  EXPECT_EQ(odd.positions[0][0], 512);
}

TEST(Quantize, JoinsWhatFallsTogether) {
  // Vertices 1 and 2 get one place, so that the first triangle loses its area; 4 is used by none.
  const Mesh mesh{{{0, 0, 0}, {10, 0, 0}, {10.2f, 0, 0}, {0, 10, 0}, {5, 5, 5}}, {{0, 1, 2}, {0, 2, 3}}};
  const auto result = quantized(mesh, {{1023, 1023, 1023}, 10, false});
  EXPECT_EQ(result.positions, (Places{{0, 0, 0}, {10, 0, 0}, {0, 10, 0}}));
  EXPECT_EQ(result.triangles, (Triangles{{0, 1, 2}}));
}

}  // namespace
}  // namespace ngforge
