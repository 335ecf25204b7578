// SPDX-License-Identifier: Apache-2.0
#include "mesh/label_scan.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/marching_cubes.h"

namespace ngforge {
namespace {

TEST(LabelScan, CountsVoxelsAndPairs) {
  // Two planes of 3 x 2: 7 7 0 / 7 9 0 and 0 0 0 / 0 0 0.
  const std::uint64_t values[] = {7, 7, 0, 7, 9, 0, 0, 0, 0, 0, 0, 0};
  const BlockView block =
      dense_view(reinterpret_cast<const std::byte*>(values), DataType::uint64, Box{{10, 20, 30}, {13, 22, 32}}, 1);
  LabelScan scan;
  scan_labels(block, block.box, scan);
  EXPECT_EQ(scan.counts, (std::vector<LabelScan::Count>{{7, 3}, {9, 1}}));
  // Along x: 7|0, 7|9, 9|0; along y: 7|9; along z: four labels over zeros.
  EXPECT_EQ(scan.crossings, 8u);
  scan_labels(block, {{11, 20, 30}, {13, 21, 32}}, scan);
  EXPECT_EQ(scan.counts, (std::vector<LabelScan::Count>{{7, 1}}));
  EXPECT_EQ(scan.most_voxels, 3u);
  EXPECT_EQ(scan.crossings, 8u);
  EXPECT_EQ(scan.most_crossings, 6u);
  // 7 alone: along x 7|0, 7|9; along y 7|9; three over zeros.
  scan_label(block, 7, scan);
  EXPECT_EQ(scan.counts, (std::vector<LabelScan::Count>{{7, 3}}));
  EXPECT_EQ(scan.most_voxels, 3u);
  EXPECT_EQ(scan.crossings, 6u);
  scan_label(block, 5, scan);
  EXPECT_TRUE(scan.counts.empty());
  EXPECT_EQ(scan.crossings, 0u);
}

TEST(LabelScan, CountsThePairsOfTheLabelThatHasMost) {
  const Box box{{5, 6, 7}, {18, 15, 17}};
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint16_t> values(static_cast<std::size_t>(box.volume()));
    for (std::size_t i = 0; i < values.size(); ++i)  // in runs, also of whole rows
      values[i] = i > 0 && random() % (2 + seed) != 0 ? values[i - 1] : static_cast<std::uint16_t>(random() % 4);
    const BlockView block = dense_view(reinterpret_cast<const std::byte*>(values.data()), DataType::uint16, box, 1);
    LabelScan all, one;
    scan_labels(block, box, all);
    std::uint64_t most = 0, crossings = 0;
    for (std::uint64_t label = 0; label < 4; ++label) {
      scan_label(block, label, one);
      crossings += one.crossings;
      if (label > 0) most = std::max(most, one.crossings);
    }
    EXPECT_EQ(all.most_crossings, most) << seed;
    EXPECT_EQ(2 * all.crossings, crossings) << seed;  // each pair has two labels
  }
}

TEST(LabelScan, PairsBoundSurfacesOfManyHandles) {
  // A third of the voxels at random: most hang together across edges, in many loops.
  constexpr Index kSide = 24;
  std::mt19937 random(1);
  std::vector<std::uint32_t> values(kSide * kSide * kSide);
  for (std::uint32_t& value : values) value = random() % 3 == 0 ? 1 : 0;
  const BlockView block = dense_view(reinterpret_cast<const std::byte*>(values.data()), DataType::uint32,
                                     Box{{0, 0, 0}, {kSide, kSide, kSide}}, 1);
  LabelScan scan;
  scan_labels(block, block.box, scan);
  MarchingCubes cubes;
  const auto surfaces = cubes.extract(block);
  ASSERT_EQ(surfaces.size(), 1u);
  EXPECT_LE(surfaces[0].positions.size(), scan.crossings);
  EXPECT_LE(surfaces[0].triangles.size(), 3 * scan.crossings);
  EXPECT_LE(surfaces[0].triangles.size(), 16 * scan.most_voxels);
  EXPECT_GT(surfaces[0].triangles.size(), 2 * scan.crossings);  // a bound of two for each pair would not do
}

}  // namespace
}  // namespace ngforge
