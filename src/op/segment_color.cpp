// SPDX-License-Identifier: Apache-2.0
#include "op/segment_color.h"

#include <bit>
#include <charconv>
#include <cmath>

namespace ngforge {
namespace {

// A step of MurmurHash3 for 32 bits (Appleby, public domain).
std::uint32_t mixed(std::uint32_t state, std::uint32_t value) {
  value = std::rotl(value * 0xcc9e2d51u, 15) * 0x1b873593u;
  return std::rotl(state ^ value, 13) * 5 + 0xe6546b64u;
}

// Of a colour of full brightness; hue and saturation from 0 to 1.
Color color_of(double hue, double saturation) {
  Color color;
  for (std::size_t c = 0; c < color.size(); ++c) {
    // How far the hue is from where this channel is at its full, in sixths of the circle.
    const double middle = c == 0 ? 0.0 : c == 1 ? 2.0 : 4.0;
    const double difference = std::abs(std::fmod(6 * hue - middle + 9, 6.0) - 3);
    const double part = std::min(1.0, std::max(0.0, 2 - difference));
    color[c] = static_cast<std::uint8_t>(std::lround(255 * (1 - saturation * (1 - part))));
  }
  return color;
}

}  // namespace

Color segment_color(std::uint64_t id) {
  const std::uint32_t hash = mixed(mixed(0, static_cast<std::uint32_t>(id)), static_cast<std::uint32_t>(id >> 32));
  return color_of((hash & 0xff) / 255.0, 0.5 + 0.5 * ((hash >> 8) & 0xff) / 255.0);
}

SegmentColors::SegmentColors(const std::vector<std::pair<std::uint64_t, std::string>>& stored) {
  for (const auto& [id, text] : stored) {
    std::uint32_t rgb = 0;
    if (text.size() != 7 || std::from_chars(text.data() + 1, text.data() + 7, rgb, 16).ptr != text.data() + 7) continue;
    stored_[id] = {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
                   static_cast<std::uint8_t>(rgb)};
  }
}

Color SegmentColors::operator()(std::uint64_t id) const {
  const auto found = stored_.find(id);
  return found == stored_.end() ? segment_color(id) : found->second;
}

}  // namespace ngforge
