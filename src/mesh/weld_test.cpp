// SPDX-License-Identifier: Apache-2.0
#include "mesh/weld.h"

#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mesh/marching_cubes.h"
#include "mesh/test_surfaces.h"

namespace ngforge {
namespace {

using testing::ElementsAre;
using Position = std::array<float, 3>;
using Triangle = std::array<std::uint32_t, 3>;

MeshPart part_of(const Mesh& mesh, const Position& corner, const Position& size) {
  return {mesh.positions, mesh.triangles, corner, size};
}

TEST(Weld, JoinsTrianglesAtAFace) {
  const Mesh left{{{1, 0.5, 0.5}, {2, 0, 1}, {2, 1, 1}}, {{0, 1, 2}}};
  const Mesh right{{{0, 0, 1}, {0, 1, 1}, {1, 0.5, 0.5}}, {{0, 2, 1}}};
  const std::vector<MeshPart> parts = {part_of(left, {-2, 4, 4}, {2, 2, 2}), part_of(right, {0, 4, 4}, {2, 2, 2})};
  const Mesh mesh = weld(parts);
  EXPECT_THAT(mesh.positions,
              ElementsAre(Position{-1, 4.5, 4.5}, Position{0, 4, 5}, Position{0, 5, 5}, Position{1, 4.5, 4.5}));
  EXPECT_THAT(mesh.triangles, ElementsAre(Triangle{0, 1, 2}, Triangle{1, 3, 2}));
}

TEST(Weld, KeepsVerticesOfOnePartApart) {
  // Two sheets touch at a place in each part: there are still two vertices, not one and not four.
  const Mesh left{{{2, 1, 1}, {2, 1, 1}}, {}};
  const Mesh right{{{0, 1, 1}, {0, 1, 1}, {0, 1, 2}}, {}};
  const std::vector<MeshPart> parts = {part_of(left, {0, 0, 0}, {2, 2, 2}), part_of(right, {2, 0, 0}, {2, 2, 2})};
  EXPECT_THAT(weld(parts).positions, ElementsAre(Position{2, 1, 1}, Position{2, 1, 1}, Position{2, 1, 2}));
}

TEST(Weld, LeavesTheInsideAlone) {
  const Mesh mesh{{{0.5, 1, 1}, {0.5, 1, 1}}, {}};
  const std::vector<MeshPart> parts = {part_of(mesh, {0, 0, 0}, {2, 2, 2}), part_of(mesh, {0, 0, 0}, {2, 2, 2})};
  EXPECT_EQ(weld(parts).positions.size(), 4u);
}

TEST(Weld, MakesNothingOfNothing) {
  EXPECT_TRUE(weld({}).positions.empty());
}

/// Random planes of voxels at which to cut an axis, with both ends.
std::vector<Index> cuts(Index begin, Index end) {
  std::vector<Index> result = {begin};
  for (Index at = begin + 1; at + 1 < end; ++at) {
    if (*rc::gen::inRange(0, 3) == 0) result.push_back(at);
  }
  result.push_back(end - 1);
  return result;
}

RC_GTEST_PROP(Weld, MakesTheWholeOfItsBlocks, ()) {
  const Box box{{3, -4, 5}, {3 + *rc::gen::inRange<Index>(2, 14), 4, 12}};
  const Block whole = random_labels(DataType::uint64, box, *rc::gen::inRange<std::uint64_t>(2, 7),
                                    *rc::gen::inRange(0, 9), *rc::gen::arbitrary<std::uint32_t>());
  struct Piece {
    Mesh mesh;
    Box box;
  };
  std::map<std::uint64_t, std::vector<Piece>> pieces;
  MarchingCubes cubes;
  const auto x = cuts(box.begin.x, box.end.x), y = cuts(box.begin.y, box.end.y), z = cuts(box.begin.z, box.end.z);
  for (std::size_t k = 0; k + 1 < z.size(); ++k)
    for (std::size_t j = 0; j + 1 < y.size(); ++j)
      for (std::size_t i = 0; i + 1 < x.size(); ++i) {
        const Box part{{x[i], y[j], z[k]}, {x[i + 1] + 1, y[j + 1] + 1, z[k + 1] + 1}};
        for (const LabelSurface& s : cubes.extract(whole.view().crop(part)))
          pieces[s.label].push_back(
              {{{s.positions.begin(), s.positions.end()}, {s.triangles.begin(), s.triangles.end()}}, part});
      }
  for (const LabelSurface& expected : cubes.extract(whole.view())) {
    std::vector<MeshPart> parts;
    for (const Piece& piece : pieces[expected.label]) {
      const VoxelVec corner = piece.box.begin - box.begin, size = piece.box.size() - VoxelVec::all(1);
      const auto floats = [](const VoxelVec& v) {
        return Position{static_cast<float>(v.x), static_cast<float>(v.y), static_cast<float>(v.z)};
      };
      parts.push_back(part_of(piece.mesh, floats(corner), floats(size)));
    }
    const Mesh mesh = weld(parts);
    RC_ASSERT(mesh.positions.size() == expected.positions.size());
    const Mesh of_whole{{expected.positions.begin(), expected.positions.end()},
                        {expected.triangles.begin(), expected.triangles.end()}};
    RC_ASSERT(triangles_by_position(mesh) == triangles_by_position(of_whole));
    pieces.erase(expected.label);
  }
  RC_ASSERT(pieces.empty());
}

}  // namespace
}  // namespace ngforge
