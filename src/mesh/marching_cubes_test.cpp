// SPDX-License-Identifier: Apache-2.0
#include "mesh/marching_cubes.h"

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mesh/test_surfaces.h"

namespace ngforge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Position = std::array<float, 3>;

Mesh mesh_of(const LabelSurface& surface) {
  return {{surface.positions.begin(), surface.positions.end()}, {surface.triangles.begin(), surface.triangles.end()}};
}

/// A block of zeros with a rim, in which the named voxels hold the label 1.
Block voxels(const std::vector<VoxelVec>& held) {
  Block block(DataType::uint32, {{0, 0, 0}, {6, 6, 6}}, 1);
  std::memset(block.bytes().data(), 0, block.bytes().size());
  for (const VoxelVec& p : held) reinterpret_cast<std::uint32_t*>(block.bytes().data())[p.x + 6 * p.y + 36 * p.z] = 1;
  return block;
}

double volume(const Mesh& mesh) {
  double six_times = 0;
  for (const auto& t : mesh.triangles) {
    const Position &a = mesh.positions[t[0]], &b = mesh.positions[t[1]], &c = mesh.positions[t[2]];
    for (int axis = 0; axis < 3; ++axis) {
      const int u = (axis + 1) % 3, v = (axis + 2) % 3;
      six_times += double{a[axis]} * (double{b[u]} * c[v] - double{b[v]} * c[u]);
    }
  }
  return six_times / 6;
}

/// Vertices - edges + triangles.
Index euler_number(const Mesh& mesh) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> edges;
  for (const auto& t : mesh.triangles) {
    for (int i = 0; i < 3; ++i) edges.insert(std::minmax(t[i], t[(i + 1) % 3]));
  }
  return std::ssize(mesh.positions) - std::ssize(edges) + std::ssize(mesh.triangles);
}

/// What keeps a mesh from being a closed, oriented 2-manifold, or nothing.
std::string fault_of(const Mesh& mesh) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> sides;
  std::vector<std::map<std::uint32_t, std::uint32_t>> fans(mesh.positions.size());
  for (const auto& t : mesh.triangles) {
    for (int i = 0; i < 3; ++i) {
      if (!sides.insert({t[i], t[(i + 1) % 3]}).second) return "two triangles run along a side the same way";
      fans[t[i]][t[(i + 1) % 3]] = t[(i + 2) % 3];
    }
  }
  for (const auto& [from, to] : sides) {
    if (!sides.contains({to, from})) return "a side has one triangle";
  }
  for (const auto& fan : fans) {
    if (fan.empty()) return "a vertex has no triangle";
    std::uint32_t at = fan.begin()->first;
    std::size_t round = 0;
    do {
      at = fan.at(at);
      ++round;
    } while (at != fan.begin()->first);
    if (round != fan.size()) return "a vertex has two fans";
  }
  return "";
}

/// The 18-connected Euler number of a label: corners - edges + faces - voxels of the union of its closed voxels,
/// counted on a lattice of half voxels; a corner where two opposite voxels meet alone is two, for there they are apart.
/// The label must not touch the block's faces.
Index digital_euler_number(const Block& block, std::uint32_t label) {
  const VoxelVec size = block.box().size();
  const auto* values = reinterpret_cast<const std::uint32_t*>(block.bytes().data());
  Index sum = 0;
  for (Index z = 1; z < 2 * size.z; ++z) {
    for (Index y = 1; y < 2 * size.y; ++y) {
      for (Index x = 1; x < 2 * size.x; ++x) {
        // An odd coordinate is a voxel's middle, an even one touches the voxels on both sides.
        unsigned held = 0;
        for (Index c = 0; c < 8; ++c) {
          const Index vx = (x - (c & 1)) / 2, vy = (y - (c >> 1 & 1)) / 2, vz = (z - (c >> 2)) / 2;
          const bool is_inside = vx < size.x && vy < size.y && vz < size.z;
          held |= unsigned{is_inside && values[vx + size.x * (vy + size.y * vz)] == label} << c;
        }
        if (held != 0) sum += (x + y + z) % 2 == 0 ? 1 : -1;
        const bool is_corner = x % 2 == 0 && y % 2 == 0 && z % 2 == 0;
        const bool opposite_alone = std::popcount(held) == 2 && (held >> (7 - std::countr_zero(held)) & 1) != 0;
        if (is_corner && opposite_alone) ++sum;
      }
    }
  }
  return sum;
}

/// Sets the outermost voxels to 0.
void clear_rim(Block& block) {
  const VoxelVec size = block.box().size();
  auto* values = reinterpret_cast<std::uint32_t*>(block.bytes().data());
  for (Index z = 0; z < size.z; ++z)
    for (Index y = 0; y < size.y; ++y)
      for (Index x = 0; x < size.x; ++x) {
        const bool is_inner = x > 0 && y > 0 && z > 0 && x + 1 < size.x && y + 1 < size.y && z + 1 < size.z;
        if (!is_inner) values[x + size.x * (y + size.y * z)] = 0;
      }
}

