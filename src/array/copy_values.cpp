// SPDX-License-Identifier: Apache-2.0
#include "array/copy_values.h"

#include <algorithm>
#include <cstring>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// Values that are turned together: both sides stay in the first-level cache.
constexpr Index kTile = 32;

struct Axis {
  Index size = 1, from = 0, to = 0;
};

bool is_complex(StoredType type) {
  return type == StoredType::complex64 || type == StoredType::complex128 || type == StoredType::complex256;
}

// Axes longer than one, the target's fastest first; neighbours that are one long axis on both sides are joined.
std::vector<Axis> plan_axes(StoredType type, const Extents& shape, const Extents& from, const Extents& to) {
  std::vector<Axis> axes;
  if (is_complex(type)) {
    const auto half = static_cast<Index>(size_of(type) / 2);
    axes.push_back({2, half, half});
  }
  for (std::size_t a = 0; a < shape.size(); ++a)
    if (shape[a] > 1) axes.push_back({shape[a], from[a], to[a]});
  std::ranges::stable_sort(axes, {}, &Axis::to);
  std::vector<Axis> joined;
  for (const Axis& axis : axes) {
    if (!joined.empty()) {
      Axis& last = joined.back();
      if (axis.to == last.to * last.size && axis.from == last.from * last.size) {
        last.size *= axis.size;
        continue;
      }
    }
    joined.push_back(axis);
  }
  if (joined.empty()) joined.push_back({});
  return joined;
}

template <class T, bool Swaps>
void copy_row(const std::byte* from, Index from_stride, std::byte* to, Index to_stride, Index size) {
  for (Index i = 0; i < size; ++i) {
    T value;
    std::memcpy(&value, from + i * from_stride, sizeof(T));
    if constexpr (Swaps) value = byte_swapped(value);
    std::memcpy(to + i * to_stride, &value, sizeof(T));
  }
}

template <class T, bool Swaps>
void copy_plane(const Axis& fast, const Axis& slow, const std::byte* from, std::byte* to) {
  constexpr auto kSize = static_cast<Index>(sizeof(T));
  if (slow.from < fast.from && fast.from > kSize) {  // turned: in tiles
    for (Index s = 0; s < slow.size; s += kTile)
      for (Index f = 0; f < fast.size; f += kTile)
        for (Index row = s; row < std::min(s + kTile, slow.size); ++row)
          copy_row<T, Swaps>(from + row * slow.from + f * fast.from, fast.from, to + row * slow.to + f * fast.to,
                             fast.to, std::min(kTile, fast.size - f));
    return;
  }
  for (Index s = 0; s < slow.size; ++s) {
    const std::byte* const row_from = from + s * slow.from;
    std::byte* const row_to = to + s * slow.to;
    if (!Swaps && fast.from == kSize && fast.to == kSize)
      std::memcpy(row_to, row_from, static_cast<std::size_t>(fast.size * kSize));
    else if (fast.from == kSize && fast.to == kSize)
      copy_row<T, Swaps>(row_from, kSize, row_to, kSize, fast.size);  // constants: the compiler makes vectors of it
    else
      copy_row<T, Swaps>(row_from, fast.from, row_to, fast.to, fast.size);
  }
}

template <class T, bool Swaps>
void copy_box(std::vector<Axis> axes, const std::byte* from, std::byte* to) {
  const Axis fast = axes.front();
  // The axis that is the source's fastest is taken together with the target's fastest.
  Axis slow;
  if (axes.size() > 1) {
    const auto next =
        std::min_element(axes.begin() + 1, axes.end(), [](const Axis& a, const Axis& b) { return a.from < b.from; });
    slow = *next;
    axes.erase(next);
  }
  axes.erase(axes.begin());
  Extents at(axes.size());
  for (;;) {
    copy_plane<T, Swaps>(fast, slow, from, to);
    std::size_t a = 0;
    for (; a < axes.size(); ++a) {
      from += axes[a].from;
      to += axes[a].to;
      if (++at[a] < axes[a].size) break;
      at[a] = 0;
      from -= axes[a].from * axes[a].size;
      to -= axes[a].to * axes[a].size;
    }
    if (a == axes.size()) return;
  }
}

template <bool Swaps>
void copy_any(StoredType type, const std::vector<Axis>& axes, const std::byte* from, std::byte* to) {
  switch (size_of(type) / (is_complex(type) ? 2 : 1)) {
    case 1: return copy_box<std::uint8_t, false>(axes, from, to);
    case 2: return copy_box<std::uint16_t, Swaps>(axes, from, to);
    case 4: return copy_box<std::uint32_t, Swaps>(axes, from, to);
    case 8: return copy_box<std::uint64_t, Swaps>(axes, from, to);
    default: NGFORGE_ASSERT(false);  // no array has 16-byte numbers
  }
}

}  // namespace

void copy_values(StoredType type, const Extents& shape, const std::byte* from, const Extents& from_strides,
                 std::byte* to, const Extents& to_strides, bool swaps) {
  const auto axes = plan_axes(type, shape, from_strides, to_strides);
  if (swaps)
    copy_any<true>(type, axes, from, to);
  else
    copy_any<false>(type, axes, from, to);
}

void fill_values(StoredType type, const Extents& shape, std::span<const std::byte> value, std::byte* to,
                 const Extents& to_strides) {
  // Neighbours at no distance: the same value again and again (but both parts of a complex one).
  copy_values(type, shape, value.data(), Extents(shape.size(), 0), to, to_strides, false);
}

Extents dense_strides(const Extents& shape, StoredType type) {
  Extents strides(shape.size());
  auto stride = static_cast<Index>(size_of(type));
  for (std::size_t a = shape.size(); a-- > 0;) {
    strides[a] = stride;
    stride *= shape[a];
  }
  return strides;
}

}  // namespace ngforge
