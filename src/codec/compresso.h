// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stream of the compresso encoding, as cloud-volume writes it (precomputed specification, 1.9; not that of the
// paper, Matejek et al., MICCAI 2017). Little-endian:
//   header     36 bytes, Header
//   ids        the label of each component of voxels that are no boundary
//   values     the distinct windows
//   locations  labels of the boundary voxels that cannot be copied from a neighbour, as codes (Location) or label + 7
//   windows    a value's number << 1, or a run of number 0: its length << 1 | 1
//   index      version 1 only: components of each slice, then how many locations lie between the first of each slice
//              and that of the one before
// A voxel is a boundary if its label differs from that of its neighbour at x + 1 or y + 1 (or z + 1: connectivity 6).
// A window is xstep * ystep * zstep of these bits, x fastest. Components are 4-connected in slices, or 6-connected, and
// numbered in the order of their first voxels. Labels of boundaries, in raster order: that of the neighbour at x - 1,
// else y - 1 (else z - 1: connectivity 6) if that is no boundary, else what the next location says.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge::compresso {

inline constexpr std::size_t kHeaderBytes = 36;
inline constexpr Index kMostSteps = 64;  // bits of the widest window

/// Codes below kFirstLabel: the label of a neighbour, or of the location behind.
enum Location : std::uint8_t { left, right, up, down, before, behind, verbatim };
inline constexpr std::uint8_t kFirstLabel = 7;

struct Header {
  bool has_index = true;  // version 1
  std::size_t label_bytes = 4;
  VoxelVec size{}, steps{4, 4, 1};
  std::uint64_t ids = 0, values = 0, locations = 0;
  int connectivity = 4;

  VoxelVec windows() const { return {ceil_div(size.x, steps.x), ceil_div(size.y, steps.y), ceil_div(size.z, steps.z)}; }
  /// Bytes of a window: 1, 2, 4 or 8.
  std::size_t window_bytes() const {
    const Index bits = steps.product();
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
  }
  /// Bytes of a number of the index. A slice has at most two locations per voxel.
  std::size_t index_number_bytes() const {
    const auto most = 2 * static_cast<std::uint64_t>(size.x * size.y);
    return most < std::numeric_limits<std::uint8_t>::max()    ? 1
           : most < std::numeric_limits<std::uint16_t>::max() ? 2
           : most < std::numeric_limits<std::uint32_t>::max() ? 4
                                                              : 8;
  }
  std::size_t index_bytes() const {
    return has_index ? 2 * static_cast<std::size_t>(size.z) * index_number_bytes() : 0;
  }
};

/// The bytes of one dense channel of unsigned integers, each side at most 65535; replaces the content of `out`.
void encode_labels(const BlockView& view, Bytes& out);
/// Errors: invalid_data.
Result<void> decode_labels(std::span<const std::byte> bytes, const MutableBlockView& view);

}  // namespace ngforge::compresso
