// SPDX-License-Identifier: Apache-2.0
#include "layout/ome_zarr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/affine.h"
#include "core/json.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;

VolumeInfo volume(Index channels = 1) {
  VolumeInfo info;
  info.type = DataType::uint16;
  info.channels = channels;
  ScaleInfo fine, coarse;
  fine.key = "0";
  fine.size_xyz = {100, 70, 30};
  fine.voxel_offset = {10, 0, -4};
  fine.resolution_nm = {4, 4, 40};
  fine.chunk_sizes = {{64, 64, 30}};
  coarse.key = "1";
  coarse.size_xyz = {50, 35, 30};
  coarse.voxel_offset = {5, 0, -4};
  coarse.resolution_nm = {8, 8, 40};
  coarse.chunk_sizes = {{50, 35, 30}};
  info.scales = {fine, coarse};
  return info;
}

OmeZarr image() {
  OmeZarr image;
  image.downsampling = "average";
  image.compressor = "zstd";
  image.level = 3;
  image.shard_chunks_xyz = {{2, 1, 1}, {1, 1, 1}};
  return image;
}

Json group_of(const VolumeInfo& info, const OmeZarr& image) {
  return *parse_json(write_ome_zarr_group(info, image), "group");
}
Json transformations(const Json& group, std::size_t level) {
  return group["attributes"]["ome"]["multiscales"][0]["datasets"][level]["coordinateTransformations"];
}

TEST(OmeZarrGroup, PutsVoxelCentresWhereThePrecomputedVolumeHasThem) {
  const Json group = group_of(volume(2), image());
  // Centres of the first voxels: (10 + .5) * 4, .5 * 4, (-4 + .5) * 40; then with voxels of 8, 8, 40 from (5, 0, -4).
  EXPECT_EQ(transformations(group, 0)[0], (Json{{"type", "scale"}, {"scale", {1, 40, 4, 4}}}));
  EXPECT_EQ(transformations(group, 0)[1], (Json{{"type", "translation"}, {"translation", {0, -140, 2, 42}}}));
  EXPECT_EQ(transformations(group, 1)[0]["scale"], Json({1, 40, 8, 8}));
  EXPECT_EQ(transformations(group, 1)[1]["translation"], Json({0, -140, 4, 44}));
  EXPECT_EQ(group["attributes"]["ome"]["multiscales"][0]["axes"],
            (Json{{{"name", "c"}, {"type", "channel"}},
                  {{"name", "z"}, {"type", "space"}, {"unit", "nanometer"}},
                  {{"name", "y"}, {"type", "space"}, {"unit", "nanometer"}},
                  {{"name", "x"}, {"type", "space"}, {"unit", "nanometer"}}}));
  EXPECT_FALSE(group["attributes"].contains("ngforge"));
}

TEST(OmeZarrGroup, AWorldThatIsNotTurnedIsInTheTransformations) {
  VolumeInfo info = volume();
  info.scales[0].resolution_nm = {700000, 700000, 1200000};
  OmeZarr scan = image();
  scan.transform_nm.emplace();
  scan.transform_nm->m[0] = {1 + 1e-7, 0, 0, -80e6};
  const Json group = group_of(info, scan);
  EXPECT_EQ(group["attributes"]["ome"]["multiscales"][0]["axes"][2]["unit"], "millimeter");
  EXPECT_NEAR(transformations(group, 0)[0]["scale"][2], 0.7 * (1 + 1e-7), 1e-12);
  EXPECT_NEAR(transformations(group, 0)[1]["translation"][2], -80 + 10.5 * 0.7 * (1 + 1e-7), 1e-12);
  EXPECT_FALSE(group["attributes"].contains("ngforge"));
}

TEST(OmeZarrGroup, ATurnedWorldIsBesideThem) {
  OmeZarr scan = image();
  scan.transform_nm.emplace();
  scan.transform_nm->m = {{{0.8, -0.6, 0, 5}, {0.6, 0.8, 0, 6}, {0, 0, 1, 7}, {0, 0, 0, 1}}};
  const Json group = group_of(volume(), scan);
  EXPECT_EQ(transformations(group, 0)[1]["translation"], Json({-140, 2, 42}));
  EXPECT_EQ(group["attributes"]["ngforge"]["transform"],
            Json({{0.8, -0.6, 0, 5}, {0.6, 0.8, 0, 6}, {0, 0, 1, 7}, {0, 0, 0, 1}}));
}

TEST(OmeZarrGroup, AMirroredWorldIsBesideThem) {
  OmeZarr scan = image();
  scan.transform_nm.emplace();
  scan.transform_nm->m[0][0] = -1;
  const Json group = group_of(volume(), scan);
  EXPECT_EQ(transformations(group, 0)[0]["scale"], Json({40, 4, 4}));
  EXPECT_EQ(group["attributes"]["ngforge"]["transform"][0], Json({-1, 0, 0, 0}));
}

// A quaternion of 32 bits: what of it is noise does not drive the volume out of its place, and is not lost.
TEST(OmeZarrGroup, NoiseOfAHeaderIsKept) {
  OmeZarr scan = image();
  scan.transform_nm.emplace();
  scan.transform_nm->m = {{{1, 3e-8, 0, 5e6}, {0, 1, 0, 6e6}, {0, 0, 1, 7e6}, {0, 0, 0, 1}}};
  const Json group = group_of(volume(), scan);
  EXPECT_EQ(transformations(group, 0)[1]["translation"][2], 5e6 + 42);
  const Json rest = group["attributes"]["ngforge"]["transform"];
  Affine read;
  for (std::size_t row = 0; row < 4; ++row) read.m[row] = rest[row].get<std::array<double, 4>>();
  const auto world = transform_point(read, {5e6 + 42, 6e6 + 2, 7e6 - 140});
  EXPECT_NEAR(world[0], 5e6 + 42 + 3e-8 * 2, 1e-6);
}

