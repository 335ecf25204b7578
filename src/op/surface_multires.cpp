// SPDX-License-Identifier: Apache-2.0
#include "op/surface_multires.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "codec/draco.h"
#include "core/affine.h"
#include "layout/mesh_manifest.h"
#include "mesh/simplify.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

constexpr std::size_t kFewTriangles = 300;
constexpr int kMostLevels = 16;

/// The box around positions as a manifest says it: no position is outside of origin and shape as float32.
struct NodeBox {
  std::array<float, 3> origin, shape;
};

NodeBox box_around(const Mesh& mesh) {
  NodeBox box;
  for (std::size_t a = 0; a < 3; ++a) {
    const auto coordinate = [a](const auto& position) { return position[a]; };
    const auto [low, high] = std::ranges::minmax(mesh.positions, {}, coordinate);
    box.origin[a] = low[a];
    const double length = double{high[a]} - low[a];
    const auto rounded = static_cast<float>(length);
    // Flat surfaces need a box too.
    box.shape[a] = length > 0
                       ? (rounded < length ? std::nextafter(rounded, std::numeric_limits<float>::max()) : rounded)
                       : std::max(1.0F, std::abs(low[a]) * 1e-6F);
  }
  return box;
}

// `mesh`: in units of `scale` from the box's origin.
QuantizedMesh quantized(const Mesh& mesh, const NodeBox& box, double scale, int level, int bits) {
  QuantizedMesh out;
  out.triangles = mesh.triangles;
  out.positions.reserve(mesh.positions.size());
  const double most = std::ldexp(1.0, bits) - 1;
  // What simplification has moved out of the box must not cross the middle of a coarser level's node.
  const double end = std::min(most, std::ldexp(1.0, bits - level));
  for (const auto& position : mesh.positions) {
    auto& to = out.positions.emplace_back();
    for (std::size_t a = 0; a < 3; ++a) {
      const double part = double{position[a]} * scale / std::ldexp(double{box.shape[a]}, level);
      to[a] = static_cast<std::int32_t>(std::clamp(std::floor(part * most + 0.5), 0.0, end));
    }
  }
  return out;
}

double area_of(const Mesh& mesh) {
  double area = 0;
  for (const auto& triangle : mesh.triangles) {
    std::array<double, 3> u, v;
    for (std::size_t a = 0; a < 3; ++a) {
      u[a] = double{mesh.positions[triangle[1]][a]} - mesh.positions[triangle[0]][a];
      v[a] = double{mesh.positions[triangle[2]][a]} - mesh.positions[triangle[0]][a];
    }
    area += std::hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]) / 2;
  }
  return area;
}

/// Stored positions of `info` to nm.
Affine stored_to_nm(const MeshInfo& info) {
  Affine affine;
  for (std::size_t i = 0; i < info.transform.size(); ++i) affine.m[i / 4][i % 4] = info.transform[i];
  return affine;
}

}  // namespace

Result<EncodedMesh> encode_multires(const Mesh& mesh_nm, const MeshInfo& info) {
  const Affine to_nm = stored_to_nm(info);
  const auto to_stored = inverse(to_nm);
  if (!to_stored)
    return make_error(ErrorCode::invalid_data, "mesh info: transform: expected a matrix with an inverse").of_source();
  Mesh mesh = mesh_nm;
  transform_mesh(mesh, *to_stored);
  const NodeBox box = box_around(mesh);
  // Sides of triangles, about: what a level resolves.
  const double scale =
      std::max(std::sqrt(area_of(mesh) / static_cast<double>(mesh.triangles.size())), double{box.shape[0]} * 1e-6);
  for (auto& position : mesh.positions)
    for (std::size_t a = 0; a < 3; ++a) position[a] = static_cast<float>((double{position[a]} - box.origin[a]) / scale);
  MeshManifest manifest{box.shape, box.origin, {}};
  EncodedMesh encoded;
  Simplifier simplifier;
  for (int level = 0; level < kMostLevels; ++level) {
    NGFORGE_TRY(const Bytes fragment, encode_draco(quantized(mesh, box, scale, level, info.vertex_quantization_bits)));
    if (fragment.empty()) break;
    MeshLevel& said = manifest.levels.emplace_back();
    said.scale = static_cast<float>(std::ldexp(scale, level));
    said.nodes.push_back({{0, 0, 0}, static_cast<std::uint32_t>(fragment.size())});
    encoded.fragments.insert(encoded.fragments.end(), fragment.begin(), fragment.end());
    const std::size_t before = mesh.triangles.size();
    if (before <= kFewTriangles) break;
    simplifier.simplify(mesh, {}, {{1, 1, 1}, std::ldexp(1.0, level + 1), before / 4});
    if (mesh.triangles.size() > before - before / 8) break;
  }
  if (manifest.levels.empty())
    return make_error(ErrorCode::invalid_data,
                      "expected a surface that is larger than its quantisation, found {} triangles "
                      "without area",
                      mesh_nm.triangles.size())
        .of_source();
  encoded.manifest = encode_mesh_manifest(manifest);
  return encoded;
}

}  // namespace ngforge
