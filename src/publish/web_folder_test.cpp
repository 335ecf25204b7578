// SPDX-License-Identifier: Apache-2.0
#include "publish/web_folder.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "publish/web_server.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kVolume = R"({"@type": "neuroglancer_multiscale_volume", "type": "segmentation",
  "data_type": "uint32", "num_channels": 1, "mesh": "mesh", "scales": [{"key": "1", "size": [4, 4, 4],
  "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0], "chunk_sizes": [[2, 2, 2]], "encoding": "raw"}]})";

class WebFolderTest : public ::testing::Test {
 protected:
  WebFolderTest() : root_(fs::path(testing::TempDir()) / fs::path(std::to_string(::getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~WebFolderTest() override { fs::remove_all(root_); }

  void put(const std::string& name, const std::string& text = "") {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::string description(const std::string& name) {
    const auto folder = look_at_web_folder((root_ / name).string());
    if (!folder) return folder.error().message;
    EXPECT_EQ(folder->datasets.size(), 1u);
    return folder->datasets.front().description;
  }

  const fs::path root_;
};

TEST_F(WebFolderTest, SaysHowADatasetIsStored) {
  put("v/info", kVolume);
  put("v/1/0-2/0-2/0-2.gz");
  put("v/mesh/info", R"({"@type": "neuroglancer_legacy_mesh"})");
  put("v/mesh/7:0");
  put("v/mesh/part");
  EXPECT_EQ(description("v"), "segmentation, deep, .gz; legacy meshes");
  EXPECT_TRUE(look_at_web_folder((root_ / "v").string())->datasets[0].manifests_without_colon.empty());
  put("v/mesh/8.json.gz");
  EXPECT_EQ(description("v"), "segmentation, deep, .gz; legacy meshes, named without \":0\"");
  EXPECT_EQ(look_at_web_folder((root_ / "v").string())->datasets[0].manifests_without_colon, "mesh");
}

TEST_F(WebFolderTest, FindsWhatLiesInAFolder) {
  put("b/info", kVolume);
  put("a/zarr.json", "{}");
  put("c/info", R"({"@type": "neuroglancer_annotations_v1"})");
  put("notes/readme.txt");
  put("stray");
  put("two\nlines/info", kVolume);
  const auto folder = look_at_web_folder((root_ / "b/../").string());
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(folder->root, root_.lexically_normal().string());
  std::vector<std::string> found;
  for (const WebDataset& dataset : folder->datasets) found.push_back(dataset.name + ": " + dataset.description);
  EXPECT_THAT(found, ElementsAre("a: Zarr", "b: segmentation, flat; legacy meshes", "c: neuroglancer_annotations_v1"));
}

TEST_F(WebFolderTest, WhatIsNoDatasetIsSaid) {
  put("notes/readme.txt");
  const auto none = look_at_web_folder(root_.string());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_TRUE(none.error().concerns_source);
  EXPECT_EQ(look_at_web_folder("http://127.0.0.1/d").error().code, ErrorCode::unsupported);
  EXPECT_EQ(look_at_web_folder((root_ / "gone").string()).error().code, ErrorCode::not_found);
  put("broken/info", "{");
  const auto broken = look_at_web_folder((root_ / "broken").string());
  ASSERT_TRUE(broken);
  ASSERT_FALSE(broken->notices.empty());
  EXPECT_THAT(broken->notices.front(), HasSubstr("broken"));
}

TEST_F(WebFolderTest, ClosedFoldersAreNoticed) {
  put("open/v/info", kVolume);
  fs::permissions(root_ / "open", fs::perms::owner_all);
  const auto folder = look_at_web_folder((root_ / "open/v").string());
  ASSERT_TRUE(folder);
  ASSERT_FALSE(folder->notices.empty());
  EXPECT_THAT(folder->notices.back(), HasSubstr("open: other users may not enter"));
}

TEST(Filled, KeepsTheIndentOfSeveralLines) {
  EXPECT_EQ(filled("# @A@.\n  @B@\n@B@", {{"A", "one\ntwo"}, {"B", "x\n\n y\n"}}),
            "# one\n# two.\n  x\n\n   y\n\nx\n\n y\n");
}

TEST_F(WebFolderTest, PathsThatNoConfigurationHoldsAreRefused) {
  put("a$b/info", kVolume);
  const auto refused = web_server_configuration("nginx", (root_ / "a$b").string(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  for (const WebServerName& server : all_web_servers()) {
    put("a b/info", kVolume);
    WebServerOptions options;
    EXPECT_TRUE(web_server_configuration(server.name, (root_ / "a b").string(), options)) << server.name;
    options.bind = "::1";
    EXPECT_EQ(web_server_configuration(server.name, (root_ / "a b").string(), options).has_value(),
              server.name != "s3");
    options.bind = "h;x";
    EXPECT_FALSE(web_server_configuration(server.name, (root_ / "a b").string(), options)) << server.name;
    options = {};
    options.form = "pdf";
    EXPECT_FALSE(web_server_configuration(server.name, (root_ / "a b").string(), options)) << server.name;
  }
  EXPECT_FALSE(web_server_configuration("lighttpd", root_.string(), {}));
}

}  // namespace
}  // namespace ngforge
