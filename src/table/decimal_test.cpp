// SPDX-License-Identifier: Apache-2.0
#include "table/decimal.h"

#include <gtest/gtest.h>

namespace ngforge {
namespace {

TEST(TableNumber, ReadsWhatIsANumber) {
  EXPECT_EQ(parse_table_number("17")->value, 17);
  EXPECT_EQ(parse_table_number("-0.25")->value, -0.25);
  EXPECT_EQ(parse_table_number("+3.")->value, 3);
  EXPECT_EQ(parse_table_number(".5e+1")->value, 5);
  EXPECT_EQ(parse_table_number("0")->value, 0);
  for (const char* text : {"", "x", "007", "00", "1,5", "1 2", "0x10", "nan", "inf", "1e", "-", ".", "1e+", "--1"})
    EXPECT_FALSE(parse_table_number(text)) << text;
}

TEST(TableNumber, TellsIntegers) {
  for (const char* text : {"12", "12.0", "1.2e1", "-7", "0", "9007199254740991"})
    EXPECT_TRUE(parse_table_number(text)->is_integer) << text;
  for (const char* text : {"12.5", "1e-1", "9007199254740993", "1e300"})
    EXPECT_FALSE(parse_table_number(text)->is_integer) << text;
}

TEST(TableNumber, TellsWhatFloat32GivesBack) {
  // 0.3 as float32, written as the double that it is; the largest float32; its least; a denormal.
  for (const char* text :
       {"0.1", "16777216", "1e10", "0.30000001192092896", "3.4028235e38", "1e-45", "-2.50", "0.0", "123456.7", "-0"})
    EXPECT_TRUE(parse_table_number(text)->fits_float) << text;
  for (const char* text : {"16777217", "3.14159265358979", "1e-60", "1e39", "1e999", "-1e999", "1e-999"})
    EXPECT_FALSE(parse_table_number(text)->fits_float) << text;
  for (const char* text : {"3.5e38", "1e999", "-1e999"}) EXPECT_FALSE(parse_table_number(text)->is_finite) << text;
  for (const char* text : {"3.4e38", "1e-999", "16777217"}) EXPECT_TRUE(parse_table_number(text)->is_finite) << text;
}

TEST(TableNumber, MissingValues) {
  for (const char* text : {"", "n/a", "NA", "NaN", "null", "None"}) EXPECT_TRUE(is_missing_value(text)) << text;
  for (const char* text : {"0", "-", "nothing", "nano"}) EXPECT_FALSE(is_missing_value(text)) << text;
}

}  // namespace
}  // namespace ngforge
