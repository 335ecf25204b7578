// SPDX-License-Identifier: Apache-2.0
#include "layout/provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json.h"
#include "layout/transform.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Provenance example() {
  Provenance provenance;
  provenance.description = "made of scan.nii";
  provenance.sources = {"scan.nii"};
  provenance.task = "ngforge convert";
  provenance.version = "1.2.3";
  provenance.options = {{"downsample", "average"}, {"outside", "edge"}};
  provenance.scales = {{"1_1_1", 8, 2, {1, 1, 1}, {30, 20, 10}, {-3, 0, 5}},
                       {"2_2_1", 1, 0, {2, 2, 1}, {16, 10, 10}, {-2, 0, 5}}};
  return provenance;
}

TEST(Provenance, HasTheMembersThatCloudVolumeKnows) {
  const auto json = parse_json(write_provenance(example()), "x");
  ASSERT_TRUE(json.has_value());
  std::vector<std::string> members;
  for (const auto& [name, value] : json->items()) members.push_back(name);
  EXPECT_THAT(members, ElementsAre("description", "owners", "sources", "processing"));
  EXPECT_EQ((*json)["description"], "made of scan.nii");
  EXPECT_EQ((*json)["owners"], Json::array());
  EXPECT_EQ((*json)["sources"], Json::array({"scan.nii"}));
  ASSERT_EQ((*json)["processing"].size(), 1u);
  const Json& step = (*json)["processing"][0];
  EXPECT_EQ(step["by"], "ngforge 1.2.3");
  EXPECT_THAT(step["date"].get<std::string>(),
              MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9] UTC"));
  EXPECT_EQ(step["method"]["task"], "ngforge convert");
  EXPECT_EQ(step["method"]["options"]["outside"], "edge");
  EXPECT_EQ(step["method"]["scales"][0]["stored_chunks"], 8);
  EXPECT_EQ(step["method"]["scales"][0]["empty_chunks"], 2);
}

TEST(Provenance, ComesBack) {
  const auto read = parse_provenance(write_provenance(example()), "provenance");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->task, "ngforge convert");
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->options, example().options);
  EXPECT_EQ(read->option("downsample"), "average");
  EXPECT_EQ(read->option("none"), "");
  EXPECT_THAT(read->sources, ElementsAre("scan.nii"));
  ASSERT_EQ(read->scales.size(), 2u);
  EXPECT_EQ(read->scales[1].key, "2_2_1");
  EXPECT_EQ(read->scales[0].stored_chunks, 8u);
  EXPECT_EQ(read->scales[0].empty_chunks, 2u);
  EXPECT_EQ(read->scales[1].factor, (std::array<Index, 3>{2, 2, 1}));
  EXPECT_EQ(read->scales[1].size_xyz, (std::array<Index, 3>{16, 10, 10}));
  EXPECT_EQ(read->scales[1].voxel_offset_xyz, (std::array<Index, 3>{-2, 0, 5}));
}

TEST(Provenance, OfOthersHasNoTask) {
  // As cloud-volume writes it, and as igneous adds steps.
  for (
      const char* text :
      {R"({"description": "d", "owners": [], "processing": [], "sources": []})",
       R"({"processing": [{"method": {"task": "DownsampleTask", "scales": 3}, "by": "x@y", "date": "2020-01-01 10:00 EST"}]})",
       R"({"processing": [{"method": "text", "by": "x"}, 7, {"by": "z"}]})", "{}",
       R"({"processing": {}, "sources": 3})"}) {
    const auto read = parse_provenance(text, "provenance");
    ASSERT_TRUE(read.has_value()) << text << ": " << read.error().message;
    EXPECT_EQ(read->task, "");
    EXPECT_TRUE(read->scales.empty());
  }
}

TEST(Provenance, OfSeveralStepsIsTheLastOfOurs) {
  const auto step = [](const char* version, int chunks) {
    return fmt::format(
        R"({{"method": {{"task": "ngforge convert", "version": "{}", "scales": [{{"key": "k", "stored_chunks": {}}}]}}}})",
        version, chunks);
  };
  const auto read = parse_provenance(
      fmt::format(R"({{"processing": [{}, {}, {{"method": {{"task": "other"}}}}]}})", step("1", 5), step("2", 7)), "x");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->version, "2");
  ASSERT_EQ(read->scales.size(), 1u);
  EXPECT_EQ(read->scales[0].stored_chunks, 7u);
  EXPECT_EQ(read->scales[0].size_xyz, (std::array<Index, 3>{0, 0, 0}));  // as written before it was told
}

TEST(Provenance, RefusesWhatIsNoneOfOurs) {
  for (
      const char* text :
      {"", "[]", R"({"processing": [{"method": {"task": "ngforge convert", "scales": 3}}]})",
       R"({"processing": [{"method": {"task": "ngforge convert", "scales": [{"key": 1}]}}]})",
       R"({"processing": [{"method": {"task": "ngforge convert", "scales": [{"key": "a", "stored_chunks": -1}]}}]})"}) {
    const auto read = parse_provenance(text, "d/provenance");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(read.error().message, HasSubstr("d/provenance"));
  }
}

TEST(Transform, IsANestedMatrixInShortestNumbers) {
  Affine affine;
  affine.m = {{{-1, 0, 0, 90.5e6}, {0, 0.1, 0, -126e6}, {0, 0, 1, 1.0 / 3}, {0, 0, 0, 1}}};
  EXPECT_EQ(
      write_transform(affine),
      "[\n [-1, 0, 0, 90500000],\n [0, 0.1, 0, -126000000],\n [0, 0, 1, 0.3333333333333333],\n [0, 0, 0, 1]\n]\n");
  const auto read = parse_transform(write_transform(affine), "transform.json");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, affine);
}

}  // namespace
}  // namespace ngforge
