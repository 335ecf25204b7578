// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ngforge {

/// What the header of a frame of a JPEG XL codestream says before anything is allocated for it.
struct JxlFrame {
  bool is_shown = true;     // false: it is only for other frames
  bool is_cropped = false;  // a shown frame with a place and size of its own, which follow
  std::int64_t x = 0, y = 0;
  std::uint64_t width = 0, height = 0;
};

/// Reads the header of the frame that begins with these bytes (ISO/IEC 18181-1, annex F) as far as its size.
/// `is_xyb`: the colours of the codestream are (not uses_original_profile); it has no extra channels. Nothing if the
/// bytes end before. Pure.
std::optional<JxlFrame> read_jxl_frame(std::span<const std::byte> bytes, bool is_xyb);

}  // namespace ngforge
