// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "op/picture.h"

namespace ngforge {

/// The colour that the viewer gives a segment of which nothing else is said (with the seed 0, its default): one of
/// full brightness, whose hue and saturation are bytes of MurmurHash3 of the id, without its final mixing.
Color segment_color(std::uint64_t id);

/// The colours of a dataset's segments: those of its properties, else the viewer's.
class SegmentColors {
 public:
  /// `stored`: ids and "#rrggbb".
  explicit SegmentColors(const std::vector<std::pair<std::uint64_t, std::string>>& stored);
  Color operator()(std::uint64_t id) const;

 private:
  std::unordered_map<std::uint64_t, Color> stored_;
};

}  // namespace ngforge
