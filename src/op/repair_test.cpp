// SPDX-License-Identifier: Apache-2.0
#include "op/repair.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "source/precomputed.h"
#include "source/test_files.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Pack = Bytes (*)(const Bytes&);

Bytes as_zlib(const Bytes& plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  Bytes packed(size);
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
             static_cast<uLong>(plain.size()));
  packed.resize(size);
  return packed;
}

Bytes as_gzip(const Bytes& plain) {
  Bytes packed;
  GzipCompressor(6).compress(plain, packed);
  return packed;
}

// A volume of two chunks of 2 x 2 x 2 in one shard of two minishards, everything called gzip.
class RepairTest : public testing::Test {
 protected:
  static constexpr const char* kSharding = R"({"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0,
    "hash": "identity", "minishard_bits": 1, "shard_bits": 0, "minishard_index_encoding": "gzip",
    "data_encoding": "gzip"})";

  void SetUp() override {
    fs::create_directories(folder_.path("d/s"));
    put_info(kSharding);
  }
  void put(const std::string& name, std::span<const std::byte> bytes) { folder_.write("d/" + name, bytes); }
  void put_info(const std::string& sharding) {
    const std::string text = fmt::format(
        R"({{"type": "image", "data_type": "uint8", "num_channels": 1, "more": [1.5], "scales": [{{"key": "s",
            "size": [4, 2, 2], "chunk_sizes": [[2, 2, 2]], "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0],
            "encoding": "raw", "sharding": {}}}]}})",
        sharding);
    put("info", std::as_bytes(std::span(text)));
  }
  std::string get(const std::string& name) const {
    std::ifstream in(folder_.path("d/" + name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A value of each minishard, then its index.
  static Bytes shard(Pack pack_value, Pack pack_index) {
    Bytes file(32);
    for (std::uint64_t key = 0; key < 2; ++key) {
      const Bytes value = pack_value(Bytes(8, static_cast<std::byte>(key + 1)));
      const Bytes index =
          pack_index(encode_minishard_index(std::vector{ShardEntry{key, file.size() - 32, value.size()}}));
      file.insert(file.end(), value.begin(), value.end());
      store(file.data() + 16 * key, std::uint64_t{file.size() - 32});
      file.insert(file.end(), index.begin(), index.end());
      store(file.data() + 16 * key + 8, std::uint64_t{file.size() - 32});
    }
    return file;
  }
  std::vector<std::string> repair() {
    auto mended = repair_dataset(folder_.path("d"), {});
    EXPECT_TRUE(mended.has_value());
    return mended ? *mended : std::vector<std::string>{};
  }
  void expect_left_alone() {
    const std::string before = get("s/0.shard");
    EXPECT_THAT(repair(), IsEmpty());
    EXPECT_EQ(get("s/0.shard"), before);
    EXPECT_FALSE(fs::exists(folder_.path("d/s/0.shard.tmp")));
  }

  test::TempFolder folder_;
};

TEST_F(RepairTest, ZlibBecomesGzipAndStaysSo) {
  for (const auto& [value, index] : {std::pair<Pack, Pack>(as_zlib, as_zlib), {as_zlib, as_gzip}, {as_gzip, as_zlib}}) {
    put("s/0.shard", shard(value, index));
    EXPECT_THAT(repair(), ElementsAre("s/0.shard: zlib is gzip now"));
    const std::string once = get("s/0.shard");
    EXPECT_EQ(once.substr(32, 2), "\x1f\x8b");
    const auto volume = PrecomputedVolume::open(folder_.path("d"));
    ASSERT_TRUE(volume.has_value());
    for (Index x = 0; x < 2; ++x) {
      const auto bytes = (*volume)->read_chunk_bytes(0, {x, 0, 0});
      ASSERT_TRUE(bytes && *bytes);
      EXPECT_EQ(**bytes, Bytes(8, static_cast<std::byte>(x + 1)));
    }
    expect_left_alone();
    EXPECT_EQ(get("s/0.shard"), once);
  }
}

TEST_F(RepairTest, GzipIsLeftAlone) {
  put("s/0.shard", shard(as_gzip, as_gzip));
  expect_left_alone();
}

TEST_F(RepairTest, ValuesThatDoNotUnpackAreLeftAlone) {
  Bytes file = shard(as_zlib, as_zlib);
  file[32 + as_zlib(Bytes(8, std::byte{1})).size() - 1] ^= std::byte{1};  // the checksum of the first value
  put("s/0.shard", file);
  expect_left_alone();
}

TEST_F(RepairTest, IndicesOutsideTheFileAreLeftAlone) {
  Bytes file = shard(as_zlib, as_zlib);
  store(file.data() + 24, std::uint64_t{file.size()});
  put("s/0.shard", file);
  expect_left_alone();
  file.resize(31);
  put("s/0.shard", file);
  expect_left_alone();
}

TEST_F(RepairTest, InfoIsAsTheViewerReadsIt) {
  put_info("null");
  EXPECT_THAT(repair(), ElementsAre(HasSubstr("info")));
  EXPECT_THAT(get("info"), ::testing::Not(HasSubstr("sharding")));
  EXPECT_THAT(get("info"), HasSubstr("1.5"));  // what it does not know stays
  const std::string once = get("info");
  EXPECT_THAT(repair(), IsEmpty());
  EXPECT_EQ(get("info"), once);

  std::string sharding = kSharding;
  put_info(sharding.replace(sharding.find("\"identity\""), 10, "\"identity_hash\""));
  EXPECT_THAT(repair(), ElementsAre(HasSubstr("info")));
  EXPECT_THAT(get("info"), HasSubstr("\"identity\""));
}

TEST_F(RepairTest, OnlyFoldersOfThisMachine) {
  const auto mended = repair_dataset("http://127.0.0.1:1/d", {});
  ASSERT_FALSE(mended.has_value());
  EXPECT_EQ(mended.error().code, ErrorCode::unsupported);
  EXPECT_THAT(mended.error().message, HasSubstr("--repair"));
}

}  // namespace
}  // namespace ngforge
