// SPDX-License-Identifier: Apache-2.0
#include "op/stored_chunks.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "store/memory.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 3 x 2 x 1 chunks of 4 x 4 x 4, the last ones cut: 10 x 8 x 3 voxels from (-4, 8, 0).
ScaleInfo small_scale() {
  ScaleInfo scale;
  scale.key = "s";
  scale.size_xyz = {10, 8, 3};
  scale.voxel_offset = {-4, 8, 0};
  scale.resolution_nm = {1, 1, 1};
  scale.chunk_sizes = {{4, 4, 4}};
  return scale;
}

class StoredChunksTest : public testing::Test {
 protected:
  void put(const std::string& key, std::size_t bytes = 5) { ASSERT_TRUE(store_.put(key, Bytes(bytes)).has_value()); }
  void put(const std::string& key, const Bytes& bytes) { ASSERT_TRUE(store_.put(key, bytes).has_value()); }
  StoredChunks list(const ScaleInfo& scale) {
    auto stored = list_stored_chunks(store_, scale, 0, list_, {});
    EXPECT_TRUE(stored.has_value());
    findings_ = list_.take();
    return stored ? *stored : StoredChunks{};
  }
  std::vector<std::string> codes() const {
    std::vector<std::string> codes;
    for (const Finding& finding : findings_) codes.push_back(finding.code);
    return codes;
  }

  MemoryStore store_;
  FindingList list_;
  std::vector<Finding> findings_;
};

TEST_F(StoredChunksTest, FlatNamesPlainAndGzip) {
  put("s/-4-0_8-12_0-3", 7);
  put("s/4-6_12-16_0-3.gz", 11);
  const StoredChunks stored = list(small_scale());
  EXPECT_TRUE(stored.has_files);
  EXPECT_FALSE(stored.is_deep);
  EXPECT_THAT(stored.cells, ElementsAre(0, 5));  // (0, 0, 0) and (2, 1, 0)
  EXPECT_EQ(stored.files, 2u);
  EXPECT_EQ(stored.bytes, 18u);
  EXPECT_THAT(findings_, IsEmpty());
}

TEST_F(StoredChunksTest, DeepNames) {
  put("s/0-4/8-12/0-3.gz");
  const StoredChunks stored = list(small_scale());
  EXPECT_TRUE(stored.is_deep);
  EXPECT_THAT(stored.cells, ElementsAre(1));
  EXPECT_THAT(findings_, IsEmpty());
}

TEST_F(StoredChunksTest, NothingThere) {
  const StoredChunks stored = list(small_scale());
  EXPECT_FALSE(stored.has_files);
  EXPECT_THAT(stored.cells, IsEmpty());
}

TEST_F(StoredChunksTest, NamesBesideTheGrid) {
  put("s/-3-1_8-12_0-3");  // shifted
  put("s/4-8_12-16_0-3");  // not cut at the end of the volume
  put("s/8-10_8-12_0-3");  // behind the volume
  put("s/thumbs.db");
  put("s/0-4/8-12/0-3/x");  // a folder too deep
  put("s/0-4_8-12_0-3");    // good
  const StoredChunks stored = list(small_scale());
  EXPECT_THAT(stored.cells, ElementsAre(1));
  EXPECT_THAT(codes(), ElementsAre("stray-file", "stray-file", "stray-file", "stray-file", "stray-file"));
}

TEST_F(StoredChunksTest, OneChunkUnderTwoNames) {
  put("s/0-4_8-12_0-3");
  put("s/0-4_8-12_0-3.gz");
  EXPECT_THAT(list(small_scale()).cells, ElementsAre(1));
  EXPECT_THAT(codes(), ElementsAre("double-chunk"));
}

TEST_F(StoredChunksTest, NamesOfAnotherChunkSizeOfTheScale) {
  ScaleInfo scale = small_scale();
  scale.chunk_sizes.push_back({8, 8, 8});
  put("s/-4-4_8-16_0-3");
  EXPECT_THAT(list(scale).cells, IsEmpty());
  EXPECT_THAT(findings_, IsEmpty());
}

// Two minishards in shard 0 of one: even keys in the first, odd ones in the second. The grid is 4 x 2 x 1 in Morton
// order.
ScaleInfo sharded_scale(bool gzip_index = false) {
  ScaleInfo scale = small_scale();
  scale.sharding = ShardingSpec{.minishard_bits = 1, .gzip_index = gzip_index};
  return scale;
}

// A shard: its index, values of 10 bytes, then the minishard indices.
Bytes make_shard(const std::vector<std::vector<ShardEntry>>& minishards, bool gzip_index = false) {
  Bytes file(16 * minishards.size());
  const std::size_t index_bytes = file.size();
  file.resize(file.size() + 100);
  for (std::size_t m = 0; m < minishards.size(); ++m) {
    Bytes index = encode_minishard_index(minishards[m]);
    if (gzip_index) {
      const Bytes plain = index;
      GzipCompressor(6).compress(plain, index);
    }
    if (minishards[m].empty()) index.clear();
    store(file.data() + 16 * m, std::uint64_t{file.size() - index_bytes});
    file.insert(file.end(), index.begin(), index.end());
    store(file.data() + 16 * m + 8, std::uint64_t{file.size() - index_bytes});
  }
  return file;
}

