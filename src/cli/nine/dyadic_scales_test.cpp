// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/dyadic_scales.h"

#include <gtest/gtest.h>

#include "cli/nine/json.h"

namespace ngforge::cli::nine {
namespace {

Json description(const char* size, const char* resolution) {
  return Json::parse(
      std::string(R"({"type": "image", "data_type": "uint8", "num_channels": 1, "scales": [{"encoding": "raw",
      "voxel_offset": [0, 0, 0], "size": )") +
      size + R"(, "resolution": )" + resolution + "}]}");
}

// A member of all scales.
Json column(const Json& info, const char* name) {
  Json column = Json::array();
  for (const Json& scale : info["scales"]) column.push_back(scale[name]);
  return column;
}

TEST(DyadicScales, CubesAreHalvedUntilTheyFitIntoTwoChunks) {
  Json info = description("[151, 188, 154]", "[1000000, 1000000, 1000000]");
  ASSERT_TRUE(describe_scales(info, {}, "it"));
  EXPECT_EQ(column(info, "key"), Json({"1mm", "2mm"}));
  EXPECT_EQ(column(info, "size"), Json::parse("[[151, 188, 154], [76, 94, 77]]"));
  EXPECT_EQ(column(info, "chunk_sizes"), Json::parse("[[[64, 64, 64]], [[64, 64, 64]]]"));
  EXPECT_EQ(info["scales"][1]["resolution"].dump(), "[2000000,2000000,2000000]") << "whole numbers stay whole";
}

TEST(DyadicScales, LongVoxelsAreHalvedLater) {
  Json info = description("[1024, 1024, 100]", "[4.0, 4.0, 40.0]");
  ASSERT_TRUE(describe_scales(info, {}, "it"));
  EXPECT_EQ(column(info, "size"),
            Json::parse("[[1024, 1024, 100], [512, 512, 100], [256, 256, 100], [128, 128, 100]]"));
  EXPECT_EQ(column(info, "chunk_sizes"),
            Json::parse("[[[128, 128, 16]], [[128, 128, 32]], [[64, 64, 32]], [[64, 64, 64]]]"));
}

TEST(DyadicScales, AnOffsetIsHalvedWithItsVoxels) {
  Json info = description("[200, 200, 200]", "[1000, 1000, 1000]");
  info["scales"][0]["voxel_offset"] = {7, -3, 0};
  ASSERT_TRUE(describe_scales(info, {}, "it"));
  EXPECT_EQ(info["scales"][1]["voxel_offset"], Json({3, -2, 0}));
  EXPECT_EQ(info["scales"][1]["size"], Json({101, 101, 100}));
}

TEST(DyadicScales, AnEncodingBesideTheScalesMeansThem) {
  Json info = description("[10, 10, 10]", "[1000, 1000, 1000]");
  info["scales"][0].erase("encoding");
  info.erase("type");
  info["encoding"] = "compressed_segmentation";
  info["compressed_segmentation_block_size"] = {4, 4, 4};
  ASSERT_TRUE(describe_scales(info, {}, "it"));
  EXPECT_EQ(info["type"], "segmentation");
  EXPECT_EQ(info["data_type"], "uint32");
  EXPECT_EQ(info["scales"][0]["compressed_segmentation_block_size"], Json({4, 4, 4}));
  EXPECT_FALSE(info.contains("encoding"));
}

TEST(DyadicScales, WhatIsWrongIsAnError) {
  const auto message = [](const char* pointer, const Json& value, const ScalesRequest& request = {}) {
    Json info = description("[10, 10, 10]", "[1000, 1000, 1000]");
    info[Json::json_pointer(pointer)] = value;
    const auto filled = describe_scales(info, request, "it");
    return filled ? "" : filled.error().message;
  };
  EXPECT_EQ(message("/data_type", "float64"),
            "it: data_type: expected uint8|uint16|uint32|uint64|float32|int8|int16|int32, found \"float64\"");
  EXPECT_EQ(message("/scales/0/size", "big"),
            "it: scales[0]: size: expected three whole numbers of at least 1, found \"big\"");
  EXPECT_EQ(message("/scales/0/resolution", Json({1, 0, 1})),
            "it: scales[0]: resolution: expected three numbers above zero, found [1,0,1]");
  EXPECT_EQ(message("/num_channels", 2, {64, std::nullopt, "jpeg", std::nullopt}),
            "it: scales[0]: jpeg cannot hold uint8 with 2 channel(s)");
  EXPECT_EQ(message("/scales", Json::array()), "it: scales: expected a list of at least one scale, found []");
  EXPECT_EQ(message("/type", "image", {48, std::nullopt, std::nullopt, std::nullopt}),
            "--target-chunk-size: expected a power of two up to 2048, found 48");
}

}  // namespace
}  // namespace ngforge::cli::nine
