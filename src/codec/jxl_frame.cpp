// SPDX-License-Identifier: Apache-2.0
// The header of a frame and its table of contents (ISO/IEC 18181-1, annex F), bits from the lowest of each byte on:
//
//   1 bit       all by default: a whole picture is shown, nothing follows of the header
//   2           purpose: 0 shown, 1 coarse pass, 2 only for reference, 3 a layer of what is shown
//   1           modular
//   u64         flags; 32: another frame holds the coarse pass
//   1           YCbCr, unless colours are XYB; then 3 * 2 bits of subsampling, but not with flag 32
//   2           upsampling, but not with flag 32
//   2 or 6      modular: size of groups; else, of XYB: two scales of 3 bits
//   passes      not of those for reference
//   2           coarse passes: level, each 8 times smaller
//   1           the others: of a size of its own; if so x, y (not of those for reference), width, height
//   blending    of what is shown: mode, source; ticks, if there is an animation; 1 whether it is the last
//   2           slot for reference, not of coarse passes; then 1 whether before colours are transformed
//   name, loop filter, extensions
//   1           sections are permuted; then up to a whole byte
//   2 + n each  bytes of the sections: one, or of all, of each coarse group, of all again, of each group of each pass
//
// The library tells of frames that are shown once it has allocated for every group of them, and nothing of others.
#include "codec/jxl_frame.h"

#include <algorithm>
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
constexpr Choices kBlendMode{{{0, 0}, {0, 1}, {0, 2}, {2, 3}}};
constexpr Choices kTicks{{{0, 0}, {0, 1}, {8, 0}, {32, 0}}};
constexpr Choices kNameLength{{{0, 0}, {4, 0}, {5, 16}, {10, 48}}};
constexpr Choices kSectionSize{{{10, 0}, {14, 1024}, {22, 17408}, {30, 4211712}}};

enum Purpose : std::uint64_t { kShown, kCoarsePass, kReference, kLayer };

