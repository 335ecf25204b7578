// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/arguments.h"

#include <gtest/gtest.h>

namespace ngforge::cli::nine {
namespace {

// What a command line became, and the exit status if it went no further.
struct Parsed {
  std::optional<int> status;
  std::string told;
  bool gzip = true, flat = false;
  std::optional<double> low, high;
  std::optional<Index> scales;
  std::optional<std::string> type;
  std::string first, last;
  std::vector<std::string> many;
};

void add_options(Arguments& arguments, Parsed& parsed) {
  arguments.add_flag({"--no-gzip", "--no-compression"}, parsed.gzip, false, "plain");
  arguments.add_flag({"--flat"}, parsed.flat, true, "flat");
  arguments.add_number("--input-min", parsed.low, "low");
  arguments.add_number("--input-max", parsed.high, "high");
  arguments.add_integer("--max-scales", parsed.scales, "scales");
  arguments.add_choice("--type", {"image", "segmentation"}, parsed.type, "type");
}

Parsed parse(std::vector<std::string> words) {
  Parsed parsed;
  Arguments arguments("program", "Does.");
  add_options(arguments, parsed);
  arguments.add_place("first", parsed.first, "one");
  arguments.add_place("last", parsed.last, "two");
  testing::internal::CaptureStderr();
  parsed.status = arguments.parse(words);
  parsed.told = testing::internal::GetCapturedStderr();
  return parsed;
}

Parsed parse_many(std::vector<std::string> words) {
  Parsed parsed;
  Arguments arguments("program", "Does.");
  add_options(arguments, parsed);
  arguments.add_places("dirs", parsed.many, "many");
  arguments.add_place("last", parsed.last, "last");
  testing::internal::CaptureStderr();
  parsed.status = arguments.parse(words);
  parsed.told = testing::internal::GetCapturedStderr();
  return parsed;
}

TEST(Arguments, OptionsAndPlacesMayBeMixed) {
  const Parsed parsed = parse({"a", "--flat", "b", "--type=image", "--max-scales", "3"});
  EXPECT_FALSE(parsed.status);
  EXPECT_EQ(parsed.first + parsed.last, "ab");
  EXPECT_TRUE(parsed.flat);
  EXPECT_EQ(parsed.type, "image");
  EXPECT_EQ(parsed.scales, 3);
}

TEST(Arguments, OptionsMayBeCutShort) {
  EXPECT_TRUE(parse({"a", "b", "--fl"}).flat);
  EXPECT_FALSE(parse({"a", "b", "--no-c"}).gzip);
  EXPECT_EQ(parse({"a", "b", "--max=4"}).scales, 4);
}

TEST(Arguments, ANameThatCouldMeanTwoOptionsIsRefused) {
  const Parsed parsed = parse({"a", "b", "--input", "3"});
  EXPECT_EQ(parsed.status, 2);
  EXPECT_NE(parsed.told.find("ambiguous option: --input could match --input-min, --input-max"), std::string::npos);
  EXPECT_EQ(parse({"a", "b", "--no", "3"}).status, 2);
}

TEST(Arguments, NegativeNumbersAreValuesAndOtherDashesOptions) {
  EXPECT_EQ(parse({"a", "b", "--input-min", "-5.5", "--input-max", "-.5"}).low, -5.5);
  EXPECT_NE(parse({"a", "b", "--input-min", "-5,5"}).told.find("argument --input-min: expected one argument"),
            std::string::npos);
  EXPECT_EQ(parse({"a", "b", "--input-min=-1e3"}).low, -1000);
}

TEST(Arguments, WhatIsWrongIsSaid) {
  EXPECT_NE(parse({"a"}).told.find("program: error: the following arguments are required: last\n"), std::string::npos);
  EXPECT_NE(parse({"a", "b", "c"}).told.find("error: unrecognized arguments: c\n"), std::string::npos);
  EXPECT_NE(parse({"a", "b", "--nope"}).told.find("error: unrecognized arguments: --nope\n"), std::string::npos);
  EXPECT_NE(parse({"a", "b", "--type", "x"})
                .told.find("error: argument --type: invalid choice: 'x' (choose from 'image', 'segmentation')\n"),
            std::string::npos);
  EXPECT_NE(parse({"a", "b", "--max-scales", "x"}).told.find("argument --max-scales: invalid int value: 'x'\n"),
            std::string::npos);
  EXPECT_NE(parse({"a", "b", "--flat=1"}).told.find("argument --flat: ignored explicit argument '1'\n"),
            std::string::npos);
  EXPECT_EQ(parse({"a", "b", "--max-scales"}).status, 2);
  EXPECT_EQ(parse({}).told.substr(0, 20), "usage: program [-h] ");
}

TEST(Arguments, BehindTwoDashesAreOnlyPlaces) {
  const Parsed parsed = parse({"--flat", "--", "--a", "-b"});
  EXPECT_FALSE(parsed.status);
  EXPECT_EQ(parsed.first + parsed.last, "--a-b");
}

TEST(Arguments, AListLeavesItsLastPlaceToTheNext) {
  const Parsed parsed = parse_many({"a", "b", "c", "--flat"});
  EXPECT_FALSE(parsed.status);
  EXPECT_EQ(parsed.many, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parsed.last, "c");
  EXPECT_EQ(parse_many({"a", "--flat", "c"}).last, "c");
  EXPECT_NE(parse_many({"a", "b", "--flat", "c"}).told.find("unrecognized arguments: c"), std::string::npos);
  EXPECT_NE(parse_many({"a"}).told.find("required: last"), std::string::npos);
}

}  // namespace
}  // namespace ngforge::cli::nine
