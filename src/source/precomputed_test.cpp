// SPDX-License-Identifier: Apache-2.0
#include "source/precomputed.h"

#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "source/source.h"
#include "store/memory.h"
#include "store/store.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

// The dataset of these tests: 10 x 7 x 5 voxels from (-3, 100, 0) in chunks of 4 x 4 x 4, so 3 x 2 x 2 of them; the
// value of a voxel is made of its coordinates. The chunk of cell (1, 0, 0) is absent.
const Box kBox{{-3, 100, 0}, {7, 107, 5}};
const GridVec kAbsent{1, 0, 0};

std::uint16_t value_at(const VoxelVec& at, Index channel) {
  if (at.x >= 1 && at.x < 5 && at.y < 104 && at.z < 4) return 0;
  return static_cast<std::uint16_t>(1000 * (channel + 1) + 97 * (at.x + 3) + 13 * (at.y - 100) + at.z);
}

enum class How { flat, flat_gzip, deep, sharded };

std::string info_json(How how) {
  const std::string sharding =
      R"(, "sharding": {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0, "hash": "identity",
    "minishard_bits": 1, "shard_bits": 3, "minishard_index_encoding": "raw", "data_encoding": "gzip"})";
  return fmt::format(R"({{"type": "image", "data_type": "uint16", "num_channels": 2, "scales": [
    {{"key": "./s//x/../0", "size": [10, 7, 5], "resolution": [4, 5, 40], "voxel_offset": [-3, 100, 0],
      "chunk_sizes": [[4, 4, 4]], "encoding": "raw"{}}}]}})",
                     how == How::sharded ? sharding : "");
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes packed(const Bytes& plain) {
  Bytes out;
  GzipCompressor(6).compress(plain, out);
  return out;
}

Bytes chunk_bytes(const Box& box) {
  Bytes bytes;
  for (Index c = 0; c < 2; ++c)
    for (Index z = box.begin.z; z < box.end.z; ++z)
      for (Index y = box.begin.y; y < box.end.y; ++y)
        for (Index x = box.begin.x; x < box.end.x; ++x) {
          bytes.resize(bytes.size() + 2);
          store(bytes.data() + bytes.size() - 2, value_at({x, y, z}, c));
        }
  return bytes;
}

// One shard file per key would hide mistakes: shards of one chunk in each of two minishards.
void put_shards(MemoryStore& store, const ScaleInfo& scale, const std::vector<GridVec>& cells) {
  std::map<std::uint64_t, std::map<std::uint64_t, Bytes>> shards;
  for (const GridVec& cell : cells) {
    const std::uint64_t key = encode_morton(cell, scale.grid_shape());
    shards[shard_place(*scale.sharding, key).shard][key] = packed(chunk_bytes(scale.chunk_box(cell)));
  }
  for (const auto& [shard, values] : shards) {
    Bytes front(32), body;
    for (const auto& [key, value] : values) {
      const ShardEntry entry{key, body.size(), value.size()};
      const Bytes index = encode_minishard_index({&entry, 1});
      body.insert(body.end(), value.begin(), value.end());
      const auto minishard = shard_place(*scale.sharding, key).minishard;
      ngforge::store(front.data() + 16 * minishard, static_cast<std::uint64_t>(body.size()));
      body.insert(body.end(), index.begin(), index.end());
      ngforge::store(front.data() + 16 * minishard + 8, static_cast<std::uint64_t>(body.size()));
    }
    front.insert(front.end(), body.begin(), body.end());
    ASSERT_TRUE(store.put("s/0/" + shard_file_name(*scale.sharding, shard), front).has_value());
  }
}

std::shared_ptr<MemoryStore> make_dataset(How how) {
  auto store = std::make_shared<MemoryStore>();
  EXPECT_TRUE(store->put("info", bytes_of(info_json(how))).has_value());
  const auto info = parse_volume_info(info_json(how), "info");
  const ScaleInfo& scale = info->scales.front();
  std::vector<GridVec> cells;
  for (Index z = 0; z < 2; ++z)
    for (Index y = 0; y < 2; ++y)
      for (Index x = 0; x < 3; ++x)
        if (!(GridVec{x, y, z} == kAbsent)) cells.push_back({x, y, z});
  if (how == How::sharded) put_shards(*store, scale, cells);
  for (const GridVec& cell : cells) {
    const Box box = scale.chunk_box(cell);
    const Bytes bytes = chunk_bytes(box);
    auto done = Result<void>();
    if (how == How::flat) done = store->put("s/0/" + chunk_name(box), bytes);
    if (how == How::flat_gzip) done = store->put_encoded("s/0/" + chunk_name(box), packed(bytes), "gzip");
    if (how == How::deep) done = store->put("s/0/" + deep_chunk_name(box), bytes);
    EXPECT_TRUE(done.has_value());
  }
  return store;
}

