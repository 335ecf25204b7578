// SPDX-License-Identifier: Apache-2.0
// Headers of frames, put together bit by bit as the format's description says.
#include "codec/jxl_frame.h"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/codec.h"

namespace ngforge {
namespace {

using Fields = std::vector<std::pair<std::uint64_t, unsigned>>;  // values and their bits

Bytes packed(const std::vector<Fields>& parts) {
  Bytes out;
  unsigned used = 8;
  for (const Fields& fields : parts)
    for (const auto& [value, bits] : fields)
      for (unsigned i = 0; i < bits; ++i, ++used) {
        if (used == 8) {
          out.push_back({});
          used = 0;
        }
        out.back() |= static_cast<std::byte>((value >> i & 1) << used);
      }
  return out;
}

// Begins of headers up to the passes; then one pass, or four with two downsamplings.
const Fields kModular{{0, 1}, {0, 2}, {1, 1}, {0, 2}, {0, 2}, {3, 2}};
const Fields kCoded{{0, 1}, {0, 2}, {0, 1}, {1, 2}, {7, 4}, {2, 2}, {5, 3}, {6, 3}};
const Fields kYcbcr{{0, 1}, {0, 2}, {0, 1}, {2, 2}, {0, 8}, {1, 1}, {0x3f, 6}, {0, 2}};
// Flags 32 as 12 and 8 bits: no upsampling and subsampling.
const Fields kAfterCoarsePass{{0, 1}, {0, 2}, {0, 1}, {3, 2}, {32, 12}, {1, 1}, {0, 8}, {0, 1}, {1, 1}};
const Fields kOnePass{{0, 2}};
const Fields kFourPasses{{3, 2}, {0, 3}, {2, 2}, {1, 2}, {2, 2}, {3, 2}, {1, 2}, {2, 2}, {3, 2}, {5, 3}, {1, 2}};
const Fields kWhole{{0, 1}};
const Fields kCropped{{1, 1}, {0, 2}, {9, 8}, {1, 2}, {1744, 11}, {2, 2}, {15696, 14}, {3, 2}, {1u << 29, 30}};
const Fields kRest{{0, 8}};
constexpr JxlPicture kXyb{1000, 600, true}, kOriginal{1000, 600, false};

TEST(JxlFrame, SizesAreReadInEveryHeader) {
  for (const auto& [begin, picture] :
       {std::pair{kModular, kXyb}, {kCoded, kXyb}, {kYcbcr, kOriginal}, {kAfterCoarsePass, kOriginal}}) {
    for (const Fields& passes : {kOnePass, kFourPasses}) {
      const auto whole = read_jxl_frame(packed({begin, passes, kWhole, kRest}), picture);
      ASSERT_TRUE(whole.has_value());
      EXPECT_TRUE(whole->is_shown && !whole->is_placed);
      const auto cropped = read_jxl_frame(packed({begin, passes, kCropped, kRest}), picture);
      ASSERT_TRUE(cropped.has_value());
      EXPECT_TRUE(cropped->is_placed);
      EXPECT_EQ(cropped->x, -5);
      EXPECT_EQ(cropped->y, 1000);
      EXPECT_EQ(cropped->width, 18000u);
      EXPECT_EQ(cropped->height, (1u << 29) + 18688u);
    }
  }
}

TEST(JxlFrame, AllByDefaultIsAWholePicture) {
  const auto frame = read_jxl_frame(packed({{{1, 1}}}), kXyb);
  ASSERT_TRUE(frame.has_value());
  EXPECT_TRUE(frame->is_shown && !frame->is_placed);
}

// Headers of frames for reference of 300 x 20, modular with groups of 256, with what follows their size, and coded
// ones.
const Fields kPatches{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}, {1, 1}, {1, 2}, {44, 11}, {0, 2}, {20, 8}};
const Fields kCodedPatches{{0, 1}, {2, 2}, {0, 1}, {0, 2},   {0, 2}, {2, 3},
                           {3, 3}, {1, 1}, {1, 2}, {44, 11}, {0, 2}, {20, 8}};
const Fields kPlain{{1, 2}, {1, 1}, {0, 2}, {1, 1}, {0, 2}};  // slot 1, before colours; no name, filter, extensions

// The end of a header, the table of contents and its sections, none of which is longer than 1023 bytes.
Bytes with_contents(std::initializer_list<Fields> header, const std::vector<unsigned>& sections,
                    bool is_permuted = false) {
  std::vector<Fields> parts(header);
  std::size_t bits = 1;
  for (const Fields& part : parts)
    for (const auto& field : part) bits += field.second;
  Fields contents{{is_permuted ? 1u : 0u, 1}, {0, static_cast<unsigned>((8 - bits % 8) % 8)}};
  for (const unsigned size : sections) contents.insert(contents.end(), {{0, 2}, {size, 10}});
  parts.push_back(contents);
  return packed(parts);
}

void expect_ends(const Bytes& frame, const JxlPicture& picture, std::uint64_t behind_contents) {
  for (std::size_t size = 0; size < frame.size(); ++size)
    ASSERT_FALSE(read_jxl_frame(std::span(frame).first(size), picture).has_value()) << size;
  const auto found = read_jxl_frame(frame, picture);
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->is_shown || found->is_placed);
  ASSERT_TRUE(found->size_bytes.has_value());
  EXPECT_EQ(*found->size_bytes, frame.size() + behind_contents);
}

