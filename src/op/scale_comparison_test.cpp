// SPDX-License-Identifier: Apache-2.0
#include "op/scale_comparison.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/memory.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CellSet, HoldsEachCellOnceWhateverTheThreads) {
  CellSet cells;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&cells, t] {
        for (Index i = 0; i < 5000; ++i) cells.add((i * 7 + t) % 1000);
      });
  }
  std::vector<Index> expected(1000);
  for (Index i = 0; i < 1000; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(cells.take(), expected);
  EXPECT_THAT(cells.take(), IsEmpty());
}

TEST(PlaceOfChunk, NamesTheFileAndWhatIsInIt) {
  ScaleInfo scale;
  scale.key = "8nm";
  scale.size_xyz = {10, 8, 3};
  scale.chunk_sizes = {{4, 4, 4}};
  EXPECT_EQ(place_of_chunk(scale, false, {2, 1, 0}), "8nm/8-10_4-8_0-3");
  EXPECT_EQ(place_of_chunk(scale, true, {2, 1, 0}), "8nm/8-10/4-8/0-3");
  // The grid is 3 x 2 x 1, bits x0 y0 x1: the cell's code is 6, its shard the upper two bits of three.
  scale.sharding = ShardingSpec{.minishard_bits = 1, .shard_bits = 5};
  EXPECT_EQ(place_of_chunk(scale, false, {2, 1, 0}), "8nm/03.shard: 8-10_4-8_0-3");
}

// Scale 0 of 16 x 4 x 4 voxels in four chunks along x, scale 1 of 8 x 2 x 2 in two; a fine chunk is one value.
class ScaleComparisonTest : public testing::Test {
 protected:
  void open(const std::string& type = "image") {
    const auto scale = [](const char* key, const char* size, const char* chunk, int resolution) {
      return fmt::format(R"({{"key": "{0}", "size": {1}, "chunk_sizes": [{2}], "resolution": [{3}, {3}, {3}],
                             "voxel_offset": [0, 0, 0], "encoding": "raw"}})",
                         key, size, chunk, resolution);
    };
    put("info", fmt::format(R"({{"type": "{}", "data_type": "uint8", "num_channels": 1, "scales": [{}, {}]}})", type,
                            scale("fine", "[16, 4, 4]", "[4, 4, 4]", 1), scale("coarse", "[8, 2, 2]", "[4, 2, 2]", 2)));
    auto volume = PrecomputedVolume::open(std::shared_ptr<Store>(std::shared_ptr<Store>(), &store_));
    ASSERT_TRUE(volume.has_value());
    volume_ = *volume;
  }
  void put(const std::string& key, const std::string& text) {
    ASSERT_TRUE(store_.put(key, std::as_bytes(std::span(text))).has_value());
  }
  void put_fine(Index cell, int value) {
    put(fmt::format("fine/{}-{}_0-4_0-4", 4 * cell, 4 * cell + 4), std::string(64, static_cast<char>(value)));
    fine_stored_.cells.push_back(cell);
  }
  // Its left half and its right half.
  void put_coarse(Index cell, int left, int right) { put_coarse_row(cell, {left, left, right, right}); }
  // The same values in every row.
  void put_coarse_row(Index cell, const std::array<int, 4>& row) {
    std::string values;
    for (int i = 0; i < 16; ++i) values += static_cast<char>(row[static_cast<std::size_t>(i % 4)]);
    put(fmt::format("coarse/{}-{}_0-2_0-2", 4 * cell, 4 * cell + 4), values);
    coarse_stored_.cells.push_back(cell);
  }
  // Compares all that is stored, as check does.
  std::vector<Finding> compare() {
    ScaleComparison comparison(*volume_, {0, &fine_stored_, fine_may_miss_, is_lossy_, &fine_missing_},
                               {1, &coarse_stored_, coarse_may_miss_, is_lossy_, &coarse_missing_}, method_,
                               piece_bytes_, list_);
    for (const Index cell : coarse_stored_.cells) comparison.compare_stored(cell);
    for (const Index cell : fine_stored_.cells) comparison.compare_around(cell);
    return list_.take();
  }
  void expect_disagreement(const std::string& place) {
    const auto findings = compare();
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].code, "scales-disagree");
    EXPECT_EQ(findings[0].where, place);
  }

  MemoryStore store_;
  std::shared_ptr<PrecomputedVolume> volume_;
  StoredChunks fine_stored_, coarse_stored_;
  CellSet fine_missing_, coarse_missing_;
  bool fine_may_miss_ = false, coarse_may_miss_ = false, is_lossy_ = false;
  ScaleMethod method_{{2, 2, 2}, Downsampling::average, {}};
  std::uint64_t piece_bytes_ = 1 << 20;
  FindingList list_;
};

