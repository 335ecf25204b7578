// SPDX-License-Identifier: Apache-2.0
#include "pipeline/strip.h"

namespace ngforge {

Strip::Strip(DataType type, Index channels, std::vector<Box> bricks, const StripPlace& place, Buffer memory)
    : type_(type), channels_(channels), bricks_(std::move(bricks)), place_(place), memory_(std::move(memory)) {
  brick_offsets_.reserve(bricks_.size());
  for (const Box& box : bricks_) {
    brick_offsets_.push_back(static_cast<std::size_t>(value_count_) * size_of(type_));
    value_count_ += box.volume() * channels_;
  }
  if (in_memory())
    ensure(memory_, static_cast<std::size_t>(value_count_) * size_of(type_));
  else
    pieces_.resize(bricks_.size());
}

MutableBlockView Strip::brick_view(std::size_t brick) {
  return dense_view(memory_.data() + brick_offsets_[brick], type_, bricks_[brick], channels_);
}

void Strip::write(std::size_t brick, const BlockView& view, Index first_channel) {
  MutableBlockView target = brick_view(brick);
  target.data += first_channel * target.stride_channel;
  copy_common(view, target);
}

Result<void> Strip::append(std::span<const Piece> pieces, std::span<const std::byte> bytes) {
  std::uint64_t offset = 0;
  {
    std::lock_guard lock(mutex_);
    offset = place_.scratch_offset + scratch_used_;
    scratch_used_ += bytes.size();
    std::uint64_t at = offset;
    for (const Piece& piece : pieces) {
      pieces_[piece.brick].push_back({piece.box, piece.first_channel, piece.channels, at});
      at += static_cast<std::uint64_t>(piece.box.volume() * piece.channels) * size_of(type_);
    }
    NGFORGE_ASSERT(at - offset == bytes.size());
  }
  return place_.scratch->write(offset, bytes);
}

Result<BlockView> Strip::load(std::size_t brick, Buffer& space, Buffer& piece_space) const {
  if (in_memory())
    return BlockView(dense_view(memory_.data() + brick_offsets_[brick], type_, bricks_[brick], channels_));
  std::vector<StoredPiece> pieces;
  {
    std::lock_guard lock(mutex_);
    pieces = pieces_[brick];
  }
  const auto value_bytes = size_of(type_);
  const auto bytes = ensure(space, static_cast<std::size_t>(bricks_[brick].volume() * channels_) * value_bytes);
  const MutableBlockView whole = dense_view(bytes.data(), type_, bricks_[brick], channels_);
  for (const StoredPiece& piece : pieces) {
    const auto piece_bytes = static_cast<std::size_t>(piece.box.volume() * piece.channels) * value_bytes;
    MutableBlockView target = whole;
    target.data += piece.first_channel * whole.stride_channel;
    const auto size = piece.box.size(), brick_size = bricks_[brick].size();
    if (size.x == brick_size.x && size.y == brick_size.y && piece.channels == 1) {  // whole planes: no detour
      NGFORGE_CHECK(place_.scratch->read(piece.offset, {target.crop(piece.box).data, piece_bytes}));
      continue;
    }
    const auto part = ensure(piece_space, piece_bytes);
    NGFORGE_CHECK(place_.scratch->read(piece.offset, part));
    copy_common(dense_view<const std::byte>(part.data(), type_, piece.box, piece.channels), target);
  }
  return BlockView(whole);
}

}  // namespace ngforge
