// SPDX-License-Identifier: Apache-2.0
#include "viewer/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ngforge {
namespace {

using nlohmann::json;

// 10 x 20 x 30 voxels of 2 mm; the corner at (-100, -50, 0) mm, x to the right.
Dataset brain() {
  Dataset dataset;
  dataset.name = "t1";
  dataset.type = "image";
  dataset.box_vox = {{0, 0, 0}, {10, 20, 30}};
  dataset.resolution_nm = {2e6, 2e6, 2e6};
  Affine t;
  t.m[0][3] = -100e6;
  t.m[1][3] = -50e6;
  dataset.transform_nm = t;
  dataset.contrast = [] { return Result<std::array<double, 2>>({3.0, 180.5}); };
  return dataset;
}

TEST(State, PutsTheTransformIntoNanometres) {
  const json transform = json::parse(layer_transform(brain()));
  EXPECT_EQ(transform["outputDimensions"]["x"], json::parse("[1e-9, \"m\"]"));
  EXPECT_EQ(transform["inputDimensions"], transform["outputDimensions"]);
  EXPECT_EQ(transform["matrix"], json::parse("[[2000000,0,0,-100000000],[0,2000000,0,-50000000],[0,0,2000000,0]]"));
}

TEST(State, ChannelsKeepADimensionOfTheirOwn) {
  Dataset dataset = brain();
  dataset.channels = 3;
  const json transform = json::parse(layer_transform(dataset));
  EXPECT_EQ(transform["matrix"].size(), 4u);
  EXPECT_EQ(transform["matrix"][3], json::parse("[0,0,0,1,0]"));
  EXPECT_TRUE(transform["outputDimensions"].contains("c^"));
}

TEST(State, LooksAtTheCentreInMillimetres) {
  const Dataset dataset = brain();
  ViewerLayer layer{&dataset, "http://127.0.0.1:9123/data/t1/", {}, {}};
  EXPECT_FALSE(json::parse(layer_json(layer)).contains("shaderControls"));
  ASSERT_TRUE(find_contrast(layer).has_value());
  const json state = json::parse(viewer_state({&layer, 1}));
  EXPECT_EQ(state["dimensions"]["x"], json::parse("[0.001, \"m\"]"));
  EXPECT_EQ(state["position"], json::parse("[-90.0, -30.0, 30.0]"));
  EXPECT_EQ(state["layers"][0]["source"]["url"], "http://127.0.0.1:9123/data/t1/|neuroglancer-precomputed:");
  EXPECT_EQ(state["layers"][0]["shaderControls"]["normalized"]["range"], json::parse("[3, 180.5]"));
}

TEST(State, SmallVoxelsAreCountedInSmallUnits) {
  Dataset dataset = brain();
  const ViewerLayer layer{&dataset, "http://h/", {}, {}};
  const std::pair<double, double> cases[] = {{1e5, 1e-3}, {99e3, 1e-6}, {100, 1e-6}, {8, 1e-9}};
  for (const auto& [voxel_nm, unit_m] : cases) {
    dataset.resolution_nm = {2e5, voxel_nm, 2e5};
    const json state = json::parse(viewer_state({&layer, 1}));
    EXPECT_DOUBLE_EQ(state["dimensions"]["x"][0].get<double>(), unit_m) << voxel_nm;
    // The middle of 10 voxels of 0.2 mm from -100 mm.
    EXPECT_DOUBLE_EQ(state["position"][0].get<double>() * unit_m, -0.099) << voxel_nm;
  }
}

TEST(State, SegmentsAreStrings) {
  Dataset dataset = brain();
  dataset.type = "segmentation";
  const ViewerLayer layer{&dataset, "http://h/", {"18446744073709551615"}, {}};
  const json made = json::parse(layer_json(layer));
  EXPECT_EQ(made["segments"], json::parse("[\"18446744073709551615\"]"));
  EXPECT_FALSE(made.contains("shaderControls"));
}

TEST(State, SegmentsHaveTheirColors) {
  Dataset dataset = brain();
  dataset.type = "segmentation";
  dataset.segment_colors = {{7, "#ff0000"}, {UINT64_MAX, "#00ff00"}};
  const ViewerLayer all{&dataset, "http://h/", {}, {}}, one{&dataset, "http://h/", {"7", "8"}, {}};
  EXPECT_EQ(json::parse(layer_json(all))["segmentColors"],
            json::parse(R"({"7": "#ff0000", "18446744073709551615": "#00ff00"})"));
  EXPECT_EQ(json::parse(layer_json(one))["segmentColors"], json::parse(R"({"7": "#ff0000"})"));
  while (dataset.segment_colors.size() <= kMostColors)
    dataset.segment_colors.emplace_back(dataset.segment_colors.size() + 100, "#0000ff");
  EXPECT_FALSE(json::parse(layer_json(all)).contains("segmentColors"));
  EXPECT_TRUE(json::parse(layer_json(one)).contains("segmentColors"));
}

TEST(State, WithoutATransformThereIsNone) {
  Dataset dataset = brain();
  dataset.transform_nm.reset();
  EXPECT_EQ(layer_transform(dataset), "null");
  const ViewerLayer layer{&dataset, "http://h/", {}, {}};
  EXPECT_FALSE(json::parse(layer_json(layer))["source"].contains("transform"));
}

TEST(State, LinksAreEncoded) {
  EXPECT_EQ(viewer_link("http://h/v/", "{\"a\":[1, 2]}"), "http://h/v/#!%7B%22a%22:%5B1%2C%202%5D%7D");
}

}  // namespace
}  // namespace ngforge
