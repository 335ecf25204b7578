// SPDX-License-Identifier: Apache-2.0
#include "store/sharded.h"

#include <atomic>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "store/memory.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kLimit = 1 << 20;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void append(Bytes& to, const Bytes& part) {
  to.insert(to.end(), part.begin(), part.end());
}

Bytes packed(const Bytes& plain) {
  Bytes out;
  GzipCompressor(6).compress(plain, out);
  return out;
}

// Writes shards as the specification describes them, simply: values minishard by minishard, indices at the end. `gap`
// bytes lie before each value.
void write_shards(MemoryStore& store, const std::string& prefix, const ShardingSpec& spec,
                  const std::map<std::uint64_t, Bytes>& values, std::size_t gap = 0) {
  std::map<std::uint64_t, std::map<std::uint64_t, std::vector<std::uint64_t>>> keys;
  for (const auto& [key, value] : values) {
    const auto place = shard_place(spec, key);
    keys[place.shard][place.minishard].push_back(key);
  }
  for (const auto& [shard, minishards] : keys) {
    Bytes front(shard_index_bytes(spec)), body;
    std::map<std::uint64_t, std::vector<ShardEntry>> entries;
    for (const auto& [minishard, members] : minishards)
      for (const auto key : members) {
        const Bytes stored = spec.gzip_data ? packed(values.at(key)) : values.at(key);
        body.resize(body.size() + gap);
        entries[minishard].push_back({key, body.size(), stored.size()});
        append(body, stored);
      }
    for (const auto& [minishard, list] : entries) {
      const Bytes index = spec.gzip_index ? packed(encode_minishard_index(list)) : encode_minishard_index(list);
      ngforge::store(front.data() + 16 * minishard, static_cast<std::uint64_t>(body.size()));
      append(body, index);
      ngforge::store(front.data() + 16 * minishard + 8, static_cast<std::uint64_t>(body.size()));
    }
    append(front, body);
    ASSERT_TRUE(store.put(prefix + shard_file_name(spec, shard), front).has_value());
  }
}

TEST(ShardedReader, ReadsTheFileOfTheSpec) {
  // Byte for byte the appendix: S = 32, data "abc", two minishard indices, 83 bytes in all.
  Bytes file(83);
  const std::uint64_t front[] = {3, 27, 27, 51}, first[] = {2, 0, 2}, second[] = {3, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) store(file.data() + 8 * i, front[i]);
  std::memcpy(file.data() + 32, "abc", 3);
  for (std::size_t i = 0; i < 3; ++i) {
    store(file.data() + 35 + 8 * i, first[i]);
    store(file.data() + 59 + 8 * i, second[i]);
  }
  const auto memory = std::make_shared<MemoryStore>();
  ASSERT_TRUE(memory->put("s/0.shard", file).has_value());
  ShardedReader reader(memory, "s/", {.minishard_bits = 1});
  EXPECT_EQ(reader.get(2, kLimit), bytes_of("ab"));
  EXPECT_EQ(reader.get(3, kLimit), bytes_of("c"));
  const auto absent = reader.get(4, kLimit);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
  const auto list = reader.list(0);
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(*list, (std::vector<ShardEntry>{{2, 0, 2}, {3, 2, 1}}));
  // Every cut is an error or an absent key, never a wrong value.
  for (std::size_t size = 0; size < file.size(); ++size) {
    ASSERT_TRUE(memory->put("s/0.shard", std::span(file).first(size)).has_value());
    ShardedReader cut(memory, "s/", {.minishard_bits = 1});
    const auto value = cut.get(3, kLimit);
    ASSERT_FALSE(value.has_value()) << size;
    EXPECT_EQ(value.error().code, ErrorCode::invalid_data);
    EXPECT_THAT(value.error().message, HasSubstr("s/0.shard"));
  }
}

RC_GTEST_PROP(ShardedReader, FindsEveryValueUnderAnyParameters, ()) {
  ShardingSpec spec;
  spec.preshift_bits = *rc::gen::inRange(0, 4);
  spec.is_murmur = *rc::gen::arbitrary<bool>();
  spec.minishard_bits = *rc::gen::inRange(0, 4);
  spec.shard_bits = *rc::gen::inRange(0, 6);
  spec.gzip_index = *rc::gen::arbitrary<bool>();
  spec.gzip_data = *rc::gen::arbitrary<bool>();
  std::map<std::uint64_t, Bytes> values;
  for (const auto& [key, text] : *rc::gen::arbitrary<std::map<std::uint16_t, std::string>>())
    values[key] = bytes_of(text);
  const auto memory = std::make_shared<MemoryStore>();
  write_shards(*memory, "", spec, values, *rc::gen::inRange<std::size_t>(0, 3));
  ShardedReader reader(memory, "", spec, 1000);
  for (const auto& [key, value] : values) RC_ASSERT(reader.get(key, kLimit) == value);
  std::size_t listed = 0;
  for (std::uint64_t shard = 0; shard < std::uint64_t{1} << spec.shard_bits; ++shard) {
    const auto list = reader.list(shard);
    RC_ASSERT(list.has_value());
    for (const ShardEntry& entry : *list) RC_ASSERT(values.contains(entry.key));
    listed += list->size();
  }
  RC_ASSERT(listed == values.size());
  for (std::uint64_t key = 0; key < 40; ++key)
    if (!values.contains(key)) RC_ASSERT(reader.get(key, kLimit).error().code == ErrorCode::not_found);
}

