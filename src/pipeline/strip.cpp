// SPDX-License-Identifier: Apache-2.0
#include "pipeline/strip.h"

#include <limits>

namespace ngforge {
namespace {

VoxelVec brick_counts(const VoxelVec& size, const VoxelVec& brick_size) {
  return {ceil_div(size.x, brick_size.x), ceil_div(size.y, brick_size.y), ceil_div(size.z, brick_size.z)};
}

// Voxels of `box` that lie in bricks before the one that cuts `part` out of it: whole layers, then whole rows of this
// layer, then what is before in this row.
Index voxels_before(const Box& box, const Box& part) {
  const VoxelVec before = part.begin - box.begin, size = box.size(), cut = part.size();
  return before.z * size.y * size.x + before.y * size.x * cut.z + before.x * cut.y * cut.z;
}

}  // namespace

Strip::Strip(DataType type, Index channels, const Box& box, const VoxelVec& brick_size, const StripPlace& place,
             Buffer memory)
    : type_(type),
      channels_(channels),
      box_(box),
      brick_size_(brick_size),
      bricks_(brick_counts(box.size(), brick_size)),
      place_(place),
      memory_(std::move(memory)) {
  if (in_memory())
    ensure(memory_, static_cast<std::size_t>(value_count()) * size_of(type_));
  else
    groups_.resize(static_cast<std::size_t>(ceil_div(brick_count(), kGroupBricks)));
}

Box Strip::brick_box(Index brick) const {
  const VoxelVec cell{brick % bricks_.x, brick / bricks_.x % bricks_.y, brick / bricks_.x / bricks_.y};
  Box box;
  for (int a = 0; a < 3; ++a) {
    box.begin[a] = box_.begin[a] + cell[a] * brick_size_[a];
    box.end[a] = std::min(box.begin[a] + brick_size_[a], box_.end[a]);
  }
  return box;
}

std::optional<std::array<Box, 2>> Strip::halves(const Box& box) const {
  const VoxelVec first = cell_at(box.begin), last = cell_at(box.end - VoxelVec::all(1));
  for (int a = 2; a >= 0; --a) {
    if (first[a] == last[a]) continue;
    std::array<Box, 2> parts{box, box};
    parts[0].end[a] = parts[1].begin[a] = box_.begin[a] + (first[a] + last[a] + 1) / 2 * brick_size_[a];
    return parts;
  }
  return std::nullopt;
}

MutableBlockView Strip::brick_view(Index brick) {
  const Box box = brick_box(brick);
  const auto offset = static_cast<std::size_t>(voxels_before(box_, box) * channels_) * size_of(type_);
  return dense_view(memory_.data() + offset, type_, box, channels_);
}

void Strip::write(Index brick, const BlockView& view, Index first_channel) {
  MutableBlockView target = brick_view(brick);
  target.data += first_channel * target.stride_channel;
  copy_common(view, target);
}

Result<void> Strip::append(const Box& box, Index first_channel, Index channels, std::span<const std::byte> bytes) {
  NGFORGE_ASSERT(static_cast<std::size_t>(box.volume() * channels) * size_of(type_) == bytes.size());
  std::uint64_t offset = 0;
  {
    std::lock_guard lock(mutex_);
    NGFORGE_ASSERT(appended_.size() < std::numeric_limits<std::uint32_t>::max());
    offset = place_.scratch_offset + scratch_used_;
    scratch_used_ += bytes.size();
    const auto number = static_cast<std::uint32_t>(appended_.size());
    appended_.push_back({box, static_cast<std::int32_t>(first_channel), static_cast<std::int32_t>(channels), offset});
    NGFORGE_CHECK(visit_bricks(box, [&](Index brick, const Box&) -> Result<void> {
      auto& group = groups_[static_cast<std::size_t>(brick / kGroupBricks)];
      if (group.empty() || group.back() != number) group.push_back(number);
      return {};
    }));
  }
  return place_.scratch->write(offset, bytes);
}

Result<BlockView> Strip::load(Index brick, Buffer& space, Buffer& part_space) const {
  const Box box = brick_box(brick);
  const auto value_bytes = size_of(type_);
  if (in_memory()) {
    const auto offset = static_cast<std::size_t>(voxels_before(box_, box) * channels_) * value_bytes;
    return BlockView(dense_view(memory_.data() + offset, type_, box, channels_));
  }
  const auto bytes = ensure(space, static_cast<std::size_t>(box.volume() * channels_) * value_bytes);
  const MutableBlockView whole = dense_view(bytes.data(), type_, box, channels_);
  for (const std::uint32_t number : groups_[static_cast<std::size_t>(brick / kGroupBricks)]) {
    const Appended& appended = appended_[number];
    const Box part = appended.box.intersect(box);
    if (part.empty()) continue;
    const std::uint64_t offset =
        appended.offset +
        static_cast<std::uint64_t>(voxels_before(appended.box, part) * appended.channels) * value_bytes;
    const auto part_bytes = static_cast<std::size_t>(part.volume() * appended.channels) * value_bytes;
    MutableBlockView target = whole;
    target.data += appended.first_channel * whole.stride_channel;
    const auto size = part.size(), brick_size = box.size();
    if (size.x == brick_size.x && size.y == brick_size.y && appended.channels == 1) {  // whole planes: no detour
      NGFORGE_CHECK(place_.scratch->read(offset, {target.crop(part).data, part_bytes}));
      continue;
    }
    const auto bytes_of_part = ensure(part_space, part_bytes);
    NGFORGE_CHECK(place_.scratch->read(offset, bytes_of_part));
    copy_common(dense_view<const std::byte>(bytes_of_part.data(), type_, part, appended.channels), target);
  }
  return BlockView(whole);
}

}  // namespace ngforge
