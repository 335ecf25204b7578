// SPDX-License-Identifier: Apache-2.0
#include "array/array_reader.h"

#include <cstring>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "array/copy_values.h"
#include "compress/crc32c.h"
#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "store/memory.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kAbsent = ~std::uint64_t{0};

// Value at (i, j) of the arrays below.
std::uint16_t value_at(Index i, Index j) {
  return static_cast<std::uint16_t>(1000 * i + j);
}

// The values of a box in C order.
Bytes values_of(Index i_begin, Index i_end, Index j_begin, Index j_end, std::endian order = std::endian::little) {
  Bytes bytes;
  for (Index i = i_begin; i < i_end; ++i)
    for (Index j = j_begin; j < j_end; ++j) {
      Bytes one(2);
      if (order == std::endian::big)
        store<std::endian::big>(one.data(), value_at(i, j));
      else
        store(one.data(), value_at(i, j));
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
  return bytes;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes with_checksum(Bytes bytes) {
  Bytes sum(4);
  store(sum.data(), crc32c(bytes));
  return joined({bytes, sum});
}

Bytes index_of(const std::vector<std::uint64_t>& numbers) {
  Bytes bytes(8 * numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) store(bytes.data() + 8 * i, numbers[i]);
  return with_checksum(bytes);
}

std::string zarr3(const std::string& chunk_shape, const std::string& codecs) {
  return R"({"zarr_format": 3, "node_type": "array", "shape": [6, 8], "data_type": "uint16",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": )" +
         chunk_shape + R"(}}, "chunk_key_encoding": "default", "fill_value": 77, "codecs": )" + codecs + "}";
}

struct Array {
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::unique_ptr<ArrayReader> reader;

  explicit Array(Result<ArrayMetadata> metadata) {
    EXPECT_TRUE(metadata.has_value()) << metadata.error().message;
    reader = std::make_unique<ArrayReader>(store, "a/", std::move(*metadata));
  }
  void put(const std::string& key, const Bytes& bytes) { EXPECT_TRUE(store->put("a/" + key, bytes).has_value()); }
  Result<Bytes> read(const Extents& begin, const Extents& shape) const {
    const StoredType type = reader->metadata().type;
    Bytes out(value_bytes_of(shape, type));
    auto read = reader->read(begin, shape, out.data(), dense_strides(shape, type));
    if (!read) return std::move(read).error();
    return out;
  }
  std::string error() const {
    const auto out = read({0, 0}, {2, 4});
    return out ? "no error" : out.error().message;
  }
};

Array sharded(const std::string& location) {
  return Array(parse_zarr3_array(zarr3("[6, 8]", R"([{"name": "sharding_indexed", "configuration": {
    "chunk_shape": [2, 4], "codecs": ["bytes"], "index_codecs": ["bytes", "crc32c"], "index_location": ")" +
                                                     location + R"("}}])"),
                                 "zarr.json"));
}

TEST(ArrayReader, JoinsChunksAndFillsAbsentOnes) {
  Array array(parse_zarr3_array(zarr3("[4, 4]", R"(["bytes"])"), "zarr.json"));
  array.put("c/0/0", values_of(0, 4, 0, 4));
  array.put("c/1/1", values_of(4, 8, 4, 8));  // reaches over the end
  const auto out = array.read({2, 2}, {4, 5});
  ASSERT_TRUE(out.has_value()) << out.error().message;
  for (Index i = 2; i < 6; ++i)
    for (Index j = 2; j < 7; ++j) {
      const bool is_stored = (i < 4) == (j < 4);
      EXPECT_EQ(load<std::uint16_t>(out->data() + 2 * (5 * (i - 2) + j - 2)), is_stored ? value_at(i, j) : 77);
    }
}

TEST(ArrayReader, PutsValuesWhereStridesSay) {
  Array array(parse_zarr3_array(zarr3("[6, 8]", R"([{"name": "bytes", "configuration": {"endian": "big"}}])"), ""));
  array.put("c/0/0", values_of(0, 6, 0, 8, std::endian::big));
  std::array<std::uint16_t, 6> out{};  // 3 x 2, the first axis fastest
  ASSERT_TRUE(array.reader->read({1, 5}, {3, 2}, reinterpret_cast<std::byte*>(out.data()), {2, 6}).has_value());
  EXPECT_EQ(out, (std::array<std::uint16_t, 6>{1005, 2005, 3005, 1006, 2006, 3006}));
}

