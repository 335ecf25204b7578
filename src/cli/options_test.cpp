// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge::cli {
namespace {

using ::testing::ElementsAre;

TEST(Options, IntegersAreWhatIsWritten) {
  EXPECT_EQ(parse_integer("010", "--n", 0, 100), 10);
  EXPECT_EQ(parse_integer("-4", "--n", -10, 100), -4);
  for (const char* wrong : {"", "0x10", "1.0", "7 ", " 7", "+7", "101", "-11", "99999999999999999999"}) {
    const auto value = parse_integer(wrong, "--n", -10, 100);
    ASSERT_FALSE(value.has_value()) << wrong;
    EXPECT_EQ(value.error().message, fmt::format("--n: expected a whole number from -10 to 100, found \"{}\"", wrong));
  }
}

TEST(Options, SizesTakeBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_size("512MiB", "--memory"), 536870912u);
  EXPECT_EQ(parse_size("2GB", "--memory"), 2000000000u);
  EXPECT_EQ(parse_size("1.5GiB", "--memory"), 1610612736u);
  EXPECT_EQ(parse_size("4096", "--memory"), 4096u);
  for (const char* wrong : {"", "MiB", "-1", "0", "0.5", "0.0001KiB", "12 MiB", "12miB", "1e30", "nan", "infMiB"})
    EXPECT_FALSE(parse_size(wrong, "--memory").has_value()) << wrong;
}

TEST(Options, LengthsAreNanometresUnlessTheySayOtherwise) {
  EXPECT_EQ(parse_length_nm("8", "--voxel-size"), 8);
  EXPECT_EQ(parse_length_nm("0.5um", "--voxel-size"), 500);
  EXPECT_EQ(parse_length_nm("1mm", "--voxel-size"), 1e6);
  for (const char* wrong : {"", "mm", "0", "-1mm", "1in", "1 mm"})
    EXPECT_FALSE(parse_length_nm(wrong, "--voxel-size").has_value()) << wrong;
}

TEST(Options, OneNumberMeansAllThree) {
  EXPECT_THAT(*parse_index_triple("64", "--chunk-size", 1, 2048), ElementsAre(64, 64, 64));
  EXPECT_THAT(*parse_index_triple("128,64,16", "--chunk-size", 1, 2048), ElementsAre(128, 64, 16));
  EXPECT_THAT(*parse_length_triple_nm("4nm,4nm,0.04um", "--voxel-size"), ElementsAre(4, 4, 40));
  EXPECT_FALSE(parse_index_triple("1,2", "--chunk-size", 1, 2048).has_value());
  EXPECT_FALSE(parse_index_triple("1,2,3,4", "--chunk-size", 1, 2048).has_value());
  EXPECT_FALSE(parse_index_triple("1,,3", "--chunk-size", 1, 2048).has_value());
}

}  // namespace
}  // namespace ngforge::cli
