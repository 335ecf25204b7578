// SPDX-License-Identifier: Apache-2.0
// copy_reordered of orientation.h: every voxel of a conversion passes here once.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/orientation.h"

namespace ngforge {
namespace {

/// Three nested loops of a copy, one per stored axis (i, j, k). Strides in bytes, of any sign.
struct Walk {
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  SourceVec count, from_stride, to_stride;
};

// Vectors of the GNU extension become two-register shuffles on every target, without naming an instruction set.
constexpr std::size_t kVectorBytes = 16;
constexpr Index kTileBytes = 64;  // a cache line in both directions
template <class T>
using Vector [[gnu::vector_size(kVectorBytes)]] = T;
template <class T>
constexpr std::size_t kLanes = kVectorBytes / sizeof(T);

/// The values of type T in 8 bytes, in reverse order. Byte swaps and shifts beat the shuffles that baseline x86-64 has.
template <class T>
std::uint64_t reversed_values(std::uint64_t word) {
  if constexpr (sizeof(T) == 8) return word;
  if constexpr (sizeof(T) == 4) return word >> 32 | word << 32;
  word = __builtin_bswap64(word);
  if constexpr (sizeof(T) == 1) return word;
  constexpr std::uint64_t kLowBytes = 0x00ff00ff00ff00ffu;
  return (word >> 8 & kLowBytes) | (word & kLowBytes) << 8;
}
/// Alternates the lanes of `a` and `b`, starting at lane `Begin` of each.
template <class T, std::size_t Begin, std::size_t... K>
Vector<T> interleaved(Vector<T> a, Vector<T> b, std::index_sequence<K...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(K % 2 * kLanes<T> + Begin + K / 2)...);
}

/// Transposes a square of kLanes x kLanes values: row r of `to` takes value r of each row of `from`.
template <class T>
void transpose_square(const std::byte* from, Index from_stride, std::byte* to, Index to_stride) {
  constexpr std::size_t kN = kLanes<T>;
  using Lanes = std::make_index_sequence<kN>;
  Vector<T> rows[kN];
  for (std::size_t r = 0; r < kN; ++r) std::memcpy(&rows[r], from + static_cast<Index>(r) * from_stride, kVectorBytes);
  // log2(N) perfect shuffles of the rows are a transposition.
  for (std::size_t round = 1; round < kN; round *= 2) {
    Vector<T> shuffled[kN];
    for (std::size_t r = 0; r < kN / 2; ++r) {
      shuffled[2 * r] = interleaved<T, 0>(rows[r], rows[r + kN / 2], Lanes{});
      shuffled[2 * r + 1] = interleaved<T, kN / 2>(rows[r], rows[r + kN / 2], Lanes{});
    }
    std::copy_n(shuffled, kN, rows);
  }
  for (std::size_t r = 0; r < kN; ++r) std::memcpy(to + static_cast<Index>(r) * to_stride, &rows[r], kVectorBytes);
}

/// Transposes `rows` x `columns` values; both sides are dense along their rows.
template <class T>
void transpose(const std::byte* from, Index from_stride, std::byte* to, Index to_stride, Index rows, Index columns) {
  constexpr Index kN = kLanes<T>, kBytes = sizeof(T), kTile = std::max(kTileBytes / kBytes, kN);
  const auto scalar = [&](Index r0, Index r1, Index c0, Index c1) {
    for (Index c = c0; c < c1; ++c)
      for (Index r = r0; r < r1; ++r)
        std::memcpy(to + c * to_stride + r * kBytes, from + r * from_stride + c * kBytes, sizeof(T));
  };
  for (Index r0 = 0; r0 < rows; r0 += kTile) {
    const Index r1 = std::min(r0 + kTile, rows), whole_rows = r0 + (r1 - r0) / kN * kN;
    for (Index c0 = 0; c0 < columns; c0 += kTile) {
      const Index c1 = std::min(c0 + kTile, columns), whole_columns = c0 + (c1 - c0) / kN * kN;
      for (Index c = c0; c < whole_columns; c += kN)
        for (Index r = r0; r < whole_rows; r += kN)
          transpose_square<T>(from + r * from_stride + c * kBytes, from_stride, to + c * to_stride + r * kBytes,
                              to_stride);
      scalar(whole_rows, r1, c0, whole_columns);
      scalar(r0, r1, whole_columns, c1);
    }
  }
}

/// Writes the values of `from` backwards, ending at the value `last` points to.
template <class T>
void reverse_row(const std::byte* from, std::byte* last, Index count) {
  constexpr Index kBytes = sizeof(T), kN = 8 / kBytes;
  Index i = 0;
  for (; i + kN <= count; i += kN) {
    std::uint64_t word;
    std::memcpy(&word, from + i * kBytes, 8);
    word = reversed_values<T>(word);
    std::memcpy(last - (i + kN - 1) * kBytes, &word, 8);
  }
  for (; i < count; ++i) std::memcpy(last - i * kBytes, from + i * kBytes, sizeof(T));
}

template <class T>
void copy_rows(const Walk& walk) {
  constexpr Index kBytes = sizeof(T);
  const auto row_bytes = static_cast<std::size_t>(walk.count.x * kBytes);
  for (Index k = 0; k < walk.count.z; ++k) {
    const std::byte* from = walk.from + k * walk.from_stride.z;
    std::byte* to = walk.to + k * walk.to_stride.z;
    if (walk.to_stride.x == kBytes && walk.from_stride.y == static_cast<Index>(row_bytes) &&
        walk.to_stride.y == walk.from_stride.y) {
      std::memcpy(to, from, row_bytes * static_cast<std::size_t>(walk.count.y));
      continue;
    }
    for (Index j = 0; j < walk.count.y; ++j, from += walk.from_stride.y, to += walk.to_stride.y) {
      if (walk.to_stride.x == kBytes)
        std::memcpy(to, from, row_bytes);
      else
        reverse_row<T>(from, to, walk.count.x);
    }
  }
}

/// `x_axis`: the stored axis (j or k) that runs along output x.
template <class T>
void copy_transposed(const Walk& walk, int x_axis) {
  const int other = x_axis == 1 ? 2 : 1;
  const std::byte* from = walk.from;
  std::byte* to = walk.to;
  Index from_stride = walk.from_stride[x_axis];
  if (walk.to_stride[x_axis] < 0) {  // taking stored rows backwards lets output rows run forwards
    from += (walk.count[x_axis] - 1) * from_stride;
    to += (walk.count[x_axis] - 1) * walk.to_stride[x_axis];
    from_stride = -from_stride;
  }
  for (Index n = 0; n < walk.count[other]; ++n)
    transpose<T>(from + n * walk.from_stride[other], from_stride, to + n * walk.to_stride[other], walk.to_stride.x,
                 walk.count[x_axis], walk.count.x);
}

template <class T>
void copy_values(const Walk& walk, int x_axis) {
  if (x_axis == 0)
    copy_rows<T>(walk);
  else
    copy_transposed<T>(walk, x_axis);
}

}  // namespace

