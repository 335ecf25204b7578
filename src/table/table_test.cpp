// SPDX-License-Identifier: Apache-2.0
#include "table/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<Table> parsed(std::string_view text, std::string_view format = {}) {
  return parse_table(std::as_bytes(std::span(text)), "t", format);
}

Table good(std::string_view text) {
  auto table = parsed(text);
  EXPECT_TRUE(table.has_value()) << table.error().message;
  return table ? std::move(*table) : Table();
}

// "name: cell cell"
std::vector<std::string> shown(const Table& table) {
  std::vector<std::string> columns;
  for (const TableColumn& column : table.columns) {
    std::string text = column.name + ":";
    for (std::size_t r = 0; r < column.cells.size(); ++r) text += fmt::format(" [{}]", column.cells[r]);
    columns.push_back(text);
  }
  return columns;
}

void expect_error(std::string_view text, std::string_view message) {
  const auto table = parsed(text);
  ASSERT_FALSE(table.has_value()) << text;
  EXPECT_THAT(table.error().message, StartsWith(fmt::format("t: {}", message))) << text;
}

TEST(Delimited, QuotesLineEndsAndSpaces) {
  const Table table = good("\xEF\xBB\xBFid , name,note\r\n\r\n1, \"a, \"\"b\"\"\r\nc\" ,x y \r\n2,,\"\"\r\n");
  EXPECT_EQ(table.format, "CSV");
  EXPECT_THAT(shown(table), ElementsAre("id: [1] [2]", "name: [a, \"b\"\r\nc] []", "note: [x y] []"));
  EXPECT_THAT(table.lines, ElementsAre(3u, 5u));
}

TEST(Delimited, SeparatorsAreFound) {
  EXPECT_THAT(shown(good("id;name\n1;\"a,b,c\"\n")), ElementsAre("id: [1]", "name: [a,b,c]"));
  const Table table = good("index\tname\tcolor\n1\t left, upper\t\n");
  EXPECT_EQ(table.format, "TSV");
  EXPECT_THAT(shown(table), ElementsAre("index: [1]", "name: [left, upper]", "color: []"));
  EXPECT_THAT(shown(good("id\r7\r8")), ElementsAre("id: [7] [8]"));
}

TEST(Delimited, ALineOfNumbersIsNoLineOfNames) {
  const Table table = good("1,one\n2,two\n");
  EXPECT_FALSE(table.has_names);
  EXPECT_THAT(shown(table), ElementsAre(": [1] [2]", ": [one] [two]"));
}

TEST(Delimited, SaysWhatIsWrong) {
  expect_error("id,name\n1,a\n\n2\n", "line 4: expected 2 cells as in the first line, found 1");
  expect_error("id,name\n1,\"a\n2,b\n", "line 2: expected a quote that ends the cell");
  expect_error("id,name\n1,\"a\nb\"x\n", "line 3: expected the cell to end with its quote, found \"x\"");
  expect_error("id,name\n", "expected a row for each label");
  expect_error("", "expected a row for each label");
  expect_error("id,name\n1,Se\xF1or\n", "line 2: expected text in UTF-8, found the byte f1");
  expect_error("id,name\n1,\xED\xA0\x80\n", "line 2: expected text in UTF-8, found the byte ed");
  expect_error(std::string_view("id\n1\0\n", 6), "line 2: expected text in UTF-8, found the byte 00");
  expect_error("\xFF\xFEi", "expected text in UTF-8, found UTF-16");
  EXPECT_EQ(parsed(std::string(5000, ',')).error().code, ErrorCode::limit);
}

