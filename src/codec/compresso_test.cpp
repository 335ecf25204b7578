// SPDX-License-Identifier: Apache-2.0
// The compresso encoding against streams made by hand, after the description in compresso.h.
#include "codec/compresso.h"

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "codec/codec.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;

const CodecDescriptor& codec() {
  return *find_codec("compresso");
}

template <class T>
void append(Bytes& out, T value) {
  out.resize(out.size() + sizeof value);
  store(out.data() + out.size() - sizeof value, value);
}

// A stream of uint8 or uint16 labels; its header says how long the parts are.
template <class T>
struct Stream {
  std::uint8_t version = 1;
  std::array<std::uint16_t, 3> size{};
  std::array<std::uint8_t, 3> steps{4, 4, 1};
  std::uint8_t connectivity = 4;
  std::vector<T> ids{};
  std::vector<std::uint16_t> values{};
  std::vector<T> locations{};
  std::vector<std::uint16_t> windows{};
  std::vector<std::uint8_t> index{};

  Bytes bytes() const {
    Bytes out;
    for (const char c : {'c', 'p', 's', 'o'}) append(out, static_cast<std::uint8_t>(c));
    append(out, version);
    append(out, static_cast<std::uint8_t>(sizeof(T)));
    for (const auto side : size) append(out, side);
    for (const auto step : steps) append(out, step);
    append(out, std::uint64_t{ids.size()});
    append(out, static_cast<std::uint32_t>(values.size()));
    append(out, std::uint64_t{locations.size()});
    append(out, connectivity);
    for (const T id : ids) append(out, id);
    for (const auto value : values) append(out, value);
    for (const T location : locations) append(out, location);
    for (const auto window : windows) append(out, window);
    for (const auto number : index) append(out, number);
    return out;
  }
};

template <class T>
constexpr DataType kTypeOf = sizeof(T) == 1   ? DataType::uint8
                             : sizeof(T) == 2 ? DataType::uint16
                             : sizeof(T) == 4 ? DataType::uint32
                                              : DataType::uint64;

template <class T>
Block block_of(const VoxelVec& size, const std::vector<T>& labels) {
  Block block(kTypeOf<T>, {{}, size}, 1);
  EXPECT_EQ(block.bytes().size(), sizeof(T) * labels.size());
  std::memcpy(block.bytes().data(), labels.data(), block.bytes().size());
  return block;
}

template <class T>
std::vector<T> labels_of(const Block& block) {
  std::vector<T> labels(block.bytes().size() / sizeof(T));
  std::memcpy(labels.data(), block.bytes().data(), block.bytes().size());
  return labels;
}

Bytes encoded(const Block& block) {
  Bytes bytes(5, std::byte{77});
  const auto done = codec().encode(block.view(), {}, bytes);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return bytes;
}

template <class T>
Result<std::vector<T>> decoded(const Bytes& bytes, const VoxelVec& size) {
  Block block(kTypeOf<T>, {{}, size}, 1);
  std::memset(block.bytes().data(), 0x5a, block.bytes().size());
  NGFORGE_CHECK(codec().decode(bytes, {}, block.view()));
  return labels_of<T>(block);
}

template <class T>
std::string message_of(const Stream<T>& stream) {
  const auto labels = decoded<T>(stream.bytes(), {stream.size[0], stream.size[1], stream.size[2]});
  if (labels) return "no error";
  EXPECT_EQ(labels.error().code, ErrorCode::invalid_data);
  return labels.error().message;
}

template <class T>
void expect_both_ways(const Stream<T>& stream, const std::vector<T>& labels) {
  const VoxelVec size{stream.size[0], stream.size[1], stream.size[2]};
  EXPECT_EQ(encoded(block_of(size, labels)), stream.bytes());
  const auto back = decoded<T>(stream.bytes(), size);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, labels);
}

// Three voxels in a row: the second is a boundary, its label that of the first.
Stream<std::uint8_t> row_of_three() {
  return {.size = {3, 1, 1}, .ids = {1, 2}, .values = {2}, .windows = {1 << 1 | 1}, .index = {2, 0}};
}

TEST(Compresso, HoldsOneChannelOfUnsignedIntegers) {
  for (const DataType type : {DataType::uint8, DataType::uint16, DataType::uint32, DataType::uint64}) {
    EXPECT_TRUE(codec().supports(type, 1)) << name_of(type);
    EXPECT_FALSE(codec().supports(type, 2)) << name_of(type);
  }
  for (const DataType type : {DataType::int8, DataType::int32, DataType::float32})
    EXPECT_FALSE(codec().supports(type, 1)) << name_of(type);
}