TEST(ArrayReader, FindsChunksOfAShardByItsIndex) {
  // Chunks (0, 0) and (2, 1) of 3 x 2; the second lies first, and there is a gap.
  const Bytes first = values_of(0, 2, 0, 4), last = values_of(4, 6, 4, 8);
  for (const bool at_end : {true, false}) {
    Array array = sharded(at_end ? "end" : "start");
    const std::uint64_t shift = at_end ? 0 : 6 * 16 + 4;
    const Bytes index =
        index_of({shift + 19, 16, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent, shift, 16});
    array.put("c/0/0", at_end ? joined({last, Bytes(3), first, index}) : joined({index, last, Bytes(3), first}));
    for (int again = 0; again < 2; ++again) {  // the index is kept
      const auto out = array.read({0, 0}, {6, 8});
      ASSERT_TRUE(out.has_value()) << out.error().message;
      for (Index i = 0; i < 6; ++i)
        for (Index j = 0; j < 8; ++j) {
          const bool is_stored = (i < 2 && j < 4) || (i >= 4 && j >= 4);
          EXPECT_EQ(load<std::uint16_t>(out->data() + 2 * (8 * i + j)), is_stored ? value_at(i, j) : 77);
        }
    }
  }
}

TEST(ArrayReader, ReadsAbsentAndPackedShards) {
  Array array = sharded("end");
  EXPECT_EQ(load<std::uint16_t>(array.read({0, 0}, {1, 1}).value().data()), 77);
  const Bytes shard = joined({values_of(0, 2, 0, 4), index_of({0, 16, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent,
                                                               kAbsent, kAbsent, kAbsent, kAbsent, kAbsent})});
  Bytes packed;
  GzipCompressor(1).compress(shard, packed);
  // Packed by the store ...
  ASSERT_TRUE(array.store->put_encoded("a/c/0/0", packed, "gzip").has_value());
  EXPECT_EQ(array.read({0, 0}, {2, 4}).value(), values_of(0, 2, 0, 4));
  // ... and by a codec behind the shard.
  Array other(parse_zarr3_array(zarr3("[6, 8]", R"([{"name": "sharding_indexed", "configuration": {
    "chunk_shape": [2, 4], "codecs": ["bytes"], "index_codecs": ["bytes", "crc32c"]}}, "gzip"])"),
                                "zarr.json"));
  EXPECT_EQ(other.reader->metadata().read_shape(), (Extents{6, 8}));
  other.put("c/0/0", packed);
  EXPECT_EQ(other.read({0, 0}, {2, 4}).value(), values_of(0, 2, 0, 4));
}

TEST(ArrayReader, KeepsTheIndicesOfNestedShardsApart) {
  // The inner shard of two chunks begins where the outer one does; both have the same number of entries.
  Array array(parse_zarr3_array(zarr3("[4, 8]", R"([{"name": "sharding_indexed", "configuration": {
    "chunk_shape": [2, 8], "index_codecs": ["bytes", "crc32c"], "codecs": [{"name": "sharding_indexed",
    "configuration": {"chunk_shape": [2, 4], "codecs": ["bytes"], "index_codecs": ["bytes", "crc32c"]}}]}}])"),
                                "zarr.json"));
  const Bytes inner = joined({values_of(0, 2, 4, 8), values_of(0, 2, 0, 4), index_of({16, 16, 0, 16})});
  array.put("c/0/0", joined({inner, index_of({0, inner.size(), kAbsent, kAbsent})}));
  for (int times = 0; times < 2; ++times) {
    const auto out = array.read({0, 0}, {2, 8});
    ASSERT_TRUE(out.has_value()) << out.error().message;
    EXPECT_EQ(*out, values_of(0, 2, 0, 8));
  }
}

TEST(ArrayReader, RefusesIndicesThatLie) {
  const Bytes chunk = values_of(0, 2, 0, 4);
  const auto error = [&](std::uint64_t offset, std::uint64_t length) {
    Array array = sharded("end");
    std::vector<std::uint64_t> numbers(12, kAbsent);
    numbers[0] = offset;
    numbers[1] = length;
    array.put("c/0/0", joined({chunk, index_of(numbers)}));
    return array.error();
  };
  EXPECT_EQ(error(0, 16), "no error");
  EXPECT_THAT(error(101, 16), HasSubstr("inside the shard's 116 bytes"));
  EXPECT_THAT(error(kAbsent - 3, 16), HasSubstr("inside the shard"));
  EXPECT_THAT(error(0, kAbsent), HasSubstr("inside the shard"));
  EXPECT_THAT(error(0, 0), HasSubstr("inside the shard"));
  EXPECT_THAT(error(0, 14), HasSubstr("expected a chunk of 16 bytes of values, found 14"));
  Array array = sharded("end");
  Bytes shard = joined({chunk, index_of(std::vector<std::uint64_t>(12, kAbsent))});
  shard[20] ^= std::byte{1};
  array.put("c/0/0", shard);
  EXPECT_THAT(array.error(), HasSubstr("checksum"));
}

