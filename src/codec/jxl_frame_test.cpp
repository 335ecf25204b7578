// SPDX-License-Identifier: Apache-2.0
// Headers of frames, put together bit by bit as the format's description says.
#include "codec/jxl_frame.h"

#include <initializer_list>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/codec.h"

namespace ngforge {
namespace {

using Fields = std::vector<std::pair<std::uint64_t, unsigned>>;  // values and their bits

Bytes packed(std::initializer_list<Fields> parts) {
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
const Fields kCoded{{0, 1}, {3, 2}, {0, 1}, {1, 2}, {7, 4}, {2, 2}, {5, 3}, {6, 3}};
const Fields kYcbcr{{0, 1}, {0, 2}, {0, 1}, {2, 2}, {0, 8}, {1, 1}, {0x3f, 6}, {0, 2}};
// Flags 32 as 12 and 8 bits: no upsampling and subsampling.
const Fields kAfterCoarsePass{{0, 1}, {0, 2}, {0, 1}, {3, 2}, {32, 12}, {1, 1}, {0, 8}, {0, 1}, {1, 1}};
const Fields kOnePass{{0, 2}};
const Fields kFourPasses{{3, 2}, {0, 3}, {2, 2}, {1, 2}, {2, 2}, {3, 2}, {1, 2}, {2, 2}, {3, 2}, {5, 3}, {1, 2}};
const Fields kWhole{{0, 1}};
const Fields kCropped{{1, 1}, {0, 2}, {9, 8}, {1, 2}, {1744, 11}, {2, 2}, {15696, 14}, {3, 2}, {1u << 29, 30}};
const Fields kRest{{0, 8}};

TEST(JxlFrame, SizesAreReadInEveryHeader) {
  for (const auto& [begin, is_xyb] :
       {std::pair{kModular, true}, {kCoded, true}, {kYcbcr, false}, {kAfterCoarsePass, false}}) {
    for (const Fields& passes : {kOnePass, kFourPasses}) {
      const auto whole = read_jxl_frame(packed({begin, passes, kWhole, kRest}), is_xyb);
      ASSERT_TRUE(whole.has_value());
      EXPECT_TRUE(whole->is_shown && !whole->is_cropped);
      const auto cropped = read_jxl_frame(packed({begin, passes, kCropped, kRest}), is_xyb);
      ASSERT_TRUE(cropped.has_value());
      EXPECT_TRUE(cropped->is_shown && cropped->is_cropped);
      EXPECT_EQ(cropped->x, -5);
      EXPECT_EQ(cropped->y, 1000);
      EXPECT_EQ(cropped->width, 18000u);
      EXPECT_EQ(cropped->height, (1u << 29) + 18688u);
    }
  }
}

TEST(JxlFrame, AllByDefaultIsAWholePicture) {
  const auto frame = read_jxl_frame(packed({{{1, 1}}}), true);
  ASSERT_TRUE(frame.has_value());
  EXPECT_TRUE(frame->is_shown && !frame->is_cropped);
}

TEST(JxlFrame, FramesForOthersAreNotShown) {
  for (const std::uint64_t purpose : {1, 2}) {
    const auto frame = read_jxl_frame(packed({{{0, 1}, {purpose, 2}, {1, 1}, {0, 2}, {0, 2}, {3, 2}}, kRest}), true);
    ASSERT_TRUE(frame.has_value());
    EXPECT_FALSE(frame->is_shown);
  }
}

TEST(JxlFrame, CutHeadersAreNothing) {
  const Bytes header = packed({kCoded, kFourPasses, kCropped});
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_FALSE(read_jxl_frame(std::span(header).first(size), true).has_value()) << size;
}

// A stream of 8 x 8 colours whose frame says that it is 100000 x 100000, with an empty entry for each of its groups.
TEST(JxlFrame, LargeFramesAreRefusedBeforeAnythingIsAllocated) {
  const std::uint64_t side = 100000 - 18688;
  Bytes stream = packed({{{0xff, 8}, {0x0a, 8}, {1, 1}, {0, 5}, {1, 3}, {1, 1}, {1, 1}, {0, 5}},
                         kModular,
                         kOnePass,
                         {{1, 1}, {0, 10}, {0, 10}, {3, 2}, {side, 30}, {3, 2}, {side, 30}}});
  stream.resize(1 << 16);
  Block block(DataType::uint8, {{}, {8, 8, 1}}, 3);
  const auto result = find_codec("jxl")->decode(stream, {}, block.view());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "jxl: frame 0: expected a whole picture of 8 x 8, found 100000 x 100000 at 0 0");
}

}  // namespace
}  // namespace ngforge
