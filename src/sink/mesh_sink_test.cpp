// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "compress/gzip.h"
#include "layout/mesh_manifest.h"
#include "sink/folder_writer.h"
#include "sink/mesh_sink.h"
#include "store/sharded.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

class MeshSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "mesh_sink_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string text(const std::string& name) const { return text_of_file(folder_ + "/" + name); }
  static std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

  std::string folder_;
};

TEST_F(MeshSinkTest, WritesTwoFilesForEachLabel) {
  const auto names = [](std::uint64_t label) {
    return std::pair(multires_manifest_name(label), multires_fragments_name(label));
  };
  auto sink = open_mesh_file_sink(folder_, names, false);
  ASSERT_TRUE(sink.has_value());
  ASSERT_TRUE((*sink)->put(7, bytes("manifest"), bytes("fragments")).has_value());
  ASSERT_TRUE((*sink)->finish().has_value());
  EXPECT_EQ(text("7.index"), "manifest");
  EXPECT_EQ(text("7"), "fragments");
  EXPECT_EQ((*sink)->files(), 2u);
  EXPECT_EQ((*sink)->bytes(), 17u);

  // A file that a former run finished stays.
  auto again = open_mesh_file_sink(folder_, names, true);
  ASSERT_TRUE((*again)->put(7, bytes("other"), bytes("other")).has_value());
  ASSERT_TRUE((*again)->put(8, bytes("new"), bytes("")).has_value());
  EXPECT_EQ(text("7.index"), "manifest");
  EXPECT_EQ(text("8.index"), "new");
}

// Read by the reader of shards; the fragments lie directly in front of the manifest as it is stored.
TEST_F(MeshSinkTest, PutsFragmentsInFrontOfTheManifestInItsShard) {
  const ShardingSpec spec{0, true, 2, 1, true, true};
  std::map<std::uint64_t, std::vector<std::uint64_t>> by_shard;
  for (std::uint64_t label = 1; label <= 100; ++label) by_shard[shard_place(spec, label).shard].push_back(label);
  ASSERT_EQ(by_shard.size(), 2u);
  auto sink = open_mesh_shard_sink(folder_, spec, false);
  ASSERT_TRUE(sink.has_value());
  for (const auto& [shard, labels] : by_shard)
    for (const std::uint64_t label : labels)
      ASSERT_TRUE(
          (*sink)
              ->put(label, bytes(fmt::format("manifest of {}", label)), bytes(fmt::format("fragments{}", label)))
              .has_value());
  ASSERT_TRUE((*sink)->finish().has_value());
  EXPECT_EQ((*sink)->files(), 2u);
  EXPECT_EQ((*sink)->bytes(), fs::file_size(folder_ + "/0.shard") + fs::file_size(folder_ + "/1.shard"));

  auto store = open_store(folder_);
  ASSERT_TRUE(store.has_value());
  ShardedReader reader(*store, "", spec);
  for (const auto& [shard, labels] : by_shard) {
    const auto entries = reader.list(shard);
    ASSERT_TRUE(entries.has_value());
    EXPECT_EQ(entries->size(), labels.size());
    const std::string file = text(shard_file_name(spec, shard));
    for (const ShardEntry& entry : *entries) {
      const auto manifest = reader.get(entry.key, 1000);
      ASSERT_TRUE(manifest.has_value());
      const std::string expected = fmt::format("manifest of {}", entry.key);
      EXPECT_TRUE(std::ranges::equal(*manifest, bytes(expected)));
      const std::string fragments = fmt::format("fragments{}", entry.key);
      EXPECT_EQ(file.substr(shard_index_bytes(spec) + entry.offset - fragments.size(), fragments.size()), fragments);
    }
  }
}

TEST(PlanMeshSharding, KeepsShardsAndMinishardsOfUsefulSize) {
  EXPECT_EQ(plan_mesh_sharding(1, 100), (ShardingSpec{0, true, 0, 0, true, true}));
  EXPECT_EQ(plan_mesh_sharding(2524, 30 << 20), (ShardingSpec{0, true, 6, 0, true, true}));
  EXPECT_EQ(plan_mesh_sharding(1000000, 512ull << 20), (ShardingSpec{0, true, 8, 0, true, true}));
  EXPECT_EQ(plan_mesh_sharding(10, (512ull << 20) + 1), (ShardingSpec{0, true, 8, 1, true, true}));
  EXPECT_EQ(plan_mesh_sharding(1000000, 4096ull << 20), (ShardingSpec{0, true, 8, 3, true, true}));
}

// Labels of one bucket are in one shard, as long as there are no more shards than buckets.
TEST(PlanMeshSharding, GoesWithBuckets) {
  const ShardingSpec spec = plan_mesh_sharding(1000, 8192ull << 20);
  for (std::uint64_t label = 1; label < 5000; ++label)
    EXPECT_EQ(shard_place(spec, label).shard, mesh_bucket(label) % (1u << spec.shard_bits));
}

}  // namespace
}  // namespace ngforge
