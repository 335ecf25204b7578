// SPDX-License-Identifier: Apache-2.0
#include "mesh/label_scan.h"

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace ngforge