TEST(OmeZarrGroup, SaysWhatItIs) {
  VolumeInfo info = volume();
  info.is_segmentation = true;
  OmeZarr scan = image();
  scan.orientation = "LPS";
  const Json labels = group_of(info, scan)["attributes"]["ome"];
  EXPECT_TRUE(labels["image-label"].is_object());
  EXPECT_EQ(labels["version"], "0.5");
  const Json axes = labels["multiscales"][0]["axes"];
  EXPECT_EQ(axes[0]["orientation"], (Json{{"type", "anatomical"}, {"value", "inferior-to-superior"}}));
  EXPECT_EQ(axes[1]["orientation"]["value"], "anterior-to-posterior");
  EXPECT_EQ(axes[2]["orientation"]["value"], "right-to-left");
  OmeZarr picture = image();
  picture.is_rgb = true;
  const Json colours = group_of(volume(3), picture)["attributes"]["ome"];
  EXPECT_FALSE(colours.contains("image-label"));
  ASSERT_EQ(colours["omero"]["channels"].size(), 3u);
  EXPECT_EQ(colours["omero"]["channels"][1]["color"], "00FF00");
}

TEST(OmeZarrArray, CodecsOfEveryCompressor) {
  const auto codecs_of = [](const OmeZarr& image) {
    const Json array = *parse_json(write_ome_zarr_array(volume(), image, 0), "array");
    return array["codecs"];
  };
  const Json bytes{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}};
  OmeZarr flat = image();
  flat.shard_chunks_xyz.clear();
  EXPECT_EQ(codecs_of(flat), Json({bytes, {{"name", "zstd"}, {"configuration", {{"level", 3}, {"checksum", false}}}}}));
  flat.compressor = "blosc";
  EXPECT_EQ(codecs_of(flat)[1]["configuration"],
            (Json{{"typesize", 2}, {"cname", "zstd"}, {"clevel", 3}, {"shuffle", "shuffle"}, {"blocksize", 0}}));
  flat.compressor = "gzip";
  EXPECT_EQ(codecs_of(flat)[1], (Json{{"name", "gzip"}, {"configuration", {{"level", 3}}}}));
  flat.compressor = "";
  EXPECT_EQ(codecs_of(flat), Json::array({bytes}));
}

TEST(OmeZarrArray, ShardsAreTheGridAndChunksAreInside) {
  const Json array = *parse_json(write_ome_zarr_array(volume(2), image(), 0), "array");
  EXPECT_EQ(array["shape"], Json({2, 30, 70, 100}));
  EXPECT_EQ(array["dimension_names"], Json({"c", "z", "y", "x"}));
  EXPECT_EQ(array["chunk_grid"]["configuration"]["chunk_shape"], Json({2, 30, 64, 128}));
  const Json sharding = array["codecs"][0]["configuration"];
  EXPECT_EQ(sharding["chunk_shape"], Json({2, 30, 64, 64}));
  EXPECT_EQ(sharding["index_location"], "end");
  EXPECT_EQ(sharding["index_codecs"],
            Json({{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}}, {{"name", "crc32c"}}}));
}

TEST(ZarrChunkKey, CountsFromTheSlowestAxis) {
  EXPECT_EQ(zarr_chunk_key({1, 2, 3}, 1), "c/3/2/1");
  EXPECT_EQ(zarr_chunk_key({1, 2, 3}, 4), "c/0/3/2/1");
}

TEST(PlanZarrShards, GrowsTheShortestSideUntilTheBytesAreUsed) {
  ScaleInfo scale;
  scale.size_xyz = {64 * 16, 64 * 16, 64 * 5};
  scale.chunk_sizes = {{64, 64, 64}};
  scale.resolution_nm = {4, 4, 40};
  const std::uint64_t chunk = 64 * 64 * 64;
  EXPECT_THAT(plan_zarr_shards(scale, chunk, chunk - 1), ElementsAre(1, 1, 1));
  EXPECT_THAT(plan_zarr_shards(scale, chunk, 2 * chunk), ElementsAre(2, 1, 1));
  EXPECT_THAT(plan_zarr_shards(scale, chunk, 64 * chunk), ElementsAre(8, 8, 1));
  EXPECT_THAT(plan_zarr_shards(scale, chunk, 600 * chunk), ElementsAre(16, 16, 2));
  // Never more than the grid, which need not be a power of two.
  EXPECT_THAT(plan_zarr_shards(scale, chunk, ~std::uint64_t{0}), ElementsAre(16, 16, 5));
  scale.size_xyz = {1 << 20, 1 << 20, 1 << 20};
  scale.chunk_sizes = {{1, 1, 1}};
  const auto tiny = plan_zarr_shards(scale, 1, 512 << 20);
  EXPECT_EQ(tiny[0] * tiny[1] * tiny[2], 1 << 15) << "an index stays small";
  EXPECT_EQ(zarr_shard_index_bytes({2, 1, 3}), 6 * 16 + 4);
}

}  // namespace
}  // namespace ngforge