TEST(MarchingCubes, MakesAnOctahedronOfAVoxel) {
  MarchingCubes cubes;
  const Block block = voxels({{1, 2, 3}});
  const auto surfaces = cubes.extract(block.view());
  ASSERT_EQ(surfaces.size(), 1u);
  EXPECT_EQ(surfaces[0].label, 1u);
  const Mesh mesh = mesh_of(surfaces[0]);
  EXPECT_THAT(mesh.positions, ElementsAre(Position{1, 2, 2.5}, Position{1, 1.5, 3}, Position{0.5, 2, 3},
                                          Position{1.5, 2, 3}, Position{1, 2.5, 3}, Position{1, 2, 3.5}));
  EXPECT_EQ(mesh.triangles.size(), 8u);
  EXPECT_EQ(fault_of(mesh), "");
  EXPECT_DOUBLE_EQ(volume(mesh), 8.0 / 48);  // eight corners of half a voxel's sides
}

struct Shape {
  std::string name;
  std::vector<VoxelVec> held;
  std::size_t vertices, triangles;
  Index euler_number;
  double volume;  // in 24ths
};

class Shapes : public testing::TestWithParam<Shape> {};

TEST_P(Shapes, HaveTheCountsOfTheHand) {
  MarchingCubes cubes;
  const Block block = voxels(GetParam().held);
  const auto surfaces = cubes.extract(block.view());
  ASSERT_EQ(surfaces.size(), 1u);
  const Mesh mesh = mesh_of(surfaces[0]);
  EXPECT_EQ(mesh.positions.size(), GetParam().vertices);
  EXPECT_EQ(mesh.triangles.size(), GetParam().triangles);
  EXPECT_EQ(fault_of(mesh), "");
  EXPECT_EQ(euler_number(mesh), GetParam().euler_number);
  EXPECT_DOUBLE_EQ(24 * volume(mesh), GetParam().volume);
}

// A vertex for each face of a voxel that shows. Of a closed surface of Euler number e, the triangles are 2 (vertices -
// e). Volumes by cubes: a corner has 1/2 (in 24ths), two along an edge 3, two across a face 5 (a wedge), three of a
// face 8.5 (the convex hull).
INSTANTIATE_TEST_SUITE_P(
    Hand, Shapes,
    testing::Values(
        Shape{"voxel", {{2, 2, 2}}, 6, 8, 2, 8 * 0.5},
        Shape{"pair", {{2, 2, 2}, {3, 2, 2}}, 10, 16, 2, 8 * 0.5 + 4 * 3},
        Shape{"angle", {{2, 2, 2}, {3, 2, 2}, {2, 3, 2}}, 14, 24, 2, 2 * (5 * 0.5 + 2 * 3 + 8.5)},
        Shape{"across_an_edge", {{2, 2, 2}, {3, 3, 2}}, 12, 20, 2, 2 * (6 * 0.5 + 5)},
        Shape{"across_a_corner", {{2, 2, 2}, {3, 3, 3}}, 12, 16, 4, 16 * 0.5},
        Shape{"apart", {{1, 1, 1}, {3, 1, 1}}, 12, 16, 4, 16 * 0.5},
        Shape{"ring",
              {{1, 1, 2}, {2, 1, 2}, {3, 1, 2}, {3, 2, 2}, {3, 3, 2}, {2, 3, 2}, {1, 3, 2}, {1, 2, 2}},
              32,
              64,
              0,
              2 * (4 * 0.5 + 8 * 3 + 4 * 8.5)},
        Shape{"ring_of_diagonals", {{1, 2, 2}, {2, 1, 2}, {3, 2, 2}, {2, 3, 2}}, 24, 48, 0, 2 * (8 * 0.5 + 4 * 5)}),
    [](const auto& info) { return info.param.name; });

TEST(MarchingCubes, SeesEveryTypeAndAnyStrides) {
  const Box box{{-3, 5, 7}, {5, 12, 13}};
  MarchingCubes cubes;
  for (const DataType type : {DataType::uint8, DataType::uint16, DataType::uint32, DataType::uint64}) {
    const Block whole = random_labels(type, {{-4, 4, 6}, {7, 13, 14}}, 5, 5, 1);
    Block part(type, box, 1);
    copy_common(whole.view(), part.view());
    const auto strided = cubes.extract(whole.view().crop(box));
    std::vector<Mesh> meshes;
    for (const LabelSurface& s : strided) meshes.push_back(mesh_of(s));
    const auto dense = cubes.extract(part.view());
    ASSERT_EQ(dense.size(), 4u);
    ASSERT_EQ(meshes.size(), 4u);
    for (std::size_t i = 0; i < dense.size(); ++i) {
      EXPECT_EQ(mesh_of(dense[i]).positions, meshes[i].positions);
      EXPECT_EQ(mesh_of(dense[i]).triangles, meshes[i].triangles);
    }
  }
}

