// SPDX-License-Identifier: Apache-2.0
#include "image/pixels.h"

#include <algorithm>
#include <cstring>

namespace ngforge {
namespace {

template <std::size_t Bytes>
void take_every(const std::byte* from, std::size_t step, std::byte* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::memcpy(to + i * Bytes, from + i * step, Bytes);
}

void take_every(const std::byte* from, std::size_t step, std::byte* to, std::size_t count, std::size_t value_bytes) {
  switch (value_bytes) {
    case 1: return take_every<1>(from, step, to, count);
    case 2: return take_every<2>(from, step, to, count);
    case 4: return take_every<4>(from, step, to, count);
    case 8: return take_every<8>(from, step, to, count);
    default: return take_every<16>(from, step, to, count);
  }
}

}  // namespace

void separate_samples(const DecodedPixels& from, const PixelBox& box, ChannelRange samples, std::size_t value_bytes,
                      std::byte* out) {
  const Index i_begin = std::max(box.i_begin, from.box.i_begin), i_end = std::min(box.i_end, from.box.i_end);
  const Index j_begin = std::max(box.j_begin, from.box.j_begin), j_end = std::min(box.j_end, from.box.j_end);
  if (i_begin >= i_end || j_begin >= j_end) return;
  const auto count = static_cast<std::size_t>(i_end - i_begin);
  const std::size_t pixel_bytes = static_cast<std::size_t>(from.samples) * value_bytes;
  const auto out_row = static_cast<std::size_t>(box.width()) * value_bytes;
  for (Index sample = samples.begin; sample < samples.end; ++sample) {
    const std::byte* in = from.data + static_cast<std::size_t>(j_begin - from.box.j_begin) * from.row_bytes +
                          static_cast<std::size_t>(i_begin - from.box.i_begin) * pixel_bytes +
                          static_cast<std::size_t>(sample) * value_bytes;
    std::byte* to =
        out + static_cast<std::size_t>((sample - samples.begin) * box.height() + j_begin - box.j_begin) * out_row +
        static_cast<std::size_t>(i_begin - box.i_begin) * value_bytes;
    for (Index j = j_begin; j < j_end; ++j, in += from.row_bytes, to += out_row) {
      if (from.samples == 1)
        std::memcpy(to, in, count * value_bytes);
      else
        take_every(in, pixel_bytes, to, count, value_bytes);
    }
  }
}

}  // namespace ngforge