TEST_F(ScaleComparisonTest, AveragesThatFollow) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  put_coarse(0, 10, 20);
  put_coarse(1, 30, 40);
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(ScaleComparisonTest, OneValueThatDoesNotFollow) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  put_coarse(0, 10, 20);
  put_coarse(1, 30, 41);
  expect_disagreement("coarse/4-8_0-2_0-2");
}

TEST_F(ScaleComparisonTest, PiecesOfAnyLengthGiveTheSame) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  put_coarse(0, 10, 20);
  put_coarse(1, 30, 41);
  for (const std::uint64_t bytes : {1, 30, 100, 200}) {
    piece_bytes_ = bytes;
    expect_disagreement("coarse/4-8_0-2_0-2");
  }
}

TEST_F(ScaleComparisonTest, FineChunkThatIsMissing) {
  open();
  put_fine(0, 10);
  put_fine(2, 30);
  put_fine(3, 40);
  put_coarse(0, 10, 20);
  put_coarse(1, 30, 40);
  fine_may_miss_ = true;
  EXPECT_THAT(compare(), IsEmpty());
  EXPECT_THAT(fine_missing_.take(), ElementsAre(1));
  // All that was written is there: then the coarse values are wrong.
  fine_may_miss_ = false;
  expect_disagreement("coarse/0-4_0-2_0-2");
}

TEST_F(ScaleComparisonTest, CoarseChunkThatIsMissing) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  put_coarse(0, 10, 20);
  coarse_may_miss_ = true;
  EXPECT_THAT(compare(), IsEmpty());
  EXPECT_THAT(coarse_missing_.take(), ElementsAre(1));
  coarse_may_miss_ = false;
  expect_disagreement("coarse/4-8_0-2_0-2");
}

TEST_F(ScaleComparisonTest, ZerosNeedNoChunk) {
  open();
  put_fine(0, 10);
  put_fine(1, 20);
  put_fine(2, 0);  // kept
  put_coarse(0, 10, 20);
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(ScaleComparisonTest, ChunksThatWereToldOfAreNotToldOfAgain) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  put_coarse(0, 99, 20);
  put_coarse(1, 30, 99);
  fine_stored_.damaged = {0};
  coarse_stored_.damaged = {1};
  EXPECT_THAT(compare(), IsEmpty());
}

TEST_F(ScaleComparisonTest, LossyScalesWithinTheNoise) {
  open();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 100);
  is_lossy_ = true;
  put_coarse(0, 124, 76);
  put_coarse(1, 100, 100);
  EXPECT_THAT(compare(), IsEmpty());
  put_coarse(0, 127, 127);  // 27 away, and both without spread
  coarse_stored_.cells = {0, 1};
  expect_disagreement("coarse/0-4_0-2_0-2");
}

TEST_F(ScaleComparisonTest, ImagesOfOtherPrograms) {
  open();
  method_.downsampling.reset();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 100);
  put_coarse(0, 101, 99);  // rounded somehow
  put_coarse(1, 102, 100);
  expect_disagreement("coarse/4-8_0-2_0-2");
}

TEST_F(ScaleComparisonTest, FiltersMayReachOverTheNextCells) {
  open();
  method_.downsampling.reset();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 10 * static_cast<int>(cell + 1));
  // A fine chunk is two cells wide, each of which has one neighbour in the next chunk.
  put_coarse_row(0, {10, 13, 17, 24});
  put_coarse_row(1, {26, 33, 37, 40});
  EXPECT_EQ(compare().size(), 2u);
  method_.reach_cells = 1;
  for (const std::uint64_t bytes : {1, 200, 1 << 20}) {
    piece_bytes_ = bytes;
    EXPECT_EQ(compare().size(), 0u);
  }
  put_coarse_row(1, {26, 33, 37, 52});
  coarse_stored_.cells = {0, 1};
  expect_disagreement("coarse/4-8_0-2_0-2");
}

TEST_F(ScaleComparisonTest, LabelsOfOtherProgramsAreThoseOfTheirCells) {
  open("segmentation");
  method_.downsampling.reset();
  for (Index cell = 0; cell < 4; ++cell) put_fine(cell, 7);
  put_coarse(0, 7, 7);
  put_coarse(1, 7, 8);  // near, but another label
  expect_disagreement("coarse/4-8_0-2_0-2");
}

}  // namespace
}  // namespace ngforge