std::shared_ptr<PrecomputedVolume> opened(How how) {
  auto volume = PrecomputedVolume::open(make_dataset(how));
  EXPECT_TRUE(volume.has_value()) << volume.error().message;
  return *volume;
}

void expect_values(const BlockView& view, Index first_channel) {
  for (Index c = 0; c < view.channels; ++c)
    for (Index z = view.box.begin.z; z < view.box.end.z; ++z)
      for (Index y = view.box.begin.y; y < view.box.end.y; ++y)
        for (Index x = view.box.begin.x; x < view.box.end.x; ++x) {
          const auto value = load<std::uint16_t>(view.row(y, z, c) + 2 * (x - view.box.begin.x));
          ASSERT_EQ(value, value_at({x, y, z}, first_channel + c)) << x << " " << y << " " << z << " channel " << c;
        }
}

class PrecomputedVolumeLayout : public ::testing::TestWithParam<How> {};

TEST_P(PrecomputedVolumeLayout, ReadsAnyBoxAndChannel) {
  const auto volume = opened(GetParam());
  for (Index z0 = 0; z0 < 5; z0 += 2)
    for (Index y0 = 100; y0 < 107; y0 += 3)
      for (Index x0 = -3; x0 < 7; x0 += 2)
        for (const VoxelVec size : {VoxelVec{1, 1, 1}, {4, 4, 4}, {10, 7, 5}, {3, 2, 1}}) {
          const Box box = Box{{x0, y0, z0}, VoxelVec{x0, y0, z0} + size}.intersect(kBox);
          for (const ChannelRange channels : {ChannelRange{0, 2}, {0, 1}, {1, 2}}) {
            Block block(DataType::uint16, box, channels.size());
            std::memset(block.bytes().data(), 0x5a, block.bytes().size());
            const auto read = volume->read(0, box, channels, block.view());
            ASSERT_TRUE(read.has_value()) << read.error().message;
            expect_values(std::as_const(block).view(), channels.begin);
          }
        }
}

TEST_P(PrecomputedVolumeLayout, ReadsIntoStridedViews) {
  const auto volume = opened(GetParam());
  Block around(DataType::uint16, {{-5, 98, -1}, {9, 109, 7}}, 2);
  std::memset(around.bytes().data(), 0x5a, around.bytes().size());
  ASSERT_TRUE(volume->read(0, kBox, around.view().crop(kBox)).has_value());
  expect_values(std::as_const(around).view().crop(kBox), 0);
  EXPECT_EQ(load<std::uint16_t>(around.view().row(98, -1, 0)), 0x5a5a);
}

TEST_P(PrecomputedVolumeLayout, SaysWhichChunksAreAbsent) {
  const auto volume = opened(GetParam());
  const ScaleInfo& scale = volume->info().scales[0];
  EXPECT_EQ(scale.key, "s/0");  // resolved
  for (Index x = 0; x < 3; ++x) {
    const GridVec cell{x, 0, 0};
    Block chunk(DataType::uint16, scale.chunk_box(cell), 2);
    std::memset(chunk.bytes().data(), 0x5a, chunk.bytes().size());
    const auto stored = volume->read_chunk(0, cell, chunk.view());
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(*stored, !(cell == kAbsent));
    expect_values(std::as_const(chunk).view(), 0);
    const auto bytes = volume->read_chunk_bytes(0, cell);
    ASSERT_TRUE(bytes.has_value());
    EXPECT_EQ(bytes->has_value(), !(cell == kAbsent));
    if (bytes->has_value()) {
      EXPECT_EQ(**bytes, chunk_bytes(scale.chunk_box(cell)));
    }
  }
}

TEST_P(PrecomputedVolumeLayout, SeesHowItIsStored) {
  const auto volume = opened(GetParam());
  const Layout expected = GetParam() == How::sharded ? Layout::sharded
                          : GetParam() == How::deep  ? Layout::deep
                                                     : Layout::flat;
  EXPECT_EQ(volume->layout(0), expected);
}

TEST_P(PrecomputedVolumeLayout, ServesManyThreads) {
  const auto volume = opened(GetParam());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Block block(DataType::uint16, kBox, 2);
        ASSERT_TRUE(volume->read(0, kBox, block.view()).has_value());
        expect_values(std::as_const(block).view(), 0);
      }
    });
  for (auto& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Layouts, PrecomputedVolumeLayout,
                         ::testing::Values(How::flat, How::flat_gzip, How::deep, How::sharded));