TEST_F(StoredChunksTest, ShardsAreListedByTheirIndices) {
  for (const bool gzip : {false, true}) {
    put("s/0.shard", make_shard({{{0, 0, 10}, {2, 10, 10}}, {{3, 20, 10}}}, gzip));
    const StoredChunks stored = list(sharded_scale(gzip));
    EXPECT_THAT(findings_, IsEmpty());
    EXPECT_THAT(stored.cells, ElementsAre(0, 3, 4));  // keys 0, 2, 3 are (0, 0), (0, 1), (1, 1)
    EXPECT_EQ(stored.files, 1u);
  }
}

TEST_F(StoredChunksTest, ShardNamesThatNoReaderAsksFor) {
  put("s/1.shard", make_shard({{}, {}}));  // there is only shard 0
  put("s/00.shard", make_shard({{}, {}}));
  put("s/0.shard.tmp");
  put("s/0-4_8-12_0-3");
  list(sharded_scale());
  EXPECT_THAT(codes(), ElementsAre("stray-file", "stray-file", "stray-file", "stray-file"));
}

TEST_F(StoredChunksTest, ShardShorterThanItsIndex) {
  put("s/0.shard", 31);
  EXPECT_THAT(list(sharded_scale()).cells, IsEmpty());
  EXPECT_THAT(codes(), ElementsAre("bad-shard"));
}

TEST_F(StoredChunksTest, MinishardIndexOutsideTheFile) {
  Bytes shard = make_shard({{{0, 0, 10}}, {{3, 20, 10}}});
  store(shard.data() + 24, std::uint64_t{shard.size()});  // 32 bytes too far
  put("s/0.shard", shard);
  EXPECT_THAT(list(sharded_scale()).cells, ElementsAre(0));
  ASSERT_THAT(codes(), ElementsAre("bad-minishard"));
  EXPECT_THAT(findings_[0].message, HasSubstr("minishard 1"));
}

TEST_F(StoredChunksTest, MinishardIndexThatIsNoIndex) {
  Bytes shard = make_shard({{{0, 0, 10}}, {}}, true);
  shard[32 + 100] = std::byte{0};  // the magic bytes of gzip
  put("s/0.shard", shard);
  list(sharded_scale(true));
  EXPECT_THAT(codes(), ElementsAre("bad-minishard"));
}

TEST_F(StoredChunksTest, ValueBehindTheEnd) {
  put("s/0.shard", make_shard({{{0, 0, 10}, {2, 1000, 10}}, {{3, 20, 1000}}}));
  EXPECT_THAT(list(sharded_scale()).cells, ElementsAre(0, 3, 4));
  ASSERT_THAT(codes(), ElementsAre("cut-chunk", "cut-chunk"));
  EXPECT_THAT(findings_[0].message, HasSubstr("-4-0_12-16_0-3"));
  EXPECT_THAT(findings_[1].message, HasSubstr("0-4_12-16_0-3"));
}

TEST_F(StoredChunksTest, KeysThatBelongElsewhere) {
  // An odd key in the minishard of even ones; (3, 0) is beside the grid; a key with too many bits.
  put("s/0.shard", make_shard({{{0, 0, 10}, {1, 10, 10}}, {{5, 20, 10}, {4097, 30, 10}}}));
  EXPECT_THAT(list(sharded_scale()).cells, ElementsAre(0));
  EXPECT_THAT(codes(), ElementsAre("stray-chunk", "stray-chunk", "stray-chunk"));
}

TEST_F(StoredChunksTest, ValuesOnTheSameBytes) {
  put("s/0.shard", make_shard({{{0, 0, 10}, {2, 9, 10}}, {{3, 95, 10}}}));
  EXPECT_THAT(list(sharded_scale()).cells, ElementsAre(0, 3, 4));
  ASSERT_THAT(codes(), ElementsAre("overlap", "overlap"));
  EXPECT_THAT(findings_[0].message + findings_[1].message, HasSubstr("the index of minishard 0"));
}

TEST_F(StoredChunksTest, EqualKeys) {
  put("s/0.shard", make_shard({{{0, 0, 10}, {0, 10, 10}}, {}}));
  EXPECT_THAT(list(sharded_scale()).cells, ElementsAre(0));
  EXPECT_THAT(codes(), ElementsAre("double-chunk"));
}

// Lists nothing, as web servers do; notes what it is asked, and by how many at once.
class SilentStore final : public Store {
 public:
  explicit SilentStore(MemoryStore& store) : store_(store) {}
  std::string describe() const override { return "silent"; }
  Result<ObjectInfo> stat(const std::string& key) override {
    {
      std::unique_lock lock(mutex_);
      (std::ranges::count(key, '/') > 1 ? asked_deep : asked).insert(key);
      most_at_once = std::max(most_at_once, ++at_once_);
      changed_.notify_all();
      // The first waits for a second, which comes only when it is asked for meanwhile.
      changed_.wait_for(lock, std::chrono::seconds(10), [&] { return most_at_once > 1; });
      --at_once_;
    }
    return store_.stat(key);
  }
  Result<Bytes> get(const std::string& key) override { return store_.get(key); }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override { return store_.get_range(key, range); }
  Result<std::vector<std::string>> list(const std::string&) override {
    return make_error(ErrorCode::unsupported, "lists nothing");
  }
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override { return store_.put(key, bytes); }