TEST(Compresso, IsTheStreamMadeByHand) {
  expect_both_ways(row_of_three(), {1, 1, 2});
  // Nothing but one label: one window without boundaries.
  expect_both_ways<std::uint16_t>(
      {.size = {2, 2, 1}, .ids = {300}, .values = {0}, .windows = {1 << 1 | 1}, .index = {1, 0}}, {300, 300, 300, 300});
  // A chess board: all but the last voxel are boundaries, the first of them has a label of its own, the second and
  // third have no neighbour to copy from either.
  expect_both_ways<std::uint16_t>({.size = {2, 2, 1},
                                   .ids = {5},
                                   .values = {0b0000'0000'0001'0011},
                                   .locations = {5 + 7, 9 + 7, 9 + 7},
                                   .windows = {1 << 1 | 1},
                                   .index = {1, 0}},
                                  {5, 9, 9, 5});
}

TEST(Compresso, CodesOfLocationsAreThoseOfTheFormat) {
  // Boundaries: (0, 0) differs from below and is like its neighbour at x + 1; (0, 1) differs from x + 1 and has that at
  // y - 1 for a boundary.
  //   4 4
  //   6 4
  const Stream<std::uint8_t> right{.size = {2, 2, 1},
                                   .ids = {4},
                                   .values = {0b0001'0001},
                                   .locations = {1, 6 + 7},
                                   .windows = {1 << 1 | 1},
                                   .index = {1, 0}};
  expect_both_ways(right, {4, 4, 6, 4});
  //   4 6
  //   4 4
  const Stream<std::uint8_t> down{.size = {2, 2, 1},
                                  .ids = {4},
                                  .values = {0b0000'0011},
                                  .locations = {3, 6 + 7},
                                  .windows = {1 << 1 | 1},
                                  .index = {1, 0}};
  expect_both_ways(down, {4, 6, 4, 4});
  // 248 + 7 is the last that fits; 249 follows code 6.
  const Stream<std::uint8_t> verbatim{.size = {1, 3, 1},
                                      .ids = {1},
                                      .values = {0b0001'0001},
                                      .locations = {255, 6, 249},
                                      .windows = {1 << 1 | 1},
                                      .index = {1, 0}};
  expect_both_ways(verbatim, {248, 249, 1});
}

TEST(Compresso, IndexCountsLocationsOfTheSlicesBefore) {
  // Slices of one component each; the first has two locations, the second one, the third none.
  const Stream<std::uint8_t> stream{
      .size = {3, 1, 3},
      .ids = {3, 3, 3},
      .values = {0, 1, 3},
      .locations = {1 + 7, 2 + 7, 4 + 7},
      .windows = {2 << 1, 1 << 1, 1 << 1 | 1},
      .index = {1, 1, 1, 0, 2, 1},
  };
  expect_both_ways(stream, {1, 2, 3, 4, 3, 3, 3, 3, 3});
}

TEST(Compresso, ReadsVersion0AndComponentsThroughSlices) {
  Stream<std::uint8_t> plain = row_of_three();
  plain.version = 0;
  plain.index.clear();
  EXPECT_EQ(*decoded<std::uint8_t>(plain.bytes(), {3, 1, 1}), (std::vector<std::uint8_t>{1, 1, 2}));
  // Two slices of two voxels. (0, 0) differs from the slice behind, and is its first's own; the second column is one
  // component through both; (0, 1) is like (1, 1).
  //   8 7 | 7 7
  const Stream<std::uint8_t> deep{.version = 0,
                                  .size = {2, 1, 2},
                                  .connectivity = 6,
                                  .ids = {7},
                                  .values = {0, 1},
                                  .locations = {8 + 7},
                                  .windows = {1 << 1, 1 << 1 | 1}};
  EXPECT_EQ(*decoded<std::uint8_t>(deep.bytes(), {2, 1, 2}), (std::vector<std::uint8_t>{8, 7, 7, 7}));
  // Boundaries copy from x - 1, else y - 1, else z - 1; the label at z + 1 comes from components that come later.
  const Stream<std::uint8_t> before{.version = 0,
                                    .size = {1, 1, 3},
                                    .connectivity = 6,
                                    .ids = {9, 4},
                                    .values = {0, 1},
                                    .windows = {1 << 1 | 1, 1 << 1, 1 << 1 | 1}};
  EXPECT_EQ(*decoded<std::uint8_t>(before.bytes(), {1, 1, 3}), (std::vector<std::uint8_t>{9, 9, 4}));
  Stream<std::uint8_t> behind = before;
  behind.ids = {4};
  behind.values = {1, 0};
  behind.windows = {1 << 1 | 1, 1 << 1, 1 << 1};
  behind.locations = {5};
  EXPECT_EQ(*decoded<std::uint8_t>(behind.bytes(), {1, 1, 3}), (std::vector<std::uint8_t>{4, 4, 4}));
}

TEST(Compresso, ReadsOtherWindows) {
  // 2 x 1 x 2: bit 0 is (0, 0, 0), bit 2 is (0, 0, 1). Without values there are no boundaries and no windows.
  const Stream<std::uint8_t> stream{.version = 0,
                                    .size = {2, 1, 2},
                                    .steps = {4, 2, 2},
                                    .ids = {1, 2, 3},
                                    .values = {0b0000'0001'0000'0000},
                                    .locations = {3 + 7},
                                    .windows = {1 << 1 | 1}};
  EXPECT_THAT(message_of(stream), HasSubstr("expected labels of 2 components, found 3"));
  Stream<std::uint8_t> right = stream;
  right.ids = {1, 2};
  EXPECT_EQ(*decoded<std::uint8_t>(right.bytes(), {2, 1, 2}), (std::vector<std::uint8_t>{1, 1, 10 - 7, 2}));
  const Stream<std::uint8_t> none{.size = {3, 1, 1}, .ids = {6}, .index = {1, 0}};
  EXPECT_EQ(*decoded<std::uint8_t>(none.bytes(), {3, 1, 1}), (std::vector<std::uint8_t>{6, 6, 6}));
}

TEST(Compresso, LongRunsOfWindowsAreSplit) {
  const VoxelVec size{4, 4, 40000};
  const std::vector<std::uint8_t> labels(static_cast<std::size_t>(size.product()), 3);
  const Bytes bytes = encoded(block_of(size, labels));
  // 40000 components, one value, then runs of 32767 and 7233 windows.
  const std::byte* const windows = bytes.data() + compresso::kHeaderBytes + 40000 + 2;
  EXPECT_EQ(load<std::uint16_t>(windows), 32767 << 1 | 1);
  EXPECT_EQ(load<std::uint16_t>(windows + 2), 7233 << 1 | 1);
  EXPECT_EQ(*decoded<std::uint8_t>(bytes, size), labels);
}

TEST(Compresso, WindowsGrowWhenThereAreTooManyDifferentOnes) {
  const VoxelVec size{1603, 1602, 4};
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(size.product()));
  std::mt19937 random(3);
  for (auto& label : labels) label = static_cast<std::uint8_t>(random() % 3 == 0);
  const Bytes bytes = encoded(block_of(size, labels));
  EXPECT_EQ(bytes[12], std::byte{8});
  EXPECT_EQ(bytes[13], std::byte{8});
  EXPECT_EQ(bytes[14], std::byte{1});
  EXPECT_LE(bytes.size(), codec().most_bytes(size, DataType::uint8, 1, {}));
  EXPECT_EQ(*decoded<std::uint8_t>(bytes, size), labels);
}

// Few labels, so that there are components, and such as are just or no longer written as codes.
template <class T>
void expect_labels_back() {
  const VoxelVec size{*rc::gen::inRange<Index>(1, 140), *rc::gen::inRange<Index>(1, 20),
                      *rc::gen::inRange<Index>(1, 10)};
  const T most = std::numeric_limits<T>::max();
  std::vector<T> some{0, 1, static_cast<T>(most - 8), static_cast<T>(most - 7), static_cast<T>(most - 6), most};
  if constexpr (sizeof(T) == 8)
    some = {0, 0xffffffff - 7, 0xffffffff - 6, 0xffffffff, std::uint64_t{1} << 32, ~std::uint64_t{7}, most - 6, most};
  std::mt19937 random(*rc::gen::arbitrary<unsigned>());
  const unsigned stay = *rc::gen::inRange(0u, 8u);
  std::vector<T> labels(static_cast<std::size_t>(size.product()));
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = i > 0 && random() % 8 < stay ? labels[i - 1] : some[random() % some.size()];
  const Bytes bytes = encoded(block_of(size, labels));
  RC_ASSERT(bytes.size() <= codec().most_bytes(size, kTypeOf<T>, 1, {}));
  const auto back = decoded<T>(bytes, size);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == labels);
}

RC_GTEST_PROP(Compresso, GivesBackUint8, ()) {
  expect_labels_back<std::uint8_t>();
}
RC_GTEST_PROP(Compresso, GivesBackUint16, ()) {
  expect_labels_back<std::uint16_t>();
}
RC_GTEST_PROP(Compresso, GivesBackUint32, ()) {
  expect_labels_back<std::uint32_t>();
}
RC_GTEST_PROP(Compresso, GivesBackUint64, ()) {
  expect_labels_back<std::uint64_t>();
}

TEST(Compresso, LabelsBeyond32BitsAreVerbatim) {
  // As a code the viewer would read its lower half: see compresso_encoder.cpp.
  const std::uint64_t large = std::uint64_t{1} << 40;
  const Bytes bytes = encoded(block_of<std::uint64_t>({1, 2, 1}, {large, 1}));
  const std::byte* const locations = bytes.data() + compresso::kHeaderBytes + 8 + 2;
  EXPECT_EQ(load<std::uint64_t>(locations), 6u);
  EXPECT_EQ(load<std::uint64_t>(locations + 8), large);
}

TEST(Compresso, RefusesChunksThatTheHeaderHasNoRoomFor) {
  EXPECT_EQ(codec().check_size({65536, 1, 1}, {}).error().code, ErrorCode::limit);
  EXPECT_EQ(codec().check_size({2048, 2048, 2048}, {}).error().message,
            "compresso: expected a chunk with sides of at most 65535 and at most 2147483647 voxels, found "
            "2048 x 2048 x 2048");
  EXPECT_TRUE(codec().check_size({65535, 1, 1}, {}).has_value());
}

TEST(Compresso, SaysWhatIsWrongInTheHeader) {
  const auto broken = [](std::size_t at, unsigned value) {
    Bytes bytes = row_of_three().bytes();
    bytes[at] = static_cast<std::byte>(value);
    const auto labels = decoded<std::uint8_t>(bytes, {3, 1, 1});
    return labels ? "no error" : labels.error().message;
  };
  EXPECT_EQ(broken(0, 'x'), "compresso: expected \"cpso\" at byte 0, found something else");
  EXPECT_EQ(broken(4, 2), "compresso: expected version 0 or 1 at byte 4, found 2");
  EXPECT_EQ(broken(5, 2), "compresso: expected labels of 1 bytes at byte 5, found 2");
  EXPECT_EQ(broken(6, 4), "compresso: expected 3 x 1 x 1 voxels, found 4 x 1 x 1");
  EXPECT_EQ(broken(12, 0), "compresso: expected windows of 1 to 64 voxels, found 0 x 4 x 1");
  EXPECT_EQ(broken(12, 17), "compresso: expected windows of 1 to 64 voxels, found 17 x 4 x 1");
  EXPECT_EQ(broken(15, 200), "compresso: expected 200 labels of components of 1 bytes at byte 36, found 8 bytes");
  EXPECT_THAT(broken(22, 255), HasSubstr("labels of components"));
  EXPECT_THAT(broken(26, 255), HasSubstr("values of windows"));
  EXPECT_THAT(broken(34, 255), HasSubstr("locations"));
  EXPECT_EQ(broken(35, 6), "compresso: expected connectivity 4 (of version 1) at byte 35, found 6");
}

TEST(Compresso, SaysWhatIsWrongInTheParts) {
  Stream<std::uint8_t> stream = row_of_three();
  stream.windows = {2 << 1 | 1};
  EXPECT_EQ(message_of(stream), "compresso: expected runs of 1 to 1 windows after 0, found 2");
  stream.windows = {0 << 1 | 1};
  EXPECT_EQ(message_of(stream), "compresso: expected runs of 1 to 1 windows after 0, found 0");
  stream.windows = {1 << 1};
  EXPECT_EQ(message_of(stream), "compresso: window 0: expected a number below 1, found 1");
  stream.windows = {};
  EXPECT_EQ(message_of(stream), "compresso: expected 1 windows, found 0");
  stream = row_of_three();
  stream.ids = {1};
  EXPECT_EQ(message_of(stream), "compresso: expected labels of at least 2 components, found 1");
  stream = row_of_three();
  stream.locations = {9};
  EXPECT_EQ(message_of(stream), "compresso: expected 0 locations, found 1");
  stream.values = {3};  // the first two voxels are boundaries
  stream.ids = {1};
  EXPECT_EQ(message_of(stream), "compresso: location 1 (voxel 1 0 0): expected a code, found none");
  stream.locations = {9, 6};
  EXPECT_EQ(message_of(stream), "compresso: location 1 (voxel 1 0 0): expected a label behind code 6, found none");
  for (std::uint8_t code = 0; code < 6; ++code) {  // there is no such neighbour, or it is a boundary
    stream.locations = {code, 9};
    EXPECT_EQ(
        message_of(stream),
        fmt::format("compresso: location 0 (voxel 0 0 0): expected a neighbour that is no boundary, found code {}",
                    code));
  }
}

}  // namespace
}  // namespace ngforge
