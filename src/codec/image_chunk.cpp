// SPDX-License-Identifier: Apache-2.0
#include "codec/image_chunk.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// Calls `work(value, channels)` with constants: an integer of the value's size and std::integral_constant.
template <class Work>
void visit_pixel(std::size_t value_bytes, Index channels, const Work& work) {
  const auto visit_channels = [&](auto value) {
    switch (channels) {
      case 1: return work(value, std::integral_constant<int, 1>());
      case 2: return work(value, std::integral_constant<int, 2>());
      case 3: return work(value, std::integral_constant<int, 3>());
      case 4: return work(value, std::integral_constant<int, 4>());
      default: NGFORGE_ASSERT(channels >= 1 && channels <= 4);
    }
  };
  NGFORGE_ASSERT(value_bytes <= 2);
  if (value_bytes == 1) return visit_channels(std::uint8_t{});
  return visit_channels(std::uint16_t{});
}

}  // namespace

Result<ImageShape> image_shape(std::string_view encoding, const VoxelVec& size, Index longest_side) {
  const Index pixels = size.product();
  for (const Index width : {size.x, size.x * size.y})
    if (width <= longest_side && pixels / width <= longest_side) return ImageShape{width, pixels / width};
  for (Index width = ceil_div(pixels, longest_side); width <= longest_side; ++width)
    if (pixels % width == 0) return ImageShape{width, pixels / width};
  return make_error(ErrorCode::limit,
                    "{}: expected a chunk of width * height pixels with sides of at most {}, found {} x {} x {} voxels",
                    encoding, longest_side, size.x, size.y, size.z);
}

void gather_pixels(const BlockView& view, std::size_t first, std::size_t count, std::byte* pixels) {
  const auto plane = static_cast<std::size_t>(view.box.volume());
  visit_pixel(view.value_bytes(), view.channels, [&](auto zero, auto channels) {
    using T = decltype(zero);
    const std::byte* in = view.data + first * sizeof(T);
    if constexpr (sizeof(T) == 1 && channels == 1) {
      std::memcpy(pixels, in, count);
    } else {
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t c = 0; c < channels; ++c)
          store<std::endian::big>(pixels + (i * channels + c) * sizeof(T), load<T>(in + (c * plane + i) * sizeof(T)));
    }
  });
}

void scatter_pixels(const std::byte* pixels, std::size_t first, std::size_t count, const MutableBlockView& view) {
  const auto plane = static_cast<std::size_t>(view.box.volume());
  visit_pixel(view.value_bytes(), view.channels, [&](auto zero, auto channels) {
    using T = decltype(zero);
    std::byte* out = view.data + first * sizeof(T);
    if constexpr (sizeof(T) == 1 && channels == 1) {
      std::memcpy(out, pixels, count);
    } else {
      for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t i = 0; i < count; ++i)
          store(out + (c * plane + i) * sizeof(T), load<T, std::endian::big>(pixels + (i * channels + c) * sizeof(T)));
    }
  });
}

}  // namespace ngforge
