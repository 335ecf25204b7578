// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ngforge {
namespace {

using ::testing::HasSubstr;

TEST(Json, WritesNumbersShortAndExact) {
  const std::pair<Json, const char*> cases[] = {{1.0, "1"},
                                                {-0.0, "0"},
                                                {0.1, "0.1"},
                                                {40.5, "40.5"},
                                                {1e6, "1000000"},
                                                {1e300, "1e+300"},
                                                {-2.5e-7, "-2.5e-07"},
                                                {std::uint64_t{18446744073709551615u}, "18446744073709551615"},
                                                {std::int64_t{-9223372036854775807}, "-9223372036854775807"},
                                                {std::numeric_limits<double>::quiet_NaN(), "null"},
                                                {true, "true"},
                                                {nullptr, "null"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(dump_json(value, -1), text);
}

RC_GTEST_PROP(Json, NumbersComeBackExactly, (double value)) {
  RC_PRE(std::isfinite(value));
  const auto parsed = parse_json(dump_json(value, -1), "x");
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->get<double>() == value);
}

TEST(Json, KeepsTheOrderOfMembersAndTuplesOnALine) {
  Json json;
  json["z"] = 1;
  json["a"] = {{1, 2, 3}, {4, 5, 6}};
  json["empty"] = Json::object();
  json["none"] = Json::array();
  json["text"] = "a\"\n";
  EXPECT_EQ(dump_json(json),
            "{\n \"z\": 1,\n \"a\": [\n  [1, 2, 3],\n  [4, 5, 6]\n ],\n \"empty\": {},\n \"none\": [],\n \"text\": "
            "\"a\\\"\\n\"\n}\n");
  EXPECT_EQ(dump_json(json, -1), R"({"z":1,"a":[[1,2,3],[4,5,6]],"empty":{},"none":[],"text":"a\"\n"})");
}

TEST(Json, ReplacesTextThatIsNotUtf8) {
  EXPECT_EQ(dump_json(Json("a\xff"), -1), "\"a\xef\xbf\xbd\"");
}

TEST(Json, SaysAtWhichByteTextIsWrong) {
  const auto parsed = parse_json("{\"a\": 1,, }", "x/info");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_data);
  EXPECT_EQ(parsed.error().message, "x/info: expected JSON, found something else at byte 9");
  for (const char* text : {"", "{", "[1", "nul", "1 2", "{\"a\":}", "\x01", "[1e400]", "\"\xff\""})
    EXPECT_FALSE(parse_json(text, "x").has_value()) << text;
}

TEST(Json, NestsAHundredLevels) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(parse_json(nested(100), "x").has_value());
  const auto deep = parse_json(nested(101), "x");
  ASSERT_FALSE(deep.has_value());
  EXPECT_EQ(deep.error().code, ErrorCode::limit);
  EXPECT_FALSE(parse_json(std::string(1'000'000, '{'), "x").has_value());
  // Brackets in text do not nest; a quote behind a backslash does not end it.
  const std::string brackets(200, '[');
  EXPECT_TRUE(parse_json(fmt::format(R"("{}\"{}")", brackets, brackets), "x").has_value());
}

TEST(JsonInteger, TakesWhatTheViewerTakes) {
  const std::pair<Json, Index> cases[] = {{64, 64}, {"64", 64}, {64.9, 64}, {"64.9", 64},
                                          {-3, -3}, {"-3", -3}, {-3.9, -3}, {1e15, 1'000'000'000'000'000}};
  for (const auto& [value, number] : cases) {
    const auto read = json_integer(value, "x", -10, Index{1} << 53);
    ASSERT_TRUE(read.has_value()) << value;
    EXPECT_EQ(*read, number);
  }
}

TEST(JsonInteger, RefusesWithThePath) {
  const Json cases[] = {nullptr,
                        true,
                        "",
                        "x",
                        "12x",
                        " 1",
                        Json::array({1}),
                        300,
                        -1,
                        std::uint64_t{1} << 63,
                        1e300,
                        "99999999999999999999"};
  for (const Json& value : cases) {
    const auto read = json_integer(value, "scales[2].size[0]", 0, 255);
    ASSERT_FALSE(read.has_value()) << value;
    EXPECT_EQ(read.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(read.error().message,
                ::testing::StartsWith("scales[2].size[0]: expected an integer from 0 to 255, found "));
  }
}

TEST(JsonValues, AreCheckedForTheirKind) {
  EXPECT_EQ(*json_number(2.5, "x"), 2.5);
  EXPECT_EQ(*json_number(2, "x"), 2.0);
  EXPECT_EQ(*json_string("a", "x"), "a");
  EXPECT_EQ(json_number("2", "a.b").error().message, "a.b: expected a number, found \"2\"");
  EXPECT_EQ(json_string(2, "a.b").error().message, "a.b: expected a string, found 2 (number)");
  const auto lengthy = json_number(std::string(500, 'a'), "x");
  EXPECT_LT(lengthy.error().message.size(), 120u);
}

}  // namespace
}  // namespace ngforge
