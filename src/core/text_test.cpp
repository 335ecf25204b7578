// SPDX-License-Identifier: Apache-2.0
#include "ngforge/text.h"

#include <gtest/gtest.h>

namespace ngforge {
namespace {

TEST(Text, SuffixesNeedAName) {
  EXPECT_TRUE(ends_with_any_case("Brain.NII.gz", ".nii.gz"));
  EXPECT_FALSE(ends_with_any_case(".nii", ".nii"));
  EXPECT_FALSE(ends_with_any_case("i", ".nii"));
  EXPECT_EQ(lower_case("A\xc3\x84z0"), "a\xc3\x84z0") << "bytes beyond ASCII stay";
}

TEST(Text, AmountsInUnits) {
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::uint64_t{3} << 50), "3.0 PiB");
  EXPECT_EQ(length_text(0), "0 nm");
  EXPECT_EQ(length_text(1500), "1.5 um");
  EXPECT_EQ(length_text(1.5e7), "15 mm");
  EXPECT_EQ(lengths_text({8, 8, 40}), "8 x 8 x 40 nm");
  EXPECT_EQ(lengths_text({1500, 1000, 1e6}), "1.5 x 1 x 1000 um");
  EXPECT_EQ(lengths_text({1e6, 1e6, 2e6}), "1 x 1 x 2 mm");
}

TEST(Text, PercentEncoding) {
  EXPECT_EQ(percent_encoded("a b/\xc3\xa4~1:0"), "a%20b/%C3%A4~1%3A0");
  EXPECT_EQ(percent_decoded("a%20b/%c3%A4~1:0"), "a b/\xc3\xa4~1:0");
  EXPECT_EQ(percent_decoded("100%"), std::nullopt);
  EXPECT_EQ(percent_decoded("%g0"), std::nullopt);
}

}  // namespace
}  // namespace ngforge
