// SPDX-License-Identifier: Apache-2.0
#include "layout/volume_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace ngforge {
namespace {

using ::testing::HasSubstr;

constexpr const char* kInfo = R"({
 "type": "Segmentation", "data_type": "UINT64", "num_channels": 1, "mesh": "meshes", "colour": "ignored",
 "scales": [
  {"key": "8_8_40", "size": [100, "64", 33.9], "resolution": [8, 8, 40.5], "voxel_offset": [-10, 0, 5],
   "chunk_sizes": [[64, 64, 16]], "encoding": "COMPRESSED_SEGMENTATION", "compressed_segmentation_block_size": [8, 8, 4],
   "sharding": {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "hash": "identity", "minishard_bits": 2,
                "shard_bits": 3, "data_encoding": "gzip"}},
  {"key": "16_16_40", "size": [50, 32, 33], "resolution": [16, 16, 40.5], "chunk_sizes": [[64, 64, 64], [32, 32, 32]],
   "encoding": "raw"}]
})";

// kInfo with one piece of text replaced; must be there.
std::string changed(std::string_view from, std::string_view to) {
  std::string text = kInfo;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_error(const std::string& json, ErrorCode code, std::string_view message) {
  const auto info = parse_volume_info(json, "seg/info");
  ASSERT_FALSE(info.has_value()) << message;
  EXPECT_EQ(info.error().code, code) << info.error().message;
  EXPECT_THAT(info.error().message, HasSubstr(std::string(message)));
}

TEST(VolumeInfo, ReadsWhatTheViewerReads) {
  const auto info = parse_volume_info(kInfo, "info");
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_TRUE(info->is_segmentation);
  EXPECT_EQ(info->type, DataType::uint64);
  EXPECT_EQ(info->channels, 1);
  EXPECT_EQ(info->mesh, "meshes");
  ASSERT_EQ(info->scales.size(), 2u);
  const ScaleInfo& scale = info->scales[0];
  EXPECT_EQ(scale.key, "8_8_40");
  EXPECT_EQ(scale.size_xyz, (std::array<Index, 3>{100, 64, 33}));
  EXPECT_EQ(scale.resolution_nm, (std::array<double, 3>{8, 8, 40.5}));
  EXPECT_EQ(scale.voxel_offset, (std::array<Index, 3>{-10, 0, 5}));
  EXPECT_EQ(scale.encoding, "compressed_segmentation");
  EXPECT_EQ(scale.block_size_xyz, (std::array<Index, 3>{8, 8, 4}));
  ASSERT_TRUE(scale.sharding.has_value());
  EXPECT_EQ(*scale.sharding, (ShardingSpec{.preshift_bits = 1,
                                           .is_murmur = false,
                                           .minishard_bits = 2,
                                           .shard_bits = 3,
                                           .gzip_index = false,
                                           .gzip_data = true}));
  EXPECT_EQ(info->scales[1].voxel_offset, (std::array<Index, 3>{0, 0, 0}));
  EXPECT_EQ(info->scales[1].chunk_sizes.size(), 2u);
  EXPECT_FALSE(info->scales[1].sharding.has_value());
}

TEST(VolumeInfo, SaysWhereItIsWrong) {
  using enum ErrorCode;
  expect_error("[]", invalid_data, "seg/info: expected an object, found array");
  expect_error("{", invalid_data, "seg/info: expected JSON, found");
  expect_error("{}", invalid_data, "seg/info: expected a member \"type\", found none");
  expect_error(R"({"@type": "neuroglancer_skeletons"})", unsupported,
               R"(@type: expected "neuroglancer_multiscale_volume")");
  expect_error(changed("\"Segmentation\"", "\"labels\""), invalid_data,
               R"(seg/info: type: expected image|segmentation, found "labels")");
  expect_error(changed("UINT64", "int64"), invalid_data, "seg/info: data_type: expected uint8|");
  expect_error(changed("UINT64", "float64"), invalid_data, "seg/info: data_type: expected uint8|");
  expect_error(changed("\"num_channels\": 1", "\"num_channels\": 0"), invalid_data,
               "seg/info: num_channels: expected an integer from 1");
  expect_error(
      changed("\"encoding\": \"raw\"", "\"encoding\": \"jpg\""), unsupported,
      R"(seg/info: scales[1].encoding: expected raw|jpeg|png|jxl|compressed_segmentation|compresso, found "jpg")");
  expect_error(changed("100, \"64\"", "0, \"64\""), invalid_data,
               "seg/info: scales[0].size[0]: expected an integer from 1");
  expect_error(changed("100, \"64\", 33.9", "9e15, 9e15, 33"), limit,
               "seg/info: scales[0].size: expected less than 2^62 bytes");
  expect_error(changed("\"64\", 33.9", "\"64\""), invalid_data, "seg/info: scales[0].size: expected three numbers");
  expect_error(changed("8, 8, 40.5", "8, 8, 0"), invalid_data,
               "seg/info: scales[0].resolution: expected lengths > 0 in nm");
  expect_error(changed("8, 8, 40.5", "8, 8, null"), invalid_data,
               "seg/info: scales[0].resolution[2]: expected a number, found null");
  expect_error(changed("8, 8, 40.5", "8, 8, 1e400"), invalid_data, "seg/info: expected JSON, found a number");
  expect_error(changed("[[64, 64, 16]]", "[]"), invalid_data, "seg/info: scales[0].chunk_sizes: expected at least one");
  expect_error(changed("[[64, 64, 16]]", "[[64, 64, -1]]"), invalid_data,
               "seg/info: scales[0].chunk_sizes[0][2]: expected an integer from 1");
  expect_error(changed("[[64, 64, 16]]", "[[64, 64, 16], [8, 8, 8]]"), invalid_data,
               "expected one size in a sharded scale, found 2");
  expect_error(changed(", \"compressed_segmentation_block_size\": [8, 8, 4]", ""), invalid_data,
               "seg/info: scales[0]: expected a member \"compressed_segmentation_block_size\", found none");
  expect_error(changed("\"minishard_bits\": 2", "\"minishard_bits\": 62"), invalid_data,
               "scales[0].sharding.minishard_bits");
  expect_error(changed("\"shard_bits\": 3", "\"shard_bits\": 63"), invalid_data,
               "expected minishard_bits + shard_bits <= 64, found 65");
  expect_error(changed("\"identity\"", "\"identity_hash\""), invalid_data,
               "scales[0].sharding.hash: expected identity|murmurhash3_x86_128");
  expect_error(changed("\"gzip\"", "\"zstd\""), invalid_data,
               "scales[0].sharding.data_encoding: expected raw|gzip, found \"zstd\"");
  expect_error(changed("neuroglancer_uint64_sharded_v1", "v2"), unsupported, "scales[0].sharding.@type");
}

TEST(VolumeInfo, RefusesNullShardingAsTheViewerDoes) {
  const auto info =
      parse_volume_info(changed("\"encoding\": \"raw\"", "\"encoding\": \"raw\", \"sharding\": null"), "info");
  ASSERT_FALSE(info.has_value());
  EXPECT_THAT(info.error().message,
              HasSubstr("scales[1].sharding: expected an object or no member at all, found null"));
  EXPECT_THAT(info.error().hint, HasSubstr("viewer"));
}

TEST(VolumeInfo, WritesWhatItReads) {
  const auto info = parse_volume_info(kInfo, "info");
  ASSERT_TRUE(info.has_value());
  const std::string text = write_volume_info(*info);
  EXPECT_EQ(text.substr(0, text.find('\n', 3)), "{\n \"@type\": \"neuroglancer_multiscale_volume\",");
  EXPECT_EQ(text.back(), '\n');
  EXPECT_THAT(text, HasSubstr("\"resolution\": [8, 8, 40.5]"));
  EXPECT_THAT(text, HasSubstr("\"voxel_offset\": [-10, 0, 5]"));
  EXPECT_THAT(text, Not(HasSubstr("null")));
  const auto again = parse_volume_info(text, "info");
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(write_volume_info(*again), text);
  EXPECT_EQ(again->scales[0].sharding, info->scales[0].sharding);
  EXPECT_EQ(again->scales[1].chunk_sizes, info->scales[1].chunk_sizes);
}

TEST(VolumeInfo, CutsChunksAtTheUpperEdges) {
  const auto info = parse_volume_info(kInfo, "info");
  ASSERT_TRUE(info.has_value());
  const ScaleInfo& scale = info->scales[0];  // 100 x 64 x 33 voxels in chunks of 64 x 64 x 16
  EXPECT_EQ(scale.grid_shape(), (GridVec{2, 1, 3}));
  EXPECT_EQ(scale.chunk_box({0, 0, 0}), (Box{{-10, 0, 5}, {54, 64, 21}}));
  EXPECT_EQ(scale.chunk_box({1, 0, 2}), (Box{{54, 0, 37}, {90, 64, 38}}));
}

TEST(ChunkName, IsWhatTheSpecSays) {
  const Box box{{-64, 0, 128}, {0, 64, 130}};
  EXPECT_EQ(chunk_name(box), "-64-0_0-64_128-130");
  EXPECT_EQ(deep_chunk_name(box), "-64-0/0-64/128-130");
}

TEST(ChunkName, RefusesWhatIsNoName) {
  for (const char* name :
       {"", "0-64_0-64", "0-64_0-64_0-64.gz", "0-64_0-64_0-64_0-64", "0-64_0-64_64-64", "64-0_0-64_0-64",
        "a-64_0-64_0-64", "0-64_0-64_0-", "0-64-0-64_0-64", "info", "0-99999999999999999999_0-1_0-1"})
    EXPECT_FALSE(parse_chunk_name(name).has_value()) << name;
}

RC_GTEST_PROP(ChunkName, ComesBack, (std::int32_t x, std::int32_t y, std::int32_t z, std::uint16_t size)) {
  const Box box{{x, y, z}, {x + Index{1}, y + Index{size} + 1, z + Index{64}}};
  RC_ASSERT(parse_chunk_name(chunk_name(box)) == box);
}

}  // namespace
}  // namespace ngforge
