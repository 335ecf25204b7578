// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/texts.h"

#include <gtest/gtest.h>

namespace ngforge::cli::nine {
namespace {

TEST(Texts, CountsHaveABinaryPrefix) {
  EXPECT_EQ(readable_count(0), "0 ");
  EXPECT_EQ(readable_count(999), "999 ");
  EXPECT_EQ(readable_count(1000), "1.0 ki");
  EXPECT_EQ(readable_count(10 * 1024), "10 ki");
  EXPECT_EQ(readable_count(10'000'000'000), "9.3 Gi");
  EXPECT_EQ(readable_count(1023 * 1024), "1.0 Mi");
  EXPECT_EQ(readable_count(~std::uint64_t{0}), "16 Ei");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

TEST(Texts, FloatsAreWrittenAsPythonDoes) {
  EXPECT_EQ(float_text(1), "1.0");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(-7.5e7), "-75000000.0");
  EXPECT_EQ(float_text(1e15), "1000000000000000.0");
  EXPECT_EQ(float_text(1e16), "1e+16");
  EXPECT_EQ(float_text(0.0001), "0.0001");
  EXPECT_EQ(float_text(0.00001), "1e-05");
}

TEST(Texts, KeysAreLengthsInTheCoarsestUnitThatTellsThemApart) {
  EXPECT_EQ(*unit_for_keys(1e6), "mm");
  EXPECT_EQ(*unit_for_keys(20000), "um");
  EXPECT_EQ(*unit_for_keys(699999.988), "um");  // 0.7 mm and its double would both be 1mm
  EXPECT_EQ(*unit_for_keys(0.5), "pm");
  EXPECT_FALSE(unit_for_keys(1e-6).has_value());
  EXPECT_EQ(length_text(21166.67, "um"), "21um");
  EXPECT_EQ(length_text(2.5e6, "mm"), "2mm");
}

}  // namespace
}  // namespace ngforge::cli::nine