TEST(MarchingCubes, TellsLabelsApartThatDifferInTheHighBits) {
  Block block(DataType::uint64, {{0, 0, 0}, {2, 2, 2}}, 1);
  const std::uint64_t labels[] = {1, 1ull << 32, 1ull << 63, 1, 1, 1, 1, 0};
  std::memcpy(block.bytes().data(), labels, sizeof labels);
  MarchingCubes cubes;
  std::vector<std::uint64_t> found;
  for (const LabelSurface& s : cubes.extract(block.view())) found.push_back(s.label);
  EXPECT_THAT(found, ElementsAre(1u, 1ull << 32, 1ull << 63));
}

TEST(MarchingCubes, FindsNothingWithoutACube) {
  MarchingCubes cubes;
  for (const VoxelVec size : {VoxelVec{1, 4, 4}, VoxelVec{4, 1, 4}, VoxelVec{4, 4, 1}, VoxelVec{0, 4, 4}}) {
    const Block block = random_labels(DataType::uint32, {{0, 0, 0}, size}, 3, 0, 1);
    EXPECT_THAT(cubes.extract(block.view()), IsEmpty());
  }
  EXPECT_THAT(cubes.extract(voxels({}).view()), IsEmpty());
}

RC_GTEST_PROP(MarchingCubes, EqualsTheReference, ()) {
  static MarchingCubes cubes;  // keeps its memory: the next block must not see it
  const VoxelVec size = {*rc::gen::inRange<Index>(2, 8) + 62 * *rc::gen::inRange<Index>(0, 3),
                         *rc::gen::inRange<Index>(2, 9), *rc::gen::inRange<Index>(2, 9)};
  const auto labels = *rc::gen::inRange<std::uint64_t>(2, 12);
  const Block block = random_labels(DataType::uint32, {{5, 6, 7}, VoxelVec{5, 6, 7} + size}, labels,
                                    *rc::gen::inRange(0, 9), *rc::gen::arbitrary<std::uint32_t>());
  std::map<std::uint64_t, Mesh> meshes;
  std::uint64_t last = 0;
  for (const LabelSurface& surface : cubes.extract(block.view())) {
    RC_ASSERT(surface.label > last);
    last = surface.label;
    meshes[last] = mesh_of(surface);
  }
  for (std::uint64_t label = 1; label < labels; ++label) {
    const Mesh expected = marching_cubes_reference(block.view(), label);
    RC_ASSERT(meshes[label].positions == expected.positions);
    RC_ASSERT(meshes[label].triangles == expected.triangles);
  }
}

RC_GTEST_PROP(MarchingCubes, LeavesOutWhatNobodyWants, ()) {
  MarchingCubes cubes;
  const Block block = random_labels(DataType::uint32, {{0, 0, 0}, {9, 8, 7}}, 9, *rc::gen::inRange(0, 9),
                                    *rc::gen::arbitrary<std::uint32_t>());
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t label = 0; label < 12; ++label) {
    if (*rc::gen::arbitrary<bool>()) wanted.push_back(label);
  }
  std::vector<std::pair<std::uint64_t, Mesh>> expected;
  for (const LabelSurface& s : cubes.extract(block.view())) {
    if (std::ranges::binary_search(wanted, s.label)) expected.emplace_back(s.label, mesh_of(s));
  }
  const auto surfaces = cubes.extract(block.view(), wanted);
  RC_ASSERT(surfaces.size() == expected.size());
  for (std::size_t i = 0; i < surfaces.size(); ++i) {
    RC_ASSERT(surfaces[i].label == expected[i].first);
    RC_ASSERT(mesh_of(surfaces[i]).positions == expected[i].second.positions);
    RC_ASSERT(mesh_of(surfaces[i]).triangles == expected[i].second.triangles);
  }
}

RC_GTEST_PROP(MarchingCubes, MakesManifoldsOfTheLabelsTopology, ()) {
  MarchingCubes cubes;
  const VoxelVec size = {*rc::gen::inRange<Index>(3, 12), *rc::gen::inRange<Index>(3, 12),
                         *rc::gen::inRange<Index>(3, 12)};
  Block block = random_labels(DataType::uint32, {{0, 0, 0}, size}, *rc::gen::inRange<std::uint64_t>(2, 8),
                              *rc::gen::inRange(0, 9), *rc::gen::arbitrary<std::uint32_t>());
  clear_rim(block);
  for (const LabelSurface& surface : cubes.extract(block.view())) {
    const Mesh mesh = mesh_of(surface);
    RC_ASSERT(fault_of(mesh) == "");
    RC_ASSERT(euler_number(mesh) == 2 * digital_euler_number(block, static_cast<std::uint32_t>(surface.label)));
    RC_ASSERT(volume(mesh) > 0);
  }
}

}  // namespace
}  // namespace ngforge
