// SPDX-License-Identifier: Apache-2.0
#include "op/picture.h"

#include <algorithm>
#include <cstring>

#include "codec/codec.h"

namespace ngforge {

Picture::Picture(Index width, Index height) : block_(DataType::uint8, {{}, {width, height, 1}}, 3) {
  std::memset(block_.bytes().data(), 0, block_.bytes().size());
}

std::size_t Picture::place(Index x, Index y, std::size_t channel) const {
  return static_cast<std::size_t>((static_cast<Index>(channel) * height() + y) * width() + x);
}

Color Picture::at(Index x, Index y) const {
  Color color;
  for (std::size_t c = 0; c < color.size(); ++c)
    color[c] = std::to_integer<std::uint8_t>(block_.bytes()[place(x, y, c)]);
  return color;
}

void Picture::set(Index x, Index y, const Color& color) {
  for (std::size_t c = 0; c < color.size(); ++c) block_.bytes()[place(x, y, c)] = std::byte{color[c]};
}

bool Picture::is_grey() const {
  const auto bytes = block_.bytes();
  const std::size_t plane = bytes.size() / 3;
  return std::ranges::equal(bytes.first(plane), bytes.subspan(plane, plane)) &&
         std::ranges::equal(bytes.first(plane), bytes.last(plane));
}

Result<Bytes> Picture::to_png() const {
  BlockView view = block_.view();
  if (is_grey()) view.channels = 1;  // the first plane says it all
  Bytes file;
  NGFORGE_CHECK(find_codec("png")->encode(view, {}, file));
  return file;
}

Picture side_by_side(std::span<const Picture> pictures, Index gap) {
  Index width = -gap, height = 1;
  for (const Picture& picture : pictures) {
    width += gap + picture.width();
    height = std::max(height, picture.height());
  }
  Picture joined(width, height);
  Index left = 0;
  for (const Picture& picture : pictures) {
    const Index top = (height - picture.height()) / 2;
    for (Index y = 0; y < picture.height(); ++y) {
      for (Index x = 0; x < picture.width(); ++x) joined.set(left + x, top + y, picture.at(x, y));
    }
    left += picture.width() + gap;
  }
  return joined;
}

}  // namespace ngforge
