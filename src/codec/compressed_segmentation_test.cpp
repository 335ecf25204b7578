// SPDX-License-Identifier: Apache-2.0
// The encoder and decoder against the specification's vector and against plain ones that follow its text word by word.
#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "codec/codec.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::uint32_t>;
using Size = std::array<Index, 3>;

const CodecDescriptor& codec() {
  return *find_codec("compressed_segmentation");
}

template <class T>
constexpr DataType kType = sizeof(T) == 4 ? DataType::uint32 : DataType::uint64;

Bytes bytes_of(const Words& words) {
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

Words words_of(const Bytes& bytes) {
  Words words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

template <class T>
BlockView view_of(const std::vector<T>& labels, const Size& size) {
  return dense_view(reinterpret_cast<const std::byte*>(labels.data()), kType<T>, {{}, {size[0], size[1], size[2]}}, 1);
}

template <class T>
Words encoded(const std::vector<T>& labels, const Size& size, const Size& block) {
  Bytes out;
  const auto done = codec().encode(view_of(labels, size), {block}, out);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return words_of(out);
}

template <class T>
Result<std::vector<T>> decoded(const Words& words, const Size& size, const Size& block) {
  std::vector<T> labels(static_cast<std::size_t>(size[0] * size[1] * size[2]), T{0x5a5a5a5a});
  const MutableBlockView view =
      dense_view(reinterpret_cast<std::byte*>(labels.data()), kType<T>, {{}, {size[0], size[1], size[2]}}, 1);
  const Bytes bytes = bytes_of(words);
  NGFORGE_CHECK(codec().decode(bytes, {block}, view));
  return labels;
}

// The specification's text (1.5) as a program, one voxel at a time.
template <class T>
Words plain_encode(const std::vector<T>& labels, const Size& size, const Size& block) {
  Size grid;
  for (std::size_t a = 0; a < 3; ++a) grid[a] = (size[a] + block[a] - 1) / block[a];
  Words words(static_cast<std::size_t>(2 * grid[0] * grid[1] * grid[2]));
  std::map<std::vector<T>, std::size_t> tables;
  std::size_t header = 0;
  for (Index k = 0; k < grid[2]; ++k)
    for (Index j = 0; j < grid[1]; ++j)
      for (Index i = 0; i < grid[0]; ++i) {
        std::map<Index, T> voxels;  // by entry
        std::vector<T> table;
        for (Index z = 0; z < block[2] && k * block[2] + z < size[2]; ++z)
          for (Index y = 0; y < block[1] && j * block[1] + y < size[1]; ++y)
            for (Index x = 0; x < block[0] && i * block[0] + x < size[0]; ++x) {
              const Index at = i * block[0] + x + size[0] * (j * block[1] + y + size[1] * (k * block[2] + z));
              table.push_back(voxels[x + block[0] * (y + block[1] * z)] = labels[static_cast<std::size_t>(at)]);
            }
        std::sort(table.begin(), table.end());
        table.erase(std::unique(table.begin(), table.end()), table.end());
        std::uint32_t bits = 0;
        while ((std::uint64_t{1} << bits) < table.size()) bits = bits == 0 ? 1 : 2 * bits;
        const std::size_t values = words.size();
        words.resize(values + static_cast<std::size_t>((block[0] * block[1] * block[2] * bits + 31) / 32));
        for (const auto& [entry, label] : voxels) {
          const auto code =
              static_cast<std::uint32_t>(std::lower_bound(table.begin(), table.end(), label) - table.begin());
          const auto bit = static_cast<std::size_t>(entry * bits);
          if (bits > 0) words[values + bit / 32] |= code << bit % 32;
        }
        if (!tables.contains(table)) {
          tables[table] = words.size();
          for (const T label : table)
            for (std::size_t b = 0; b < sizeof(T); b += 4)
              words.push_back(static_cast<std::uint32_t>(std::uint64_t{label} >> (8 * b)));
        }
        words[header++] = static_cast<std::uint32_t>(tables[table]) | bits << 24;
        words[header++] = static_cast<std::uint32_t>(values);
      }
  words.insert(words.begin(), 1);
  return words;
}

TEST(CompressedSegmentation, IsTheVectorOfTheSpec) {
  const std::vector<std::uint32_t> labels{4, 3, 5, 4, 1, 3, 3, 3};
  const Words words{1, 0x02000005, 0x00000004, 0x01000009, 0x00000008, 0x00000061, 3, 4, 5, 0x0000000e, 1, 3};
  EXPECT_EQ(encoded(labels, {2, 2, 2}, {2, 2, 1}), words);
  EXPECT_EQ(plain_encode(labels, {2, 2, 2}, {2, 2, 1}), words);
  const auto again = decoded<std::uint32_t>(words, {2, 2, 2}, {2, 2, 1});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, labels);
}

TEST(CompressedSegmentation, WritesTwoWordsPerLabelOfUint64) {
  // By hand: one block of two labels; low words first; codes 0 1, lowest bit first.
  const std::vector<std::uint64_t> labels{0x100000002, 0x300000001};
  const Words words{1, 0x01000003, 2, 0b10, 2, 1, 1, 3};
  EXPECT_EQ(encoded(labels, {2, 1, 1}, {2, 1, 1}), words);
}

TEST(CompressedSegmentation, WritesChannelsOneBehindTheOther) {
  // By hand: three channels of two labels, a block each; where they begin, in words of the file, then each as if alone.
  const Words alone[] = {{1, 0x01000003, 2, 0b10, 4, 9}, {1, 0x00000002, 2, 7}, {1, 0x01000003, 2, 0b01, 4, 9}};
  const Words words{3, 8, 11, 0x01000003, 2, 0b10, 4, 9, 0x00000002, 2, 7, 0x01000003, 2, 0b01, 4, 9};
  const std::vector<std::uint32_t> labels{4, 9, 7, 7, 9, 4};
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_EQ(encoded<std::uint32_t>({labels[2 * c], labels[2 * c + 1]}, {2, 1, 1}, {2, 1, 1}), alone[c]);
  const Box box{{}, {2, 1, 1}};
  const auto* data = reinterpret_cast<const std::byte*>(labels.data());
  Bytes out;
  ASSERT_TRUE(codec().encode(dense_view(data, DataType::uint32, box, 3), {{2, 1, 1}}, out).has_value());
  EXPECT_EQ(words_of(out), words);
  std::vector<std::uint32_t> again(6);
  const auto view = dense_view(reinterpret_cast<std::byte*>(again.data()), DataType::uint32, box, 3);
  ASSERT_TRUE(codec().decode(out, {{2, 1, 1}}, view).has_value());
  EXPECT_EQ(again, labels);

  const auto message = [&](const Words& bad) {
    const auto done = codec().decode(bytes_of(bad), {{2, 1, 1}}, view);
    return done ? "no error" : done.error().message;
  };
  for (std::size_t kept = 0; kept < words.size(); ++kept)
    EXPECT_NE(message(Words(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(kept))), "no error") << kept;
  const auto with = [&](std::size_t at, std::uint32_t value) {
    Words changed = words;
    changed[at] = value;
    return changed;
  };
  EXPECT_THAT(message({3, 8}), HasSubstr("expected 3 channel offsets, found 2 words"));
  EXPECT_THAT(message(with(0, 1)), HasSubstr("expected channel offset 3 at byte 0, found 1"));
  EXPECT_THAT(message(with(1, 2)), HasSubstr("expected channel offset 3 to 16 at byte 4, found 2"));
  EXPECT_THAT(message(with(2, 17)), HasSubstr("expected channel offset 8 to 16 at byte 8, found 17"));
  EXPECT_THAT(message(with(11, 0x03000003)), HasSubstr("(header at byte 44): expected 0, 1, 2, 4, 8, 16 or 32 bits"));
}

TEST(CompressedSegmentation, SharesTables) {
  // Two blocks of the same two labels, the other way round: one table. A third of one label: another.
  const std::vector<std::uint32_t> labels{7, 9, 9, 7, 9, 9};
  const Words words{1, 0x01000007, 6, 0x01000007, 9, 0x0000000a, 10, 0b10, 7, 9, 0b01, 9};
  EXPECT_EQ(encoded(labels, {6, 1, 1}, {2, 1, 1}), words);
}

template <class T>
std::vector<T> random_labels(const Size& size, unsigned seed, unsigned different, unsigned run) {
  std::mt19937_64 random(seed);
  std::vector<T> palette(different);
  for (T& label : palette) label = static_cast<T>(random());
  std::vector<T> labels(static_cast<std::size_t>(size[0] * size[1] * size[2]));
  T label = palette[0];
  for (T& voxel : labels) {
    if (random() % run == 0) label = palette[random() % different];
    voxel = label;
  }
  return labels;
}

template <class T>
void expect_the_plain_bytes(const Size& size, const Size& block, unsigned seed, unsigned different, unsigned run) {
  const auto labels = random_labels<T>(size, seed, different, run);
  const Words words = plain_encode(labels, size, block);
  ASSERT_EQ(encoded(labels, size, block), words)
      << different << " labels, block " << block[0] << " " << block[1] << " " << block[2];
  const auto again = decoded<T>(words, size, block);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  ASSERT_EQ(*again, labels);
}

TEST(CompressedSegmentation, WritesTheBytesOfThePlainEncoder) {
  unsigned seed = 0;
  for (const unsigned different : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 18u, 255u, 256u, 257u, 600u})
    for (const unsigned run : {1u, 40u})
      for (const Size& size : {Size{8, 8, 8}, {16, 24, 8}, {9, 15, 17}, {1, 1, 1}, {7, 8, 9}, {64, 3, 2}}) {
        expect_the_plain_bytes<std::uint32_t>(size, {8, 8, 8}, ++seed, different, run);
        expect_the_plain_bytes<std::uint64_t>(size, {8, 8, 8}, ++seed, different, run);
      }
}