  std::multiset<std::string> asked, asked_deep;  // names of the deep layout have folders
  int most_at_once = 0;

 private:
  MemoryStore& store_;
  std::mutex mutex_;  // guards all but store_
  std::condition_variable changed_;
  int at_once_ = 0;
};

TEST_F(StoredChunksTest, StoresThatListNothingAreAskedForEachNameOnce) {
  put("s/-4-0_8-12_0-3", 7);
  put("s/4-6_12-16_0-3", 11);
  SilentStore silent(store_);
  const auto stored = list_stored_chunks(silent, small_scale(), 0, list_, {});
  ASSERT_TRUE(stored.has_value());
  EXPECT_FALSE(stored->was_listed);
  EXPECT_TRUE(stored->has_files);
  EXPECT_THAT(stored->cells, ElementsAre(0, 5));
  EXPECT_EQ(stored->files, 2u);
  EXPECT_EQ(stored->bytes, 18u);
  EXPECT_THAT(silent.asked, ElementsAre("s/-4-0_12-16_0-3", "s/-4-0_8-12_0-3", "s/0-4_12-16_0-3", "s/0-4_8-12_0-3",
                                        "s/4-6_12-16_0-3", "s/4-6_8-12_0-3"));
  EXPECT_GT(silent.most_at_once, 1);
  EXPECT_LE(silent.most_at_once, 8);
  EXPECT_TRUE(list_.empty());
}

TEST_F(StoredChunksTest, ManyNamesAreAskedForAndTakenInOrder) {
  ScaleInfo scale = small_scale();
  scale.size_xyz = {4 * 30, 4 * 100, 4};  // more than are asked for at once
  scale.voxel_offset = {0, 0, 0};
  std::vector<Index> expected;
  for (Index number = 7; number < 3000; number += 100) {
    put("s/" + chunk_name(scale.chunk_box(cell_of_number(number, scale.grid_shape()))));
    expected.push_back(number);
  }
  SilentStore silent(store_);
  const auto stored = list_stored_chunks(silent, scale, 0, list_, {});
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->cells, expected);
  EXPECT_EQ(silent.asked.size(), 3000u);
  EXPECT_LT(silent.asked_deep.size(), 30u) << "only until there is a flat one";
}

TEST_F(StoredChunksTest, DeepNamesOfAStoreThatListsNothingAndMapsNoNames) {
  put("s/-4-0/8-12/0-3", 7);
  put("s/4-6/12-16/0-3", 11);
  SilentStore silent(store_);
  const auto stored = list_stored_chunks(silent, small_scale(), 0, list_, {});
  ASSERT_TRUE(stored.has_value());
  EXPECT_TRUE(stored->is_deep);
  EXPECT_THAT(stored->cells, ElementsAre(0, 5));
  EXPECT_TRUE(list_.empty());
}

TEST_F(StoredChunksTest, ShardsOfAStoreThatListsNothing) {
  put("s/0.shard", make_shard({{{0, 0, 10}, {2, 10, 10}}, {{3, 20, 10}}}));
  SilentStore silent(store_);
  silent.most_at_once = 2;  // there is but one name: nobody waits
  const auto stored = list_stored_chunks(silent, sharded_scale(), 0, list_, {});
  ASSERT_TRUE(stored.has_value());
  EXPECT_THAT(stored->cells, ElementsAre(0, 3, 4));
  EXPECT_THAT(silent.asked, ElementsAre("s/0.shard"));
}

TEST(FindingList, KeepsTheFirstPlacesWhateverTheOrder) {
  std::vector<Finding> listed[2];
  for (int pass = 0; pass < 2; ++pass) {
    FindingList list;
    for (int i = 0; i < 100; ++i) {
      const std::string where = fmt::format("k/{:03}", pass == 0 ? i : 99 - i);
      list.add(1, FindingCode::overlap, where, "m", "h");
    }
    list.add(0, FindingCode::scales_disagree, "k", "m", "h");
    list.add(FindingList::kDataset, FindingCode::missing_link, "info", "m", "h");
    listed[pass] = list.take();
  }
  ASSERT_EQ(listed[0].size(), 2u + 20 + 1);
  EXPECT_EQ(listed[0][0].code, "missing-link");
  EXPECT_EQ(listed[0][1].code, "scales-disagree");
  EXPECT_EQ(listed[0][2].where, "k/000");
  EXPECT_EQ(listed[0][21].where, "k/019");
  EXPECT_EQ(listed[0][22].message, "80 more like these");
  for (std::size_t i = 0; i < listed[0].size(); ++i) EXPECT_EQ(listed[0][i].where, listed[1][i].where);
}

}  // namespace
}  // namespace ngforge
