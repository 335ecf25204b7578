// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "ngforge/types.h"

namespace ngforge {

/// Owned bytes, 64-byte aligned and not initialised; in large pages where they fill some. Movable only. Throws
/// std::bad_alloc.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size);
  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* p) const { ::operator delete(p, alignment); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

/// Makes `space` at least `bytes` long; its content is lost when it grows.
inline std::span<std::byte> ensure(Buffer& space, std::size_t bytes) {
  if (space.size() < bytes) space = Buffer(bytes);
  return space.span().first(bytes);
}

/// Values of a box of voxels that someone else owns: [x, y, z, channel], x contiguous, other axes strided (in bytes).
/// `Byte` is std::byte or const std::byte. Cheap to copy.
template <class Byte>
struct BasicBlockView {
  Byte* data = nullptr;  // value (box.begin, channel 0)
  DataType type = DataType::uint8;
  Box box;  // which voxels, in voxels of their scale
  Index channels = 1;
  Index stride_y = 0, stride_z = 0, stride_channel = 0;  // bytes

  VoxelVec size() const { return box.size(); }
  std::size_t value_bytes() const { return size_of(type); }
  Index value_count() const { return box.volume() * channels; }
  std::size_t byte_count() const { return static_cast<std::size_t>(value_count()) * value_bytes(); }
  /// True when the values lie without gaps in the order of the precomputed raw encoding.
  bool is_dense() const {
    const auto s = size();
    const auto v = static_cast<Index>(value_bytes());
    return stride_y == s.x * v && stride_z == stride_y * s.y && (channels == 1 || stride_channel == stride_z * s.z);
  }
  std::span<Byte> dense_bytes() const { return {data, byte_count()}; }
  /// Address of a row's first value. Coordinates are absolute (not relative to box.begin).
  Byte* row(Index y, Index z, Index channel) const {
    return data + (y - box.begin.y) * stride_y + (z - box.begin.z) * stride_z + channel * stride_channel;
  }
  /// The part inside `part`, which must lie in `box`.
  BasicBlockView crop(const Box& part) const {
    BasicBlockView v = *this;
    v.data = row(part.begin.y, part.begin.z, 0) + (part.begin.x - box.begin.x) * static_cast<Index>(value_bytes());
    v.box = part;
    return v;
  }
  operator BasicBlockView<const std::byte>() const {
    return {data, type, box, channels, stride_y, stride_z, stride_channel};
  }
};
using BlockView = BasicBlockView<const std::byte>;
using MutableBlockView = BasicBlockView<std::byte>;

/// A dense view over `data`, which must hold volume * channels values.
template <class Byte>
BasicBlockView<Byte> dense_view(Byte* data, DataType type, const Box& box, Index channels) {
  const auto v = static_cast<Index>(size_of(type));
  const auto s = box.size();
  return {data, type, box, channels, s.x * v, s.x * s.y * v, s.x * s.y * s.z * v};
}

/// Owned values of a box of voxels: [x, y, z, channel], x fastest, dense; the byte order of the precomputed raw
/// encoding on a little-endian machine.
class Block {
 public:
  Block() = default;
  Block(DataType type, const Box& box, Index channels)
      : type_(type),
        box_(box),
        channels_(channels),
        buffer_(static_cast<std::size_t>(box.volume() * channels) * size_of(type)) {}
  DataType type() const { return type_; }
  const Box& box() const { return box_; }
  Index channels() const { return channels_; }
  MutableBlockView view() { return dense_view(buffer_.data(), type_, box_, channels_); }
  BlockView view() const { return dense_view(buffer_.data(), type_, box_, channels_); }
  std::span<std::byte> bytes() { return buffer_.span(); }
  std::span<const std::byte> bytes() const { return buffer_.span(); }

 private:
  DataType type_ = DataType::uint8;
  Box box_;
  Index channels_ = 1;
  Buffer buffer_;
};

/// Copies the voxels that both views hold, all channels. Types and channel counts must agree. The views must not
/// overlap.
void copy_common(const BlockView& from, const MutableBlockView& to);
/// True when every value is zero (for floats: the bits of +0.0, so that -0.0 and NaN are kept).
bool is_all_zero(const BlockView& view);
/// The same for dense bytes.
bool is_all_zero(std::span<const std::byte> bytes);

}  // namespace ngforge