TEST(ColorLut, FreeSurferAndSlicer) {
  const Table table = good(
      "#$Id: FreeSurferColorLUT.txt\n\n#No. Label Name:                            R   G   B   A\n"
      "0   Unknown                                 0   0   0   0\r\n"
      "17  Left-Hippocampus                        220 216 20  0\n\n# more\n2000\tctx-rh-unknown 25 5 25\n");
  EXPECT_TRUE(table.is_palette);
  EXPECT_THAT(shown(table), ElementsAre("id: [0] [17] [2000]", "label: [Unknown] [Left-Hippocampus] [ctx-rh-unknown]",
                                        "color: [#000000] [#dcd814] [#190519]"));
  EXPECT_THAT(table.lines, ElementsAre(4u, 5u, 8u));
  expect_error("1 a 1 2 3\n2 b 1 2 256\n", "line 2: expected a colour from 0 to 255, found \"256\"");
  expect_error("1 a 1 2 3\n2 b c 1 2 3 4\n", "line 2: expected label, name, red, green, blue");
  expect_error("1 a 1 2 3\n-2 b 1 2 3\n", "line 2: expected a label, found \"-2\"");
}

TEST(ItkSnap, LabelDescriptions) {
  const Table table = good(
      "################\n# ITK-SnAP Label Description File\n################\n"
      "    0     0    0    0        0  0  0    \"Clear Label\"\n"
      "    1   255    0    0     0.50  1  1    \"Label 1\"\n");
  EXPECT_TRUE(table.is_palette);
  EXPECT_THAT(shown(table), ElementsAre("id: [0] [1]", "label: [Clear Label] [Label 1]", "color: [#000000] [#ff0000]"));
  expect_error("1 255 0 0 1 1 1 \"a\"\n2 255 0 0 1 1 1 b\n", "line 2: expected a name in quotes, found b");
}

TEST(JsonTable, NamesByLabel) {
  const Table table = good(R"( {"10": "ten", "2": null, "18446744073709551615": 7})");
  EXPECT_THAT(shown(table), ElementsAre("id: [10] [2] [18446744073709551615]", "label: [ten] [] [7]"));
  EXPECT_EQ(table.place_of(1), "row 2");
}

TEST(JsonTable, ObjectsByLabelAndListsOfThem) {
  EXPECT_THAT(shown(good(R"({"1": {"name": "a", "color": [255, 0, 1]}, "2": {"name": "b", "ok": true}})")),
              ElementsAre("id: [1] [2]", "name: [a] [b]", "color: [255,0,1] []", "ok: [] [true]"));
  EXPECT_THAT(shown(good(R"([{"id": 1, "x": 0.10}, {"y": -3, "id": 2, "x": 1e40}, {}])")),
              ElementsAre("id: [1] [2] []", "x: [0.10] [1e40] []", "y: [] [-3] []"));
}

TEST(JsonTable, SaysWhatIsWrong) {
  expect_error(R"({"1": {"a": {"b": 1}}})", "row 1: expected text, a number or a list of these, found an object");
  expect_error(R"({"1": {"a": [[1]]}})", "row 1: expected an object for each label, or a list");
  expect_error(R"({"1": {"id": 2}})", "row 1: expected \"id\" once, found it twice");
  expect_error(R"([{"a": 1, "a": 2}])", "row 1: expected \"a\" once, found it twice");
  expect_error(R"([1])", "expected an object for each label, found something else");
  expect_error(R"({"1": "a")", "expected JSON, found something else at byte");
  expect_error(R"({"1": 1e400})", "expected numbers that double can hold, found another at byte");
  expect_error("{}", "expected a row for each label");
  EXPECT_FALSE(parsed("3", "json").has_value());
  // Many rows and many columns, of which each row has one.
  std::string sparse = "[";
  for (int i = 0; i < 4000; ++i) sparse += fmt::format("{}{{\"{}\":1}}", i == 0 ? "" : ",", i);
  expect_error(sparse + "]", "row ");
}

TEST(Table, AFormatCanBeNamed) {
  EXPECT_EQ(parsed("1 a 1 2 3\n", "lut")->columns.size(), 3u);
  EXPECT_EQ(parsed("1\n1 a 1 2 3\n", "csv")->columns.size(), 1u);
  const auto none = parsed("1", "xls");
  EXPECT_EQ(none.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(none.error().message, HasSubstr("expected one of json, itksnap, lut, csv"));
}

}  // namespace
}  // namespace ngforge