TEST(JxlFrame, FramesForReferenceHaveASizeAndAnEnd) {
  // 300 x 20 are two groups and one coarse group: 2 + 1 + 2 sections.
  const std::vector<unsigned> sections{10, 0, 7, 1000, 3};
  for (const Fields& begin : {kPatches, kCodedPatches}) {
    const Bytes frame = with_contents({begin, kPlain}, sections);
    expect_ends(frame, kXyb, 1020);
    const auto found = read_jxl_frame(frame, kXyb);
    EXPECT_EQ(found->width, 300u);
    EXPECT_EQ(found->height, 20u);
    EXPECT_EQ(found->block_pixels, 304u * 24);
  }
  // Groups of 1024, and 4 times as small as it says: one section.
  const Fields large{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {2, 2}, {3, 2}, {1, 1}, {1, 2}, {44, 11}, {0, 2}, {20, 8}};
  const Bytes frame = with_contents({large, kPlain}, {5});
  expect_ends(frame, kXyb, 5);
  EXPECT_EQ(read_jxl_frame(frame, kXyb)->block_pixels, 320u * 32);
}

TEST(JxlFrame, NamesAndFiltersArePassedOver) {
  const Fields name{{1, 2}, {3, 4}, {'a', 8}, {'b', 8}, {'c', 8}};
  const Fields coded_filter{{0, 1},  {1, 1}, {1, 1},  {9, 48}, {9, 48}, {3, 2},  {1, 1}, {0, 64},
                            {0, 64}, {1, 1}, {7, 40}, {7, 40}, {1, 1},  {7, 64}, {0, 2}};
  const Fields modular_filter{{0, 1},  {1, 1}, {0, 1},  {1, 2},  {1, 1}, {7, 40},
                              {7, 40}, {1, 1}, {7, 48}, {7, 16}, {0, 2}};
  const Fields no_filter{{0, 1}, {0, 1}, {0, 2}, {0, 2}};
  const std::vector<unsigned> sections{1, 2, 3, 4, 5};
  const Fields none{{0, 2}};
  expect_ends(with_contents({kCodedPatches, {{0, 2}, {1, 1}}, name, coded_filter, none}, sections), kXyb, 15);
  expect_ends(with_contents({kPatches, {{0, 2}, {1, 1}}, name, modular_filter, none}, sections), kXyb, 15);
  for (const Fields& begin : {kPatches, kCodedPatches})
    expect_ends(with_contents({begin, {{0, 2}, {1, 1}, {0, 2}}, no_filter, none}, sections), kXyb, 15);
}

TEST(JxlFrame, CoarsePassesAreEightTimesSmaller) {
  // 1000 x 600 at level 1 and 2 are 125 x 75 and 16 x 10: one group.
  for (const std::uint64_t level : {0, 1}) {
    const Bytes frame = with_contents(
        {{{0, 1}, {1, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}}, kOnePass, {{level, 2}}, {{0, 2}, {1, 1}, {0, 2}}}, {9});
    expect_ends(frame, kXyb, 9);
    const auto found = read_jxl_frame(frame, kXyb);
    EXPECT_EQ(found->width, level == 0 ? 125u : 16u);
    EXPECT_EQ(found->height, level == 0 ? 75u : 10u);
  }
}

TEST(JxlFrame, LayersAreShownForAsLongAsTheySay) {
  const JxlPicture animation{8, 8, true, true, true};
  const Fields layer{{0, 1}, {3, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}, {0, 2}, {0, 1}};
  const Fields end{{0, 2}, {1, 1}, {0, 2}};
  // Mode, source, ticks, timecode, last, slot, and whether before colours if that is said.
  const auto shown = read_jxl_frame(packed({layer, {{0, 2}, {1, 2}, {5, 32}, {1, 1}, {0, 2}}, end, kRest}), animation);
  ASSERT_TRUE(shown.has_value());
  EXPECT_TRUE(shown->is_shown);
  expect_ends(with_contents({layer, {{0, 2}, {0, 2}, {5, 32}, {0, 1}, {0, 2}, {0, 1}}, end}, {6}), animation, 6);
  expect_ends(with_contents({layer, {{3, 2}, {1, 2}, {0, 1}, {2, 2}, {0, 2}, {5, 32}, {0, 1}, {0, 2}}, end}, {6}),
              animation, 6);
}