// Reads zeros behind the end; is_over() tells.
class Bits {
 public:
  explicit Bits(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool is_over() const { return position_ > 8 * bytes_.size(); }
  std::size_t whole_bytes() const { return (position_ + 7) / 8; }

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
  bool take_bool() { return take(1) != 0; }
  void skip(std::uint64_t count) { position_ += std::min<std::uint64_t>(count, 8 * bytes_.size() + 1); }
  void skip_to_byte() { position_ = 8 * whole_bytes(); }
  std::int64_t take_signed(const Choices& choices) {
    const std::uint64_t value = take(choices);
    const auto half = static_cast<std::int64_t>(value >> 1);
    return (value & 1) != 0 ? -half - 1 : half;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;  // bits
};

// Returns how many there are.
std::uint64_t take_passes(Bits& bits) {
  const std::uint64_t passes = bits.take(kPassCount);
  if (passes == 1) return passes;
  const std::uint64_t downsamplings = bits.take(kDownsampleCount);
  for (std::uint64_t i = 1; i < passes; ++i) bits.take(2);
  for (std::uint64_t i = 0; i < downsamplings; ++i) bits.take(2);
  for (std::uint64_t i = 0; i < downsamplings; ++i) bits.take(kLastPass);
  return passes;
}

// False when there are any. The format knows none yet, and libraries do not agree on where those of a filter end.
bool take_no_extensions(Bits& bits) {
  return bits.take_u64() == 0;
}

// False when it has extensions.
bool take_loop_filter(Bits& bits, bool is_modular) {
  constexpr unsigned kFloat = 16, kSharpnesses = 8;
  if (bits.take_bool()) return true;
  if (bits.take_bool() && bits.take_bool()) bits.skip(6 * kFloat);  // smoothing and weights of its own
  if (bits.take(2) != 0) {                                          // iterations of the edge-preserving one
    if (!is_modular && bits.take_bool()) bits.skip(kSharpnesses * kFloat);
    if (bits.take_bool()) bits.skip(5 * kFloat);
    if (bits.take_bool()) bits.skip((is_modular ? 3 : 4) * kFloat);
    if (is_modular) bits.skip(kFloat);
  }
  return take_no_extensions(bits);
}

std::uint64_t blocks(std::uint64_t pixels, std::uint64_t side) {
  return pixels / side + (pixels % side != 0 ? 1 : 0);
}

class FrameReader {
 public:
  FrameReader(std::span<const std::byte> bytes, const JxlPicture& picture) : bits_(bytes), picture_(picture) {}

  std::optional<JxlFrame> read() {
    if (!bits_.take_bool()) {
      take_form();
      take_size();
      if (!frame_.is_placed) take_use();
      if (!frame_.is_shown && !frame_.is_placed && !take_contents()) return std::nullopt;
    }
    if (bits_.is_over()) return std::nullopt;
    return frame_;
  }

 private:
  // Up to the passes.
  void take_form() {
    constexpr std::uint64_t kHasCoarsePass = 32;
    purpose_ = bits_.take(2);
    is_modular_ = bits_.take_bool();
    const bool has_coarse_pass = (bits_.take_u64() & kHasCoarsePass) != 0;
    const bool is_ycbcr = !picture_.is_xyb && bits_.take_bool();
    if (is_ycbcr && !has_coarse_pass) is_subsampled_ = bits_.take(6) != 0;
    if (!has_coarse_pass) upsampling_ = std::uint64_t{1} << bits_.take(2);
    if (is_modular_)
      group_side_ = std::uint64_t{128} << bits_.take(2);
    else if (picture_.is_xyb)
      bits_.take(6);
    if (purpose_ != kReference) passes_ = take_passes(bits_);
  }

  void take_size() {
    frame_.width = picture_.width;
    frame_.height = picture_.height;
    if (purpose_ == kCoarsePass) {
      const std::uint64_t scale = std::uint64_t{1} << 3 * (1 + bits_.take(2));
      frame_.width = blocks(frame_.width, scale);
      frame_.height = blocks(frame_.height, scale);
    } else if (bits_.take_bool()) {
      frame_.is_placed = purpose_ != kReference;
      if (frame_.is_placed) {
        frame_.x = bits_.take_signed(kSize);
        frame_.y = bits_.take_signed(kSize);
      }
      frame_.width = bits_.take(kSize);
      frame_.height = bits_.take(kSize);
    }
  }

  // Whether it is shown, and of one that is not all up to the table of contents. It is no part of a picture.
  void take_use() {
    constexpr std::uint64_t kReplace = 0, kMultiply = 4;
    if (purpose_ == kShown) return;
    std::uint64_t mode = kReplace, ticks = 0, slot = 0;
    if (purpose_ == kLayer) {
      mode = bits_.take(kBlendMode);
      if (mode == kMultiply) bits_.take(1);
      if (mode != kReplace) bits_.take(2);
      if (picture_.has_animation) ticks = bits_.take(kTicks);
      if (picture_.has_timecodes) bits_.take(32);
      bits_.take(1);  // layers are never taken for the last
    }
    frame_.is_shown = ticks > 0;
    if (purpose_ != kCoarsePass) slot = bits_.take(2);
    if (purpose_ == kReference || (purpose_ == kLayer && (ticks == 0 || slot != 0) && mode == kReplace)) bits_.take(1);
    bits_.skip(8 * bits_.take(kNameLength));
    has_extensions_ = !take_loop_filter(bits_, is_modular_) || !take_no_extensions(bits_);
  }

  // False when there are more sections than bytes or than decoders take.
  bool take_contents() {
    constexpr std::uint64_t kBlock = 8, kMostSections = 65536;
    const std::uint64_t width = blocks(frame_.width, upsampling_), height = blocks(frame_.height, upsampling_);
    const std::uint64_t block_side = kBlock * upsampling_;
    frame_.block_pixels = blocks(width, kBlock) * block_side * blocks(height, kBlock) * block_side;
    if (has_extensions_ || is_subsampled_) return true;
    const bool is_permuted = bits_.take_bool();
    if (is_permuted) return true;
    const std::uint64_t coarse_side = kBlock * group_side_;
    const std::uint64_t groups = blocks(width, group_side_) * blocks(height, group_side_);
    const std::uint64_t coarse_groups = blocks(width, coarse_side) * blocks(height, coarse_side);
    if (groups > kMostSections) return false;
    const std::uint64_t sections = groups == 1 && passes_ == 1 ? 1 : 2 + coarse_groups + groups * passes_;
    if (sections > kMostSections) return false;
    bits_.skip_to_byte();
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < sections && !bits_.is_over(); ++i) total += bits_.take(kSectionSize);
    frame_.size_bytes = bits_.whole_bytes() + total;
    return true;
  }

  Bits bits_;
  const JxlPicture& picture_;
  JxlFrame frame_;
  std::uint64_t purpose_ = kShown, passes_ = 1, upsampling_ = 1, group_side_ = 256;
  bool is_modular_ = false, is_subsampled_ = false, has_extensions_ = false;
};

}  // namespace

std::optional<JxlFrame> read_jxl_frame(std::span<const std::byte> bytes, const JxlPicture& picture) {
  return FrameReader(bytes, picture).read();
}

}  // namespace ngforge
