// SPDX-License-Identifier: Apache-2.0
#include "mesh/quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ngforge {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

std::uint64_t hash_of(const std::array<std::int32_t, 3>& place) {
  const auto x = static_cast<std::uint64_t>(place[0]), y = static_cast<std::uint64_t>(place[1]),
             z = static_cast<std::uint64_t>(place[2]);
  std::uint64_t h = (x | y << 16 | z << 32) * 0x9e3779b97f4a7c15u;
  h ^= h >> 32;
  return h * 0xd6e8feb86659fd93u >> 16;
}

}  // namespace

void Quantizer::quantize(const Mesh& mesh, const QuantizeFrame& frame, QuantizedMesh& quantized) {
  const std::int32_t most = (1 << frame.bits) - 1, middle = 1 << (frame.bits - 1);
  std::array<double, 3> scale;
  for (std::size_t a = 0; a < 3; ++a) scale[a] = most / static_cast<double>(frame.extent[a]);
  places_.resize(mesh.positions.size());
  for (std::size_t i = 0; i < places_.size(); ++i)
    for (std::size_t a = 0; a < 3; ++a) {
      const float at = mesh.positions[i][a];
      const double q = std::floor(at * scale[a] + 0.5);
      places_[i][a] = static_cast<std::int32_t>(std::clamp<double>(q, 0, most));
      if (frame.has_octants && 2 * at == frame.extent[a]) places_[i][a] = middle;
    }

  // The first vertex at a place stands for all; it gets a number when a triangle uses it.
  const std::size_t slots = std::bit_ceil(2 * places_.size() + 1);
  slots_.assign(slots, kNone);
  number_.assign(places_.size(), kNone);
  const auto first_at = [&](std::uint32_t vertex) {
    std::size_t slot = hash_of(places_[vertex]) & (slots - 1);
    while (slots_[slot] != kNone && places_[slots_[slot]] != places_[vertex]) slot = (slot + 1) & (slots - 1);
    if (slots_[slot] == kNone) slots_[slot] = vertex;
    return slots_[slot];
  };
  quantized.positions.clear();
  quantized.triangles.clear();
  for (const auto& triangle : mesh.triangles) {
    std::array<std::uint32_t, 3> corners;
    for (std::size_t c = 0; c < 3; ++c) corners[c] = first_at(triangle[c]);
    if (corners[0] == corners[1] || corners[1] == corners[2] || corners[2] == corners[0]) continue;
    for (std::uint32_t& corner : corners) {
      std::uint32_t& number = number_[corner];
      if (number == kNone) {
        number = static_cast<std::uint32_t>(quantized.positions.size());
        quantized.positions.push_back(places_[corner]);
      }
      corner = number;
    }
    quantized.triangles.push_back(corners);
  }
}

}  // namespace ngforge