void copy_reordered(std::span<const std::byte> from, const SourceBox& box_ijk, ChannelRange channels,
                    const SourceVec& size_ijk, const AxisMap& map, const MutableBlockView& to) {
  const auto value_bytes = static_cast<Index>(to.value_bytes());
  NGFORGE_ASSERT(static_cast<Index>(from.size()) == box_ijk.volume() * channels.size() * value_bytes);
  NGFORGE_ASSERT(channels.begin >= 0 && channels.end <= to.channels);
  const SourceBox common = box_ijk.intersect(to_source(to.box, size_ijk, map));
  if (common.empty()) return;

  Walk walk;
  walk.count = common.size();
  const SourceVec stored = box_ijk.size();
  walk.from_stride = {value_bytes, value_bytes * stored.x, value_bytes * stored.x * stored.y};
  const std::array<Index, 3> output_stride{value_bytes, to.stride_y, to.stride_z};
  VoxelVec first;  // where the first common voxel goes
  for (int a = 0; a < 3; ++a) {
    const int axis = map.source_axis[a];
    walk.to_stride[axis] = map.reversed[a] ? -output_stride[a] : output_stride[a];
    first[a] = map.reversed[a] ? size_ijk[axis] - 1 - common.begin[axis] : common.begin[axis];
  }
  Index from_offset = 0;
  for (int axis = 0; axis < 3; ++axis)
    from_offset += (common.begin[axis] - box_ijk.begin[axis]) * walk.from_stride[axis];

  for (Index channel = channels.begin; channel < channels.end; ++channel) {
    walk.from = from.data() + (channel - channels.begin) * box_ijk.volume() * value_bytes + from_offset;
    walk.to = to.row(first.y, first.z, channel) + (first.x - to.box.begin.x) * value_bytes;
    const int x_axis = map.source_axis[0];
    switch (value_bytes) {
      case 1: copy_values<std::uint8_t>(walk, x_axis); break;
      case 2: copy_values<std::uint16_t>(walk, x_axis); break;
      case 4: copy_values<std::uint32_t>(walk, x_axis); break;
      default: copy_values<std::uint64_t>(walk, x_axis); break;
    }
  }
}

}  // namespace ngforge