TEST(ArrayReader, RefusesEveryTruncationOfAShard) {
  for (const bool at_end : {true, false}) {
    const std::uint64_t shift = at_end ? 0 : 100;
    std::vector<std::uint64_t> numbers(12, kAbsent);
    numbers[0] = shift;
    numbers[1] = 16;
    const Bytes chunk = values_of(0, 2, 0, 4), index = index_of(numbers);
    const Bytes whole = at_end ? joined({chunk, index}) : joined({index, chunk});
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Array array = sharded(at_end ? "end" : "start");
      array.put("c/0/0", Bytes(whole.begin(), whole.begin() + static_cast<Index>(size)));
      EXPECT_NE(array.error(), "no error") << size;
    }
  }
}

TEST(ArrayReader, RefusesChunksOfAnotherShape) {
  Array array(parse_zarr3_array(zarr3("[2, 4]", R"(["bytes", "crc32c"])"), "zarr.json"));
  array.put("c/0/0", with_checksum(values_of(0, 2, 0, 5)));
  EXPECT_THAT(array.error(), HasSubstr("expected a chunk of 16 bytes of values, found 20"));
  array.put("c/0/0", values_of(0, 2, 0, 4));
  EXPECT_THAT(array.error(), HasSubstr("checksum"));
  array.put("c/0/0", with_checksum(values_of(0, 2, 0, 4)));
  EXPECT_EQ(array.error(), "no error");
}

Array n5() {
  return Array(parse_n5_array(R"({"dimensions": [8, 6], "blockSize": [4, 2], "dataType": "uint16",
                                  "compression": {"type": "raw"}})",
                              "attributes.json"));
}

Bytes n5_header(std::uint16_t mode, std::initializer_list<std::uint32_t> sizes) {
  Bytes bytes(4 + 4 * sizes.size());
  store<std::endian::big>(bytes.data(), mode);
  store<std::endian::big>(bytes.data() + 2, static_cast<std::uint16_t>(sizes.size()));
  std::size_t at = 4;
  for (const std::uint32_t size : sizes) {
    store<std::endian::big>(bytes.data() + at, size);
    at += 4;
  }
  return bytes;
}

TEST(ArrayReader, ReadsBlocksOfN5) {
  Array array = n5();
  array.put("1/0", joined({n5_header(0, {4, 2}), values_of(0, 2, 4, 8, std::endian::big)}));
  array.put("0/0", joined({n5_header(0, {3, 1}), values_of(0, 1, 0, 3, std::endian::big)}));  // less than a whole one
  const auto out = array.read({0, 0}, {2, 8});
  ASSERT_TRUE(out.has_value()) << out.error().message;
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 8; ++j) {
      const bool is_stored = j >= 4 || (i < 1 && j < 3);
      EXPECT_EQ(load<std::uint16_t>(out->data() + 2 * (8 * i + j)), is_stored ? value_at(i, j) : 0);
    }
  // A part that the smaller block does not reach.
  EXPECT_EQ(array.read({1, 0}, {1, 2}).value(), Bytes(4));
}

TEST(ArrayReader, RefusesBlocksOfN5ThatAreNotPlain) {
  const Bytes values = values_of(0, 2, 0, 4, std::endian::big);
  const auto error = [&](const Bytes& block) {
    Array array = n5();
    array.put("0/0", block);
    return array.error();
  };
  EXPECT_THAT(error(joined({n5_header(1, {4, 2}), Bytes(4), values})), HasSubstr("varlength"));
  EXPECT_THAT(error(joined({n5_header(2, {}), values})), HasSubstr("object"));
  EXPECT_THAT(error(joined({n5_header(0, {4, 2, 1}), values})), HasSubstr("2 axes, found 3"));
  EXPECT_THAT(error(joined({n5_header(0, {5, 2}), values})), HasSubstr("1 to 4 values along axis 0, found 5"));
  EXPECT_THAT(error(joined({n5_header(0, {4, 0}), values})), HasSubstr("1 to 2 values along axis 1, found 0"));
  const Bytes whole = joined({n5_header(0, {4, 2}), values});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(error(Bytes(whole.begin(), whole.begin() + static_cast<Index>(size))), "no error") << size;
}

TEST(ArrayReader, ServesManyThreads) {
  Array array = sharded("end");
  std::vector<std::uint64_t> numbers(12);
  Bytes shard;
  for (Index c = 0; c < 6; ++c) {
    numbers[static_cast<std::size_t>(2 * c)] = shard.size();
    numbers[static_cast<std::size_t>(2 * c + 1)] = 16;
    const Index i = c / 2 * 2, j = c % 2 * 4;
    shard = joined({shard, values_of(i, i + 2, j, j + 4)});
  }
  array.put("c/0/0", joined({shard, index_of(numbers)}));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) EXPECT_EQ(array.read({0, 0}, {6, 8}).value(), values_of(0, 6, 0, 8));
    });
}

}  // namespace
}  // namespace ngforge
