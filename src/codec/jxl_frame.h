// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ngforge {

/// What the headers of frames depend on: the head of their codestream, which has neither extra channels nor a preview.
struct JxlPicture {
  std::uint64_t width = 0, height = 0;
  bool is_xyb = false;  // the colours of the codestream are (not uses_original_profile)
  bool has_animation = false, has_timecodes = false;
};

/// What a frame of a JPEG XL codestream says before anything is allocated for it.
struct JxlFrame {
  bool is_shown = true;    // false: it is only for other frames, and decoders tell nothing of it
  bool is_placed = false;  // it has a place and size of its own in the picture, and is a part of what is shown
  std::int64_t x = 0, y = 0;
  std::uint64_t width = 0, height = 0;
  /// Of a frame that is not shown: its pixels, with sides rounded up to the blocks that decoders allocate.
  std::uint64_t block_pixels = 0;
  /// Of a frame that is not shown: from the first byte of its header up to the next frame. Nothing when only decoding
  /// tells: its sections are permuted, its colours subsampled, or its header has extensions.
  std::optional<std::uint64_t> size_bytes;
};

/// Reads the header of the frame that begins with these bytes, and of one that is not shown its table of contents
/// (ISO/IEC 18181-1, annex F). Nothing if the bytes end before, or if there are more sections than decoders take. Pure.
std::optional<JxlFrame> read_jxl_frame(std::span<const std::byte> bytes, const JxlPicture& picture);

}  // namespace ngforge
