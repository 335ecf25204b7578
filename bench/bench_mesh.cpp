// SPDX-License-Identifier: Apache-2.0
// bench_mesh LABELS SIDE TYPE NODE: marching cubes over SIDE^3 raw labels (x fastest, uint32 or uint64), closed at the
// border, on one thread, in nodes of NODE^3 cubes one after the other. Prints the processor's seconds: for the surfaces
// in each node, the best of some rounds; for all of them kept and welded to one mesh of each label. And each label's
// vertices, triangles and volume.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/block.h"
#include "mesh/marching_cubes.h"
#include "mesh/weld.h"

namespace {

using namespace ngforge;

constexpr int kRounds = 3;

double volume_of(const Mesh& mesh) {
  double six_times = 0;
  for (const auto& t : mesh.triangles) {
    const auto &a = mesh.positions[t[0]], &b = mesh.positions[t[1]], &c = mesh.positions[t[2]];
    for (int axis = 0; axis < 3; ++axis) {
      const int u = (axis + 1) % 3, v = (axis + 2) % 3;
      six_times += double{a[axis]} * (double{b[u]} * c[v] - double{b[v]} * c[u]);
    }
  }
  return six_times / 6;
}

/// Calls `visit(corner, surface)` for every label of every node.
template <class Visit>
void for_each_surface(const Block& whole, Index node, Visit visit) {
  MarchingCubes cubes;
  Block block(whole.type(), Box{{0, 0, 0}, VoxelVec::all(node + 1)}, 1);
  const VoxelVec end = whole.box().end;
  for (Index z = -1; z < end.z; z += node)
    for (Index y = -1; y < end.y; y += node)
      for (Index x = -1; x < end.x; x += node) {
        const VoxelVec corner{x, y, z};
        const Box box{corner,
                      {std::min(x + node, end.x) + 1, std::min(y + node, end.y) + 1, std::min(z + node, end.z) + 1}};
        const MutableBlockView view = dense_view(block.bytes().data(), whole.type(), box, 1);
        if (!whole.box().contains(box)) std::memset(view.data, 0, view.byte_count());
        copy_common(whole.view(), view);
        for (const LabelSurface& surface : cubes.extract(view)) visit(corner, surface);
      }
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

struct PlacedMesh {
  VoxelVec corner;
  Mesh mesh;
};
using Parts = std::map<std::uint64_t, std::vector<PlacedMesh>>;

Parts copied_surfaces(const Block& whole, Index node) {
  Parts parts;
  for_each_surface(whole, node, [&](const VoxelVec& corner, const LabelSurface& s) {
    parts[s.label].push_back(
        {corner, {{s.positions.begin(), s.positions.end()}, {s.triangles.begin(), s.triangles.end()}}});
  });
  return parts;
}

Mesh welded(const std::vector<PlacedMesh>& meshes, Index node) {
  const auto side = static_cast<float>(node);
  std::vector<MeshPart> parts;
  for (const PlacedMesh& m : meshes) {
    const std::array<float, 3> corner = {static_cast<float>(m.corner.x), static_cast<float>(m.corner.y),
                                         static_cast<float>(m.corner.z)};
    parts.push_back({m.mesh.positions, m.mesh.triangles, corner, {side, side, side}});
  }
  return weld(parts);
}

int run(const char* path, Index side, DataType type, Index node) {
  Block whole(type, Box{{0, 0, 0}, {side, side, side}}, 1);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(whole.bytes().data()), static_cast<std::streamsize>(whole.bytes().size()))) {
    fmt::print(stderr, "bench_mesh: {} is too short\n", path);
    return 3;
  }
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = cpu_seconds();
    std::size_t triangles = 0;
    for_each_surface(whole, node, [&](const VoxelVec&, const LabelSurface& s) { triangles += s.triangles.size(); });
    if (triangles > 0) best = std::min(best, cpu_seconds() - begin);
  }
  double begin = cpu_seconds();
  const Parts parts = copied_surfaces(whole, node);
  double weld_seconds = cpu_seconds() - begin;
  std::string labels;
  for (const auto& [label, meshes] : parts) {
    begin = cpu_seconds();
    const Mesh mesh = welded(meshes, node);
    weld_seconds += cpu_seconds() - begin;
    labels += fmt::format("{}\"{}\": [{}, {}, {}]", labels.empty() ? "" : ", ", label, mesh.positions.size(),
                          mesh.triangles.size(), volume_of(mesh));
  }
  fmt::print("{{\"seconds\": {:.4f}, \"seconds_welded\": {:.4f}, \"labels\": {{{}}}}}\n", best, weld_seconds, labels);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto type = argc == 5 ? parse_data_type(argv[3]) : std::nullopt;
  const Index node = argc == 5 ? std::atol(argv[4]) : 0;
  if (!type || node < 1) {
    fmt::print(stderr, "usage: bench_mesh LABELS SIDE uint32|uint64 NODE\n");
    return 2;
  }
  return run(argv[1], std::atol(argv[2]), *type, node);
}