TEST(ShardedReader, HoldsValuesToTheLimit) {
  for (const bool gzip : {false, true}) {
    const ShardingSpec spec{.gzip_data = gzip};
    const auto memory = std::make_shared<MemoryStore>();
    write_shards(*memory, "", spec, {{1, Bytes(100'000)}});
    ShardedReader reader(memory, "", spec);
    EXPECT_TRUE(reader.get(1, 100'000).has_value());
    const auto value = reader.get(1, 99'999);
    ASSERT_FALSE(value.has_value());
    EXPECT_EQ(value.error().code, ErrorCode::limit);
  }
}

TEST(ShardedReader, RefusesIndexesThatLeaveTheFile) {
  const ShardingSpec spec{};
  for (const auto& [begin, end] : {std::pair<std::uint64_t, std::uint64_t>{5, 3},
                                   {0, 1000},
                                   {~std::uint64_t{0} - 30, ~std::uint64_t{0}},
                                   {0, std::uint64_t{1} << 52},
                                   {0, 23}}) {
    Bytes file(200);
    store(file.data(), begin);
    store(file.data() + 8, end);
    const auto memory = std::make_shared<MemoryStore>();
    ASSERT_TRUE(memory->put("0.shard", file).has_value());
    const auto value = ShardedReader(memory, "", spec).get(0, kLimit);
    ASSERT_FALSE(value.has_value());
    EXPECT_TRUE(value.error().code == ErrorCode::invalid_data || value.error().code == ErrorCode::limit)
        << value.error().message;
  }
}

TEST(ShardedReader, RefusesValuesThatLeaveTheFile) {
  Bytes file(16 + 24);
  store(file.data() + 8, std::uint64_t{24});
  store(file.data() + 16, std::uint64_t{7});     // key
  store(file.data() + 24, std::uint64_t{0});     // offset
  store(file.data() + 32, std::uint64_t{1000});  // size
  const auto memory = std::make_shared<MemoryStore>();
  ASSERT_TRUE(memory->put("0.shard", file).has_value());
  const auto value = ShardedReader(memory, "", {}).get(7, kLimit);
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code, ErrorCode::invalid_data);
}

// Counts reads.
class CountingStore final : public Store {
 public:
  explicit CountingStore(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  std::string describe() const override { return store_->describe(); }
  Result<ObjectInfo> stat(const std::string& key) override { return store_->stat(key); }
  Result<Bytes> get(const std::string& key) override { return store_->get(key); }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    ++reads;
    return store_->get_range(key, range);
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override { return store_->list(prefix); }
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override {
    return store_->put(key, bytes);
  }
  std::atomic<int> reads = 0;

 private:
  std::shared_ptr<Store> store_;
};

TEST(ShardedReader, KeepsTheIndicesItUsedLast) {
  const ShardingSpec spec{.minishard_bits = 2};
  const auto memory = std::make_shared<MemoryStore>();
  write_shards(*memory, "", spec, {{0, bytes_of("0")}, {1, bytes_of("1")}, {2, bytes_of("2")}, {4, bytes_of("4")}});
  const auto counting = std::make_shared<CountingStore>(memory);
  ShardedReader roomy(counting, "", spec);
  for (int round = 0; round < 3; ++round)
    for (const std::uint64_t key : {0, 4, 0, 4}) EXPECT_TRUE(roomy.get(key, kLimit).has_value());
  EXPECT_EQ(counting->reads, 2 + 12);  // shard index entry and minishard index once, then the values alone
  counting->reads = 0;
  ShardedReader tight(counting, "", spec, 1);  // room for the one in use
  for (const std::uint64_t key : {0, 1, 0, 1}) EXPECT_TRUE(tight.get(key, kLimit).has_value());
  EXPECT_EQ(counting->reads, 4 * 3);
  counting->reads = 0;
  for (int round = 0; round < 3; ++round) EXPECT_FALSE(roomy.get(3, kLimit).has_value());
  EXPECT_EQ(counting->reads, 1);  // that a minishard is empty is remembered too
}

TEST(ShardedReader, ServesManyThreads) {
  const ShardingSpec spec{.preshift_bits = 1,
                          .is_murmur = true,
                          .minishard_bits = 3,
                          .shard_bits = 2,
                          .gzip_index = true,
                          .gzip_data = true};
  std::map<std::uint64_t, Bytes> values;
  for (std::uint64_t key = 0; key < 300; ++key) values[key * 7] = bytes_of(fmt::format("value {}", key));
  const auto memory = std::make_shared<MemoryStore>();
  write_shards(*memory, "", spec, values);
  ShardedReader reader(memory, "", spec, 2000);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 300; ++i) {
        const std::uint64_t key = 7 * ((i * (2 * t + 1)) % 300);
        EXPECT_EQ(reader.get(key, kLimit), values.at(key));
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace ngforge
