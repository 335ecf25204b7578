// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// Red, green, blue.
using Color = std::array<std::uint8_t, 3>;

/// Pixels of 3 x 8 bits; (0, 0) is at the top left. Black at first.
class Picture {
 public:
  /// Both sides at least 1.
  Picture(Index width, Index height);

  Index width() const { return block_.box().size().x; }
  Index height() const { return block_.box().size().y; }
  /// The pixel must lie in the picture.
  Color at(Index x, Index y) const;
  void set(Index x, Index y, const Color& color);

  /// The file. Grey pictures are stored as such. Errors: limit (too large for PNG).
  Result<Bytes> to_png() const;

 private:
  std::size_t place(Index x, Index y, std::size_t channel) const;
  bool is_grey() const;

  Block block_;  // [x, y, 0, channel]
};

/// Pictures side by side with `gap` black pixels between them, their middles on one line. At least one picture.
Picture side_by_side(std::span<const Picture> pictures, Index gap);

}  // namespace ngforge