TEST(JxlFrame, SomeEndsAreNotKnown) {
  const std::vector<unsigned> sections{1, 2, 3, 4, 5};
  const auto permuted = read_jxl_frame(with_contents({kPatches, kPlain}, sections, true), kXyb);
  ASSERT_TRUE(permuted.has_value());
  EXPECT_TRUE(!permuted->is_shown && !permuted->size_bytes.has_value());
  const Fields ycbcr{{0, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 1}, {4, 6}, {0, 2}, {0, 1}};
  const auto subsampled = read_jxl_frame(with_contents({ycbcr, kPlain}, sections), kOriginal);
  ASSERT_TRUE(subsampled.has_value());
  EXPECT_TRUE(!subsampled->is_shown && !subsampled->size_bytes.has_value());
  // libjxl adds what those of the filter take to those of the frame.
  const Fields extension{{1, 2}, {0, 4}, {1, 2}, {4, 4}, {0, 5}}, filter{{0, 1}, {0, 1}, {0, 2}};
  for (const auto& [of_filter, of_frame] : {std::pair{extension, Fields{{0, 2}}}, {Fields{{0, 2}}, extension}}) {
    const Fields slot{{0, 2}, {1, 1}, {0, 2}};
    const auto extended = read_jxl_frame(with_contents({kPatches, slot, filter, of_filter, of_frame}, sections), kXyb);
    ASSERT_TRUE(extended.has_value());
    EXPECT_TRUE(!extended->is_shown && !extended->size_bytes.has_value());
  }
  // 2^30 x 20 are 2^22 groups.
  const Fields wide{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}, {1, 1}, {3, 2}, {1u << 29, 30}, {0, 2}, {20, 8}};
  EXPECT_FALSE(read_jxl_frame(with_contents({wide, kPlain}, sections), kXyb).has_value());
}

TEST(JxlFrame, CutHeadersAreNothing) {
  const Bytes header = packed({kCoded, kFourPasses, kCropped});
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_FALSE(read_jxl_frame(std::span(header).first(size), kXyb).has_value()) << size;
}

// A stream of 8 x 8 colours and these frames, and what is said of it.
std::string message_of(const std::vector<Fields>& frames) {
  std::vector<Fields> parts{{{0xff, 8}, {0x0a, 8}, {1, 1}, {0, 5}, {1, 3}, {1, 1}, {1, 1}, {0, 5}}};
  parts.insert(parts.end(), frames.begin(), frames.end());
  Bytes stream = packed(parts);
  stream.resize(1 << 16);
  Block block(DataType::uint8, {{}, {8, 8, 1}}, 3);
  const auto result = find_codec("jxl")->decode(stream, {}, block.view());
  return result ? "no error" : result.error().message;
}

// With an empty entry for each of the groups that a frame says to have.
TEST(JxlFrame, LargeFramesAreRefusedBeforeAnythingIsAllocated) {
  const std::uint64_t side = 100000 - 18688;
  const Fields size{{3, 2}, {side, 30}, {3, 2}, {side, 30}};
  EXPECT_EQ(message_of({kModular, kOnePass, {{1, 1}, {0, 10}, {0, 10}}, size}),
            "jxl: frame 0: expected a whole picture of 8 x 8, found 100000 x 100000 at 0 0");
  const Fields hidden{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {0, 2}, {3, 2}, {1, 1}};
  EXPECT_EQ(message_of({hidden, size, kPlain}),
            "jxl: byte 4 of the codestream: expected frames for others of up to 65536 pixels, found 100000 x 100000");
}

TEST(JxlFrame, ManyFramesForOthersAreRefused) {
  // Each of 200 x 200 and an empty section.
  std::vector<Fields> frames;
  const Fields frame{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}, {1, 1}, {0, 2}, {200, 8}, {0, 2}, {200, 8}};
  unsigned bits = 0;
  for (const Fields& part : {frame, kPlain, Fields{{0, 1}}})
    for (const auto& field : part) bits += field.second;
  for (int i = 0; i < 2; ++i) {
    frames.insert(frames.end(), {frame, kPlain, {{0, 1}}, {{0, (8 - bits % 8) % 8}}, {{0, 16}}});
  }
  EXPECT_EQ(message_of(frames), fmt::format("jxl: byte {} of the codestream: expected frames for others of up to {} "
                                            "pixels, found 200 x 200",
                                            4 + (bits + 7) / 8 + 2, 65536 - 40000));
}

TEST(JxlFrame, FramesForOthersWithoutAKnownEndAreRefused) {
  const Fields small{{0, 1}, {2, 2}, {1, 1}, {0, 2}, {0, 2}, {1, 2}, {1, 1}, {0, 2}, {20, 8}, {0, 2}, {20, 8}};
  EXPECT_EQ(
      message_of({small, kPlain, {{1, 1}}}),
      "jxl: byte 4 of the codestream: expected a frame for others that says where it ends, found one with permuted "
      "sections, subsampled colours or extensions");
}

}  // namespace
}  // namespace ngforge