TEST(CompressedSegmentation, WritesAllWidths) {
  // 70 000 labels in one block need 32 bits.
  for (const unsigned different : {2u, 300u, 60'000u, 1'000'000u})
    expect_the_plain_bytes<std::uint32_t>({50, 50, 40}, {50, 50, 40}, 3, different, 1);
}

RC_GTEST_PROP(CompressedSegmentation, WritesThePlainBytesForAnyBlock, ()) {
  const auto side = rc::gen::inRange<Index>(1, 21);
  const Size size{*side, *side, *side};
  const Size block{*side, *rc::gen::element<Index>(1, 3, 8, 20), *side};
  expect_the_plain_bytes<std::uint64_t>(size, block, *rc::gen::arbitrary<unsigned>(), *rc::gen::inRange(1u, 40u),
                                        *rc::gen::inRange(1u, 20u));
}

TEST(CompressedSegmentation, ReadsStridedChunksOfAnEncoderThatIsUsedAgain) {
  // The encoder keeps memory from chunk to chunk: nothing of a larger one may show in the next.
  for (const Size& size : {Size{64, 64, 64}, Size{3, 3, 3}, Size{17, 8, 30}})
    for (unsigned different : {900u, 3u})
      expect_the_plain_bytes<std::uint64_t>(size, {8, 8, 8}, different, different, 5);
}

TEST(CompressedSegmentation, StopsAtTheLimitOf24Bits) {
  // Blocks of one voxel, all labels different: four words each (two of header, two of table), so 2^22 of them end at
  // 2^24.
  std::vector<std::uint64_t> labels((std::size_t{1} << 22) + 1);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i + 1;
  const auto count = static_cast<Index>(labels.size());
  Bytes out;
  const auto done = codec().encode(view_of(labels, {count, 1, 1}), {{1, 1, 1}}, out);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::limit);
  EXPECT_THAT(done.error().hint, HasSubstr("--chunk-size"));
  EXPECT_TRUE(codec().encode(view_of(labels, {count - 1, 1, 1}), {{1, 1, 1}}, out).has_value());
  // A block of more values than any file could hold.
  const std::vector<std::uint32_t> two{1, 2};
  EXPECT_EQ(codec().encode(view_of(two, {2, 1, 1}), {{Index{1} << 40, Index{1} << 40, 1}}, out).error().code,
            ErrorCode::limit);
}

TEST(CompressedSegmentation, RefusesOtherVoxels) {
  const Block block(DataType::uint16, {{}, {1, 1, 1}}, 1);
  Bytes out;
  EXPECT_EQ(codec().encode(block.view(), {}, out).error().code, ErrorCode::unsupported);
}

TEST(CompressedSegmentation, SaysWhatIsWrongAndWhere) {
  const auto message = [](const Words& words) {
    const auto labels = decoded<std::uint32_t>(words, {8, 8, 8}, {8, 8, 8});
    EXPECT_FALSE(labels.has_value());
    return labels ? std::string() : labels.error().message;
  };
  Words words{1, 0x01000012, 2};  // one block of 1 bit: 16 words of values at 2, the table at 18
  words.resize(19);
  words.insert(words.end(), {5, 6});
  ASSERT_TRUE(decoded<std::uint32_t>(words, {8, 8, 8}, {8, 8, 8}).has_value());
  const auto with = [&](std::size_t at, std::uint32_t value) {
    Words changed = words;
    changed[at] = value;
    return changed;
  };
  EXPECT_THAT(message(with(0, 2)), HasSubstr("expected channel offset 1 at byte 0, found 2"));
  EXPECT_THAT(message(with(1, 0x03000012)),
              HasSubstr("block 0 0 0 (header at byte 4): expected 0, 1, 2, 4, 8, 16 or 32 bits per value, found 3"));
  EXPECT_THAT(message(with(1, 0x40000012)), HasSubstr("found 64"));
  EXPECT_THAT(message(with(1, 0x01000014)), HasSubstr("expected a table inside 20 words, found 20"));
  EXPECT_THAT(message(with(2, 5)), HasSubstr("expected values inside 20 words, found 5"));
  EXPECT_THAT(message(with(2, 0xffffffff)), HasSubstr("expected values inside 20 words"));
  EXPECT_THAT(message(with(1, 0x20000012)), HasSubstr("expected values inside 20 words"));
  // The table begins at its last word: code 1 has no label.
  Words short_table = with(1, 0x01000013);
  short_table[3] = 1;
  EXPECT_THAT(message(short_table), HasSubstr("expected values that number at most 1 labels of the table"));
  EXPECT_THAT(message({1, 0}), HasSubstr("expected 2 words of block headers, found 1"));
}

RC_GTEST_PROP(CompressedSegmentation, SurvivesChangedWords, ()) {
  // Whatever the words say, decoding ends, and reads and writes only what it was given (AddressSanitizer watches).
  const Size size{9, 8, 10};
  Words words =
      plain_encode(random_labels<std::uint32_t>(size, *rc::gen::arbitrary<unsigned>(), 20, 4), size, {8, 8, 8});
  const auto changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i)
    words[*rc::gen::inRange<std::size_t>(0, words.size())] ^= *rc::gen::arbitrary<std::uint32_t>();
  const auto labels = decoded<std::uint32_t>(words, size, {8, 8, 8});
  RC_ASSERT(labels.has_value() || labels.error().code == ErrorCode::invalid_data);
}

}  // namespace
}  // namespace ngforge