Result<void> read_all(std::shared_ptr<Store> store) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(std::move(store)));
  Block block(volume->info().type, volume->info().scales[0].box_vox(), volume->info().channels);
  return volume->read(0, block.box(), block.view());
}

void expect_error(std::shared_ptr<Store> store, ErrorCode code, std::string_view message) {
  const auto read = read_all(std::move(store));
  ASSERT_FALSE(read.has_value()) << message;
  EXPECT_EQ(read.error().code, code) << read.error().message;
  EXPECT_TRUE(read.error().concerns_source);
  EXPECT_THAT(read.error().message, HasSubstr(std::string(message)));
}

TEST(PrecomputedVolume, SaysWhatIsWrongAndWhere) {
  using enum ErrorCode;
  const auto with_info = [](std::string_view from, std::string_view to) {
    auto store = make_dataset(How::flat);
    std::string json = info_json(How::flat);
    json.replace(json.find(from), from.size(), to);
    EXPECT_TRUE(store->put("info", bytes_of(json)).has_value());
    return store;
  };
  expect_error(std::make_shared<MemoryStore>(), not_found, "memory/info");
  expect_error(with_info("\"uint16\"", "\"bool\""), invalid_data, "memory/info: data_type: expected uint8|");
  expect_error(with_info("./s//x/../0", "../other"), unsupported,
               "scales[0].key: expected a folder inside the dataset, found \"../other\"");
  expect_error(with_info("./s//x/../0", "a/.."), unsupported, "scales[0].key: expected a folder inside the dataset");
  expect_error(with_info("\"encoding\": \"raw\"", "\"encoding\": \"jxl\""), unsupported,
               "s/0/-3-1_100-104_0-4: this build cannot decode jxl");
}

TEST(PrecomputedVolume, RefusesChunksTooLargeToDecode) {
  auto store = make_dataset(How::flat);
  std::string json = info_json(How::flat);
  json.replace(json.find("[10, 7, 5]"), 10, "[100000, 100000, 5]");
  json.replace(json.find("[[4, 4, 4]]"), 11, "[[99999, 99999, 4]]");
  ASSERT_TRUE(store->put("info", bytes_of(json)).has_value());
  expect_error(store, ErrorCode::limit, "scales[0].chunk_sizes: expected chunks of at most 2147483648 bytes");
}

TEST(PrecomputedVolume, RefusesChunksOfTheWrongLength) {
  auto store = make_dataset(How::flat);
  ASSERT_TRUE(store->put("s/0/-3-1_100-104_0-4", Bytes(255)).has_value());
  expect_error(store, ErrorCode::invalid_data, "memory/s/0/-3-1_100-104_0-4: raw: expected 256 bytes, found 255");
  ASSERT_TRUE(store->put_encoded("s/0/-3-1_100-104_0-4", Bytes(40), "gzip").has_value());
  expect_error(store, ErrorCode::invalid_data, "memory/s/0/-3-1_100-104_0-4: expected gzip");
  // An empty file is not an absent one (specification, 1.2).
  ASSERT_TRUE(store->put("s/0/-3-1_100-104_0-4", {}).has_value());
  expect_error(store, ErrorCode::invalid_data, "expected 256 bytes, found 0");
}

TEST(PrecomputedVolume, RefusesABrokenTransform) {
  auto store = make_dataset(How::flat);
  for (const char* json :
       {"{}", "[[1,0,0,0],[0,1,0,0],[0,0,1,0]]", "[[1,0,0,0],[0,1,0,0],[0,0,0,0],[0,0,0,1]]",
        "[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,2]]", "[[1,0,0,null],[0,1,0,0],[0,0,1,0],[0,0,0,1]]"}) {
    ASSERT_TRUE(store->put("transform.json", bytes_of(json)).has_value());
    expect_error(store, ErrorCode::invalid_data, "memory/transform.json");
  }
}

// A dataset on disk, as open_source finds it.
class PrecomputedSource : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ngforge-precomputed-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    store_ = *open_store(folder_);
    ASSERT_TRUE(store_->put("info", bytes_of(info_json(How::flat))).has_value());
    ASSERT_TRUE(store_->put("s/0/-3-1_100-104_0-4.gz", packed(chunk_bytes({{-3, 100, 0}, {1, 104, 4}}))).has_value());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::shared_ptr<Store> store_;
};

