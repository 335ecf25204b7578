// SPDX-License-Identifier: Apache-2.0
#include "codec/image_chunk.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/byte_cursor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/image_chunk.cpp"
#include <hwy/foreach_target.h>
// Highway asks for this order: its own header after the loop over targets.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ngforge {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Vector = hn::ScalableTag<std::uint8_t>;

// As many pixels of `channels` bytes as whole vectors hold; returns how many that are.
std::size_t gather(const std::uint8_t* planes, std::size_t plane, std::size_t count, Index channels,
                   std::uint8_t* pixels) {
  const Vector d;
  const std::size_t step = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + step <= count; i += step, planes += step) {
    const auto a = hn::LoadU(d, planes), b = hn::LoadU(d, planes + plane);
    if (channels == 2) {
      hn::StoreInterleaved2(a, b, d, pixels + 2 * i);
    } else if (channels == 3) {
      hn::StoreInterleaved3(a, b, hn::LoadU(d, planes + 2 * plane), d, pixels + 3 * i);
    } else {
      hn::StoreInterleaved4(a, b, hn::LoadU(d, planes + 2 * plane), hn::LoadU(d, planes + 3 * plane), d,
                            pixels + 4 * i);
    }
  }
  return i;
}

std::size_t scatter(const std::uint8_t* pixels, std::size_t count, Index channels, std::uint8_t* planes,
                    std::size_t plane) {
  const Vector d;
  const std::size_t step = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + step <= count; i += step, planes += step) {
    auto a = hn::Zero(d), b = a, c = a, e = a;
    if (channels == 2) {
      hn::LoadInterleaved2(d, pixels + 2 * i, a, b);
    } else if (channels == 3) {
      hn::LoadInterleaved3(d, pixels + 3 * i, a, b, c);
    } else {
      hn::LoadInterleaved4(d, pixels + 4 * i, a, b, c, e);
    }
    hn::StoreU(a, d, planes);
    hn::StoreU(b, d, planes + plane);
    if (channels >= 3) hn::StoreU(c, d, planes + 2 * plane);
    if (channels >= 4) hn::StoreU(e, d, planes + 3 * plane);
  }
  return i;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ngforge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ngforge {
namespace {

HWY_EXPORT(gather);
HWY_EXPORT(scatter);

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
    std::size_t i = 0;
    if constexpr (sizeof(T) == 1 && channels == 1) {
      std::memcpy(pixels, in, count);
      i = count;
    } else if constexpr (sizeof(T) == 1) {
      i = HWY_DYNAMIC_DISPATCH(gather)(reinterpret_cast<const T*>(in), plane, count, channels,
                                       reinterpret_cast<T*>(pixels));
    }
    for (; i < count; ++i)
      for (std::size_t c = 0; c < channels; ++c)
        store<std::endian::big>(pixels + (i * channels + c) * sizeof(T), load<T>(in + (c * plane + i) * sizeof(T)));
  });
}

void scatter_pixels(const std::byte* pixels, std::size_t first, std::size_t count, const MutableBlockView& view) {
  const auto plane = static_cast<std::size_t>(view.box.volume());
  visit_pixel(view.value_bytes(), view.channels, [&](auto zero, auto channels) {
    using T = decltype(zero);
    std::byte* out = view.data + first * sizeof(T);
    std::size_t i = 0;
    if constexpr (sizeof(T) == 1 && channels == 1) {
      std::memcpy(out, pixels, count);
      i = count;
    } else if constexpr (sizeof(T) == 1) {
      i = HWY_DYNAMIC_DISPATCH(scatter)(reinterpret_cast<const T*>(pixels), count, channels, reinterpret_cast<T*>(out),
                                        plane);
    }
    for (; i < count; ++i)
      for (std::size_t c = 0; c < channels; ++c)
        store(out + (c * plane + i) * sizeof(T), load<T, std::endian::big>(pixels + (i * channels + c) * sizeof(T)));
  });
}

}  // namespace ngforge
#endif  // HWY_ONCE
