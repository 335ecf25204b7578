// SPDX-License-Identifier: Apache-2.0
// The header of a frame (ISO/IEC 18181-1, annex F), bits from the lowest of each byte on:
//
//   1 bit       all by default: nothing follows
//   2           purpose: 0 shown, 1 coarse pass, 2 only for reference, 3 shown, but not in a preview of the whole
//   1           modular
//   u64         flags; 32: another frame holds the coarse pass
//   1           YCbCr, unless colours are XYB; then 3 * 2 bits of subsampling, but not with flag 32
//   2           upsampling, but not with flag 32
//   2 or 6      modular: size of groups; else, of XYB: two scales of 3 bits
//   passes      of shown frames
//   1           cropped (of shown frames, the others are not looked into); if so x, y, width, height
//
// The library tells all of it only once it has allocated for every group of the frame.
#include "codec/jxl_frame.h"

#include <array>

namespace ngforge {
namespace {

struct Choice {
  unsigned bits;
  std::uint64_t offset;
};
using Choices = std::array<Choice, 4>;

constexpr Choices kSize{{{8, 0}, {11, 256}, {14, 2304}, {30, 18688}}};
constexpr Choices kPassCount{{{0, 1}, {0, 2}, {0, 3}, {3, 4}}};
constexpr Choices kDownsampleCount{{{0, 0}, {0, 1}, {0, 2}, {1, 3}}};
constexpr Choices kLastPass{{{0, 0}, {0, 1}, {0, 2}, {3, 0}}};

// Reads zeros behind the end; is_over() tells.
class Bits {
 public:
  explicit Bits(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool is_over() const { return position_ > 8 * bytes_.size(); }

  std::uint64_t take(unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i, ++position_)
      if (position_ < 8 * bytes_.size())
        value |= (std::to_integer<std::uint64_t>(bytes_[position_ / 8]) >> position_ % 8 & 1) << i;
    return value;
  }
  std::uint64_t take(const Choices& choices) {
    const Choice& choice = choices[take(2)];
    return choice.offset + take(choice.bits);
  }
  std::uint64_t take_u64() {
    switch (take(2)) {
      case 0: return 0;
      case 1: return 1 + take(4);
      case 2: return 17 + take(8);
      default: break;
    }
    std::uint64_t value = take(12);
    for (unsigned shift = 12; take(1) != 0; shift += 8) {
      if (shift == 60) return value | take(4) << shift;
      value |= take(8) << shift;
    }
    return value;
  }
  std::int64_t take_signed(const Choices& choices) {
    const std::uint64_t value = take(choices);
    const auto half = static_cast<std::int64_t>(value >> 1);
    return (value & 1) != 0 ? -half - 1 : half;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;  // bits
};

void skip_passes(Bits& bits) {
  const std::uint64_t passes = bits.take(kPassCount);
  if (passes == 1) return;
  const std::uint64_t downsamplings = bits.take(kDownsampleCount);
  for (std::uint64_t i = 1; i < passes; ++i) bits.take(2);
  for (std::uint64_t i = 0; i < downsamplings; ++i) bits.take(2);
  for (std::uint64_t i = 0; i < downsamplings; ++i) bits.take(kLastPass);
}

}  // namespace

std::optional<JxlFrame> read_jxl_frame(std::span<const std::byte> bytes, bool is_xyb) {
  constexpr std::uint64_t kShown = 0, kShownLater = 3, kHasCoarsePass = 32;
  Bits bits(bytes);
  JxlFrame frame;
  if (bits.take(1) == 0) {
    const std::uint64_t purpose = bits.take(2);
    frame.is_shown = purpose == kShown || purpose == kShownLater;
    const bool is_modular = bits.take(1) != 0;
    const bool has_coarse_pass = (bits.take_u64() & kHasCoarsePass) != 0;
    const bool is_ycbcr = !is_xyb && bits.take(1) != 0;
    if (is_ycbcr && !has_coarse_pass) bits.take(6);
    if (!has_coarse_pass) bits.take(2);
    if (is_modular)
      bits.take(2);
    else if (is_xyb)
      bits.take(6);
    if (frame.is_shown) {
      skip_passes(bits);
      frame.is_cropped = bits.take(1) != 0;
    }
    if (frame.is_cropped) {
      frame.x = bits.take_signed(kSize);
      frame.y = bits.take_signed(kSize);
      frame.width = bits.take(kSize);
      frame.height = bits.take(kSize);
    }
  }
  if (bits.is_over()) return std::nullopt;
  return frame;
}

}  // namespace ngforge
