// SPDX-License-Identifier: Apache-2.0
#include "op/live_pyramid.h"

#include <algorithm>
#include <atomic>

#include "core/orientation.h"
#include "op/box_reader.h"

namespace ngforge {
namespace {

// A row of chunks is read at once up to this size: long rows of a file cost little more than short ones. It must also
// be a small part of what is kept, or a row would be given up before all coarse blocks that need it are made.
constexpr std::uint64_t kMaxReadBytes = 4 << 20;
constexpr std::uint64_t kReadsKept = 64;

// What the blocks of full resolution may take of what is kept. Where any rows can be had again for a copy, not more
// than coarse blocks in work need: to touch memory that is new costs more than to read a file again.
std::uint64_t kept_fine_bytes(const SourceLevels& sources, std::uint64_t kept_bytes) {
  const VolumeHeader& header = sources.front()->header();
  const bool is_plain = header.chunk_ijk == SourceVec{} && !header.rows_come_in_order;
  return is_plain ? std::min(kept_bytes, kReadsKept * kMaxReadBytes) : kept_bytes;
}

std::uint64_t bytes_of(const VoxelVec& size, std::uint64_t voxel_bytes) {
  return static_cast<std::uint64_t>(size.product()) * voxel_bytes;
}

VoxelVec at_most(const VoxelVec& size, const VoxelVec& limit) {
  return {std::min(size.x, limit.x), std::min(size.y, limit.y), std::min(size.z, limit.z)};
}

/// Calls `visit` with the parts of `box` that have the same origin modulo `unit`, in x, y, z order.
template <class Visit>
Result<void> for_each_tile(const Box& box, const VoxelVec& origin, const VoxelVec& unit, const Visit& visit) {
  VoxelVec first;
  for (int a = 0; a < 3; ++a) first[a] = origin[a] + floor_div(box.begin[a] - origin[a], unit[a]) * unit[a];
  for (Index z = first.z; z < box.end.z; z += unit.z) {
    for (Index y = first.y; y < box.end.y; y += unit.y) {
      for (Index x = first.x; x < box.end.x; x += unit.x) {
        NGFORGE_CHECK(visit(Box{{x, y, z}, {x + unit.x, y + unit.y, z + unit.z}}.intersect(box)));
      }
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LivePyramid>> LivePyramid::create(SourceLevels sources, const VolumePlan& plan,
                                                         std::uint64_t memory_bytes, int threads,
                                                         std::stop_token stop) {
  std::unique_ptr<LivePyramid> pyramid(
      new LivePyramid(std::move(sources), plan, memory_bytes, threads, std::move(stop)));
  pyramid->levels_ = plan_levels(plan, std::min(kMaxReadBytes, memory_bytes / 2 / kReadsKept));
  const std::uint64_t least = most_working_bytes(pyramid->levels_);
  if (least > pyramid->working_.total())
    return make_error(ErrorCode::needs_decision, "expected {} MiB of memory for making one block, found {} MiB",
                      (least >> 20) + 1, pyramid->working_.total() >> 20)
        .with_hint(fmt::format("allow at least --memory {}MiB, or use a smaller --chunk-size", (least >> 18) + 4));
  return pyramid;
}

LivePyramid::LivePyramid(SourceLevels sources, const VolumePlan& plan, std::uint64_t memory_bytes, int threads,
                         std::stop_token stop)
    : sources_(std::move(sources)),
      plan_(plan),
      stop_(std::move(stop)),
      working_(memory_bytes / 2),
      kept_bytes_(memory_bytes - memory_bytes / 2),
      blocks_(kept_bytes_, kept_fine_bytes(sources_, kept_bytes_)),
      helpers_(std::max(0, threads - 1)) {}

std::vector<LivePyramid::Level> LivePyramid::plan_levels(const VolumePlan& plan, std::uint64_t read_bytes) {
  std::vector<Level> levels;
  const std::uint64_t value_bytes = size_of(plan.type), stored_bytes = size_of(plan.values.from);
  const auto channels = static_cast<std::uint64_t>(plan.channels);
  for (const ScaleGeometry& scale : plan.scales) {
    Level level;
    level.box = scale.box_vox;
    level.unit = {scale.chunk_size_xyz[0], scale.chunk_size_xyz[1], scale.chunk_size_xyz[2]};
    const VoxelVec size = level.box.size();
    if (levels.empty() || !plan.kept_levels.empty()) {
      int row_axis = 0;
      for (int a = 0; a < 3; ++a) {
        if (plan.axis_map.source_axis[static_cast<std::size_t>(a)] == 0) row_axis = a;
      }
      const std::uint64_t chunk_bytes = bytes_of(at_most(level.unit, size), stored_bytes * channels);
      const Index chunks = std::clamp<Index>(static_cast<Index>(read_bytes / std::max<std::uint64_t>(1, chunk_bytes)),
                                             1, ceil_div(size[row_axis], level.unit[row_axis]));
      level.unit[row_axis] *= chunks;
      level.working_bytes =
          plan.index_bytes + bytes_of(at_most(level.unit, size), (stored_bytes + 2 * value_bytes) * channels);
    } else {
      const Level& finer = levels.back();
      VoxelVec gathered;
      for (int a = 0; a < 3; ++a) {
        const Index factor = scale.factor[static_cast<std::size_t>(a)];
        // A piece of cells that begin in one finer block ends less than a cell behind it.
        gathered[a] = std::min(finer.unit[a] + 2 * (factor - 1), finer.box.size()[a]);
      }
      level.working_bytes = finer.working_bytes + bytes_of(gathered, value_bytes * channels) +
                            bytes_of(at_most(level.unit, size), value_bytes * channels);
    }
    levels.push_back(level);
  }
  return levels;
}

std::uint64_t LivePyramid::least_bytes(const VolumePlan& plan) {
  return 2 * most_working_bytes(plan_levels(plan, 0)) + 1;
}

std::uint64_t LivePyramid::most_working_bytes(const std::vector<Level>& levels) {
  return std::ranges::max(levels, {}, &Level::working_bytes).working_bytes;
}

LivePyramid::Key LivePyramid::unit_at(std::size_t level, const VoxelVec& voxel) const {
  const Level& l = levels_[level];
  Key key{level, {}};
  for (int a = 0; a < 3; ++a) key.unit[static_cast<std::size_t>(a)] = floor_div(voxel[a] - l.box.begin[a], l.unit[a]);
  return key;
}

Box LivePyramid::unit_box(const Key& key) const {
  const Level& l = levels_[key.level];
  Box box;
  for (int a = 0; a < 3; ++a) {
    box.begin[a] = l.box.begin[a] + key.unit[static_cast<std::size_t>(a)] * l.unit[a];
    box.end[a] = std::min(box.begin[a] + l.unit[a], l.box.end[a]);
  }
  return box;
}

Result<std::shared_ptr<const Block>> LivePyramid::block_of(std::size_t level, const GridVec& cell) {
  return block_of(unit_at(level, plan_.info.scales[level].chunk_box(cell).begin));
}

Result<LivePyramid::Pointer> LivePyramid::block_of(const Key& key) {
  if (Pointer block = blocks_.find(key)) return block;
  // Taken once for the whole descent: blocks below are made without waiting for memory, so nobody waits in a circle.
  NGFORGE_TRY(const Lease lease, working_.acquire(levels_[key.level].working_bytes, stop_));
  share_out(key);
  return unit(key);
}

Result<void> LivePyramid::read(std::size_t level, const MutableBlockView& out) {
  return for_each_tile(out.box, levels_[level].box.begin, levels_[level].unit, [&](const Box& tile) -> Result<void> {
    NGFORGE_TRY(const Pointer block, block_of(unit_at(level, tile.begin)));
    copy_common(block->view(), out);
    return {};
  });
}

// Has parts of the block made by other threads while this one goes through them too. Nobody waits for a helper: a part
// that one has begun is waited for where it is needed, and what none has begun is made there.
void LivePyramid::share_out(const Key& key) {
  struct Work {
    std::vector<Key> parts;
    std::atomic<std::size_t> next = 0;
  };
  const auto work = std::make_shared<Work>();
  if (helpers_.size() > 0) work->parts = parts_of(key);
  if (work->parts.size() < 2) return;
  const auto make_some = [this, work] {
    // An error comes again, and is told, when the part is needed.
    for (std::size_t i = work->next++; i < work->parts.size(); i = work->next++) {
      if (!unit(work->parts[i])) return;
    }
  };
  const std::uint64_t part_bytes = levels_[work->parts.front().level].working_bytes;
  const auto helpers = std::min<std::size_t>(static_cast<std::size_t>(helpers_.size()), work->parts.size() - 1);
  for (std::size_t i = 0; i < helpers; ++i) {
    helpers_.submit([this, make_some, part_bytes](int) {
      const Lease lease = working_.try_acquire(part_bytes);
      if (lease.bytes() > 0) make_some();
    });
  }
  make_some();
}

// Blocks that are not there yet and make up the block `key`, of the first finer scale that has enough of them for all
// threads. None when the block is cheap, or when the parts would drive each other out of the cache.
std::vector<LivePyramid::Key> LivePyramid::parts_of(const Key& key) const {
  const Index enough = 4 * (helpers_.size() + 1);
  std::size_t level = key.level;
  Box box = unit_box(key);
  Index count = 1;
  while (level > 1 && !is_read(level) && count < enough) {
    box = fine_box(box, plan_.scales[level].factor, levels_[level - 1].box);
    --level;
    const VoxelVec& unit = levels_[level].unit;
    count = ceil_div(box.size().x, unit.x) * ceil_div(box.size().y, unit.y) * ceil_div(box.size().z, unit.z);
  }
  std::vector<Key> parts;
  const auto voxel_bytes = size_of(plan_.type) * static_cast<std::uint64_t>(plan_.channels);
  if (level == key.level || bytes_of(box.size(), voxel_bytes) > kept_bytes_ / 2) return parts;
  const Key first = unit_at(level, box.begin), last = unit_at(level, box.end - VoxelVec::all(1));
  for (Index z = first.unit[2]; z <= last.unit[2]; ++z) {
    for (Index y = first.unit[1]; y <= last.unit[1]; ++y) {
      for (Index x = first.unit[0]; x <= last.unit[0]; ++x) {
        if (!blocks_.has({level, {x, y, z}})) parts.push_back({level, {x, y, z}});
      }
    }
  }
  return parts;
}

Result<LivePyramid::Pointer> LivePyramid::unit(const Key& key) {
  return blocks_.get(
      key, static_cast<int>(key.level), [&] { return make(key); },
      [](const Block& block) { return static_cast<std::uint64_t>(block.bytes().size()); });
}

Result<LivePyramid::Pointer> LivePyramid::make(const Key& key) {
  if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
  auto block = std::make_shared<Block>(plan_.type, unit_box(key), plan_.channels);
  if (is_read(key.level)) {
    NGFORGE_CHECK(read_source(key.level, block->view()));
  } else {
    NGFORGE_CHECK(reduce(key.level, block->view()));
  }
  return Pointer(std::move(block));
}

Result<void> LivePyramid::read_source(std::size_t level, const MutableBlockView& out) {
  const bool is_kept = !plan_.kept_levels.empty();
  const SourceVec size_ijk = is_kept ? plan_.kept_levels[level].size_ijk : plan_.size_ijk;
  const VoxelVec origin_vox = is_kept ? plan_.kept_levels[level].origin_vox : plan_.origin_vox;
  MutableBlockView reordered = out;
  reordered.box = {out.box.begin - origin_vox, out.box.end - origin_vox};
  const SourceBox box_ijk = to_source(reordered.box, size_ijk, plan_.axis_map);
  BoxReader reader(*sources_[level], plan_);
  for (const ChannelRun& run : channel_runs(plan_.source_channels)) {
    NGFORGE_TRY(const auto values, reader.read(box_ijk, run.source));
    copy_reordered(values, box_ijk, run.outputs(), size_ijk, plan_.axis_map, reordered);
  }
  return {};
}

// Cuts the block into the cells that begin in one and the same finer block, so that no more than one is needed at a
// time wherever cells do not cross borders.
Result<void> LivePyramid::reduce(std::size_t level, const MutableBlockView& out) {
  const Factor& factor = plan_.scales[level].factor;
  const Level& finer = levels_[level - 1];
  const Box fine = fine_box(out.box, factor, finer.box);
  return for_each_tile(fine, finer.box.begin, finer.unit, [&](const Box& tile) -> Result<void> {
    Box piece;
    for (int a = 0; a < 3; ++a) {
      const Index f = factor[static_cast<std::size_t>(a)];
      piece.begin[a] = tile.begin[a] == fine.begin[a] ? out.box.begin[a] : ceil_div(tile.begin[a], f);
      piece.end[a] = std::min(ceil_div(tile.end[a], f), out.box.end[a]);
    }
    return piece.empty() ? Result<void>{} : reduce_piece(level, out.crop(piece));
  });
}

Result<void> LivePyramid::reduce_piece(std::size_t level, const MutableBlockView& out) {
  const Factor& factor = plan_.scales[level].factor;
  const Box& bounds = levels_[level - 1].box;
  const Box fine = fine_box(out.box, factor, bounds);
  const Key first = unit_at(level - 1, fine.begin);
  if (unit_box(first).contains(fine)) {
    NGFORGE_TRY(const Pointer block, unit(first));
    downsample(block->view().crop(fine), bounds, factor, plan_.method, plan_.outside, out);
    return {};
  }
  Block gathered(plan_.type, fine, plan_.channels);
  NGFORGE_CHECK(gather(level - 1, gathered.view()));
  downsample(gathered.view(), bounds, factor, plan_.method, plan_.outside, out);
  return {};
}

Result<void> LivePyramid::gather(std::size_t level, const MutableBlockView& out) {
  return for_each_tile(out.box, levels_[level].box.begin, levels_[level].unit, [&](const Box& tile) -> Result<void> {
    NGFORGE_TRY(const Pointer block, unit(unit_at(level, tile.begin)));
    copy_common(block->view(), out);
    return {};
  });
}

}  // namespace ngforge
