// SPDX-License-Identifier: Apache-2.0
#include "layout/segment_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the specification says, by hand.
constexpr const char* kInfo = R"({"@type": "neuroglancer_segment_properties",
 "inline": {
  "ids": ["3","17","18446744073709551615"],
  "properties": [
   {"id":"name","type":"label","description":"as in the atlas","values":["a \"b\"","","é"]},
   {"id":"tags","type":"tags","tags":["left","right"],"tag_descriptions":["l","r"],"values":[[0,1],[],[1]]},
   {"id":"color","type":"string","values":["#ff0000","",""]},
   {"id":"size","type":"number","data_type":"uint32","values":[0,4294967295,7]},
   {"id":"mean","type":"number","data_type":"float32","values":[0.1,-2,1e-45]}]}}
)";

SegmentProperties parsed(std::string_view text, std::vector<std::string>& faults) {
  auto properties = parse_segment_properties(text, "info", faults);
  EXPECT_TRUE(properties.has_value()) << properties.error().message;
  return properties ? std::move(*properties) : SegmentProperties();
}

// The one fault of kInfo with a piece of text replaced.
std::string fault(std::string_view from, std::string_view to) {
  std::string text = kInfo;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  std::vector<std::string> faults;
  parsed(text.replace(at, from.size(), to), faults);
  EXPECT_EQ(faults.size(), 1u) << to;
  return faults.empty() ? "" : faults.front();
}

TEST(SegmentProperties, AreReadAndWrittenAsTheSpecificationSays) {
  std::vector<std::string> faults;
  const SegmentProperties properties = parsed(kInfo, faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_THAT(properties.ids, ElementsAre(3u, 17u, UINT64_MAX));
  ASSERT_EQ(properties.properties.size(), 5u);
  const SegmentProperty& tags = *properties.find(SegmentProperty::Kind::tags);
  EXPECT_THAT(tags.tags, ElementsAre("left", "right"));
  EXPECT_THAT(tags.tag_numbers, ElementsAre(0u, 1u, 1u));
  EXPECT_THAT(tags.tag_ends, ElementsAre(2u, 2u, 3u));
  EXPECT_EQ(properties.find(SegmentProperty::Kind::label)->texts[0], "a \"b\"");
  EXPECT_THAT(properties.find("size")->numbers, ElementsAre(0, 4294967295, 7));
  EXPECT_EQ(properties.find("nothing"), nullptr);
  EXPECT_EQ(write_segment_properties(properties), kInfo);
}

TEST(SegmentProperties, FaultsAreNamed) {
  EXPECT_THAT(fault(R"("3","17")", R"("17","3")"),
              HasSubstr("inline.ids[1]: expected an id greater than 17 before it"));
  EXPECT_THAT(fault(R"("3","17")", R"("17","17")"), HasSubstr("inline.ids[1]: expected an id greater than 17"));
  for (const char* id : {"3", R"("03")", R"("")", R"("-3")", R"("18446744073709551616")"})
    EXPECT_THAT(fault(R"("3")", id), HasSubstr("inline.ids[0]: expected an id of up to 64 bits"));
  EXPECT_THAT(fault(R"("ids")", R"("id")"), HasSubstr("inline.ids: expected a list, found null"));
}

TEST(SegmentProperties, FaultsOfOnePropertyLeaveTheOthers) {
  for (const auto& [from, to, message] : std::vector<std::array<std::string, 3>>{
           {R"(["#ff0000","",""])", R"(["#ff0000",""])",
            "properties[2].values: expected 3 values, one for each id, found 2"},
           {R"(["#ff0000","",""])", R"(["#ff0000","",1])", "properties[2].values[2]: expected a string, found 1"},
           {R"("id":"color")", R"("id":"name")", "properties[2].id: expected an id that no other property has"},
           {R"("type":"string")", R"("type":"label")", "properties[2].type: expected one property of this type"},
           {R"("type":"string")", R"("type":"color")", "properties[2].type: expected label, description, string, tags"},
           {R"("uint32")", R"("uint64")", "properties[3].data_type: expected float32 or an integer of at most 32 bits"},
           {"4294967295", "4294967296", "properties[3].values[1]: expected a uint32, found 4294967296"},
           {"4294967295", "0.5", "properties[3].values[1]: expected a uint32, found 0.5"},
           {"1e-45", "null", "properties[4].values[2]: expected a float32, found null"},
           {"1e-45", "1e39", "properties[4].values[2]: expected a float32, found 1e+39"},
           {"[0,1]", "[1,0]", "properties[1].values[0]: expected ascending indices of tags"},
           {"[0,1]", "[2]", "properties[1].values[0]: expected ascending indices of tags"},
           {R"("right"])", R"("LEFT"])", "properties[1].tags: expected different words"},
           {R"("right"])", R"("a b"])", "properties[1].tags: expected different words"},
           {R"(["l","r"])", R"(["l"])", "properties[1].tag_descriptions: expected a string for each tag"}}) {
    EXPECT_THAT(fault(from, to), HasSubstr(message)) << to;
    std::vector<std::string> faults;
    std::string text = kInfo;
    EXPECT_EQ(parsed(text.replace(text.find(from), from.size(), to), faults).properties.size(), 4u) << to;
  }
}

TEST(SegmentProperties, OtherFilesAreRefused) {
  std::vector<std::string> faults;
  EXPECT_EQ(parse_segment_properties("[]", "info", faults).error().code, ErrorCode::unsupported);
  EXPECT_EQ(parse_segment_properties(R"({"@type": "neuroglancer_skeletons"})", "info", faults).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(parse_segment_properties(R"({"@type": "neuroglancer_segment_properties"})", "info", faults).error().code,
            ErrorCode::invalid_data);
}

TEST(SegmentProperties, Colors) {
  EXPECT_TRUE(is_color("#0aF9ff"));
  for (const char* text : {"", "0aF9ff", "#0aF9f", "#0aF9fg", "#0aF9ff0"}) EXPECT_FALSE(is_color(text)) << text;
}

}  // namespace
}  // namespace ngforge