TEST_F(PrecomputedSource, IsFoundByItsInfoOrSpelling) {
  for (const std::string& place :
       {folder_, folder_ + "/", "precomputed://" + folder_, folder_ + "|neuroglancer-precomputed:",
        folder_ + "/|neuroglancer-precomputed:", "precomputed://file://" + folder_, "file://" + folder_}) {
    EXPECT_TRUE(is_precomputed(place)) << place;
    const auto source = open_source(place);
    ASSERT_TRUE(source.has_value()) << source.error().message;
    EXPECT_EQ((*source)->header().format, "precomputed");
    EXPECT_TRUE((*PrecomputedVolume::open(place))->has_gzip_names());
  }
  EXPECT_FALSE(is_precomputed(folder_ + "/s"));
  EXPECT_FALSE(is_precomputed(folder_ + "/info"));
  EXPECT_FALSE(open_source(folder_ + "/s").has_value());
}

TEST_F(PrecomputedSource, HasTheFinestScale) {
  const auto source = open_source(folder_);
  ASSERT_TRUE(source.has_value());
  const VolumeHeader& header = (*source)->header();
  EXPECT_EQ(header.size_ijk, (SourceVec{10, 7, 5}));
  EXPECT_EQ(header.voxel_offset_ijk, (SourceVec{-3, 100, 0}));
  EXPECT_EQ(header.channels, 2);
  EXPECT_EQ(header.type, StoredType::uint16);
  EXPECT_EQ(header.chunk_ijk, (SourceVec{4, 4, 4}));
  EXPECT_TRUE(header.has_voxel_size);
  EXPECT_FALSE(header.is_anatomical);
  EXPECT_EQ((*source)->access(), Access::any_box);
  // Boxes of a source count from its corner.
  Bytes out(4 * 2 * 2);
  ASSERT_TRUE((*source)->read({{0, 3, 1}, {4, 4, 2}}, {0, 2}, out).has_value());
  for (Index c = 0; c < 2; ++c)
    for (Index x = 0; x < 4; ++x)
      EXPECT_EQ(load<std::uint16_t>(out.data() + 2 * (x + 4 * c)), value_at({x - 3, 103, 1}, c));
}

TEST_F(PrecomputedSource, WithoutTransformLiesOnItsOwnGrid) {
  // Index (0, 0, 0) is the centre of voxel (-3, 100, 0): (-2.5, 100.5, 0.5) times 4, 5, 40 nm.
  const auto source = open_source(folder_);
  ASSERT_TRUE(source.has_value());
  Affine expected;
  expected.m = {{{4e-6, 0, 0, -10e-6}, {0, 5e-6, 0, 502.5e-6}, {0, 0, 40e-6, 20e-6}, {0, 0, 0, 1}}};
  const Affine& found = (*source)->header().affine_ijk_to_mm;
  for (std::size_t r = 0; r < 4; ++r)
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(found.m[r][c], expected.m[r][c], 1e-15);
}

TEST_F(PrecomputedSource, GivesBackTheAffineOfItsTransform) {
  // COMMANDS.md: T x [(i + .5) * resolution_nm, 1] = 1e6 x affine_mm x [i, 1], with i in the dataset's coordinates; the
  // header's indices begin at the volume's corner. T by hand: x to world y, y to world -x, z tilted.
  ASSERT_TRUE(
      store_->put("transform.json", bytes_of("[[0,-1,0,1e6],[1,0,0.6,2e6],[0,0,0.8,-3e6],[0,0,0,1]]")).has_value());
  const auto source = open_source(folder_);
  ASSERT_TRUE(source.has_value());
  const Affine& affine = (*source)->header().affine_ijk_to_mm;
  for (const auto& [i, j, k] : {std::array<double, 3>{0, 0, 0}, {9, 0, 0}, {0, 6, 0}, {1, 2, 4}}) {
    const double nm[3] = {(i - 3 + .5) * 4, (j + 100 + .5) * 5, (k + .5) * 40};
    const double world_mm[3] = {(-nm[1] + 1e6) / 1e6, (nm[0] + 0.6 * nm[2] + 2e6) / 1e6, (0.8 * nm[2] - 3e6) / 1e6};
    for (std::size_t r = 0; r < 3; ++r)
      EXPECT_NEAR(affine.m[r][0] * i + affine.m[r][1] * j + affine.m[r][2] * k + affine.m[r][3], world_mm[r], 1e-12);
  }
}

TEST_F(PrecomputedSource, ChangesItsFingerprintWithInfo) {
  const std::string before = (*open_source(folder_))->header().fingerprint;
  EXPECT_EQ((*open_source(folder_))->header().fingerprint, before);
  ASSERT_TRUE(store_->put("info", bytes_of(info_json(How::flat) + " ")).has_value());
  EXPECT_NE((*open_source(folder_))->header().fingerprint, before);
}

}  // namespace
}  // namespace ngforge
