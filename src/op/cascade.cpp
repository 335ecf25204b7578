// SPDX-License-Identifier: Apache-2.0
#include "op/cascade.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace ngforge {
namespace {

// Chunk cells of `scale` that a box of voxels touches.
GridBox cells_touched(const ScaleInfo& scale, const Box& box) {
  GridBox cells;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    cells.begin[a] = (box.begin[a] - scale.voxel_offset[i]) / scale.chunk_size()[i];
    cells.end[a] = (box.end[a] - 1 - scale.voxel_offset[i]) / scale.chunk_size()[i] + 1;
  }
  return cells;
}

// Place of a cell within its strip.
std::size_t brick_index(const GridVec& cell, const GridVec& grid, int axis) {
  const Index nx = axis == 0 ? 1 : grid.x, ny = axis == 1 ? 1 : grid.y;
  const Index x = axis == 0 ? 0 : cell.x, y = axis == 1 ? 0 : cell.y, z = axis == 2 ? 0 : cell.z;
  return static_cast<std::size_t>(x + nx * (y + ny * z));
}

}  // namespace

Cascade::Cascade(const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool)
    : volume_(volume),
      plan_(strips),
      pool_(pool),
      workers_(static_cast<std::size_t>(pool.size())),
      levels_(strips.levels.size()) {}

Result<std::unique_ptr<Cascade>> Cascade::create(const VolumePlan& volume, const StripPlan& strips,
                                                 std::vector<std::unique_ptr<ChunkSink>>& sinks, ThreadPool& pool,
                                                 const std::string& scratch_folder) {
  std::unique_ptr<Cascade> cascade(new Cascade(volume, strips, pool));
  for (std::size_t k = 0; k < strips.levels.size(); ++k) {
    Level& level = cascade->levels_[k];
    level.scale = &volume.info.scales[k];
    level.plan = &strips.levels[k];
    level.sink = sinks[k].get();
    const auto count = static_cast<std::size_t>(level.plan->strips);
    level.strips.resize(count);
    level.is_complete.resize(count);
    level.is_finished.resize(count);
    level.tasks_left.resize(count);
    level.front = first_front(*level.scale, strips);
    if (!level.plan->in_memory) {
      NGFORGE_TRY(auto file, ScratchFile::create(scratch_folder));
      level.scratch.emplace(std::move(file));
    }
  }
  if (volume.gzip)
    for (Worker& worker : cascade->workers_) worker.gzip.emplace(volume.level);
  return cascade;
}

Cascade::~Cascade() {
  pool_.wait_idle();
}

void Cascade::fail(Error error) {
  {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    failed_ = true;
  }
  for (Level& level : levels_) level.sink->abandon();
  changed_.notify_all();
}

Index Cascade::ordinal_of(const Level& level, Index position) const {
  const auto axis = static_cast<std::size_t>(plan_.axis);
  const Index index = (position - level.scale->voxel_offset[axis]) / level.scale->chunk_size()[axis];
  return plan_.descending ? level.plan->strips - 1 - index : index;
}

Result<void> Cascade::allocate(std::size_t k, Index ordinal) {
  Level& level = levels_[k];
  std::vector<Box> bricks;
  for (const GridVec& cell : strip_cells(*level.scale, plan_, ordinal)) bricks.push_back(level.scale->chunk_box(cell));
  const auto i = static_cast<std::size_t>(ordinal);
  std::unique_lock lock(mutex_);
  const Index before = ordinal - level.plan->slots;
  changed_.wait(lock, [&] { return failed_ || before < 0 || level.is_finished[static_cast<std::size_t>(before)]; });
  if (failed_) return *error_;
  StripPlace place;
  Buffer memory;
  if (level.scratch) {
    place = {&*level.scratch, level.plan->strip_bytes * static_cast<std::uint64_t>(ordinal % level.plan->slots)};
  } else if (!level.free_memory.empty()) {
    memory = std::move(level.free_memory.back());
    level.free_memory.pop_back();
  }
  lock.unlock();
  auto strip = std::make_shared<Strip>(volume_.type, volume_.channels, std::move(bricks), place, std::move(memory));
  lock.lock();
  level.tasks_left[i] = strip->bricks().size();
  level.strips[i] = std::move(strip);
  level.allocated = ordinal + 1;
  return {};
}

Result<Strip*> Cascade::begin_strip(Index ordinal) {
  NGFORGE_CHECK(allocate(0, ordinal));
  const StripRange range = strip_range(*levels_[0].scale, plan_, ordinal);
  levels_[0].front = plan_.descending ? range.begin : range.end;
  for (std::size_t k = 1; k < levels_.size(); ++k) {
    Level& level = levels_[k];
    level.front = next_front(volume_, plan_, k - 1, levels_[k - 1].front);
    if (level.front == first_front(*level.scale, plan_)) break;
    const Index last = ordinal_of(level, plan_.descending ? level.front : level.front - 1);
    for (Index next = level.allocated; next <= last; ++next) NGFORGE_CHECK(allocate(k, next));
  }
  return levels_[0].strips[static_cast<std::size_t>(ordinal)].get();
}

void Cascade::add_written(Index ordinal, Index values) {
  if (levels_[0].strips[static_cast<std::size_t>(ordinal)]->add_written(values)) mark_complete(0, ordinal);
}

void Cascade::mark_complete(std::size_t k, Index ordinal) {
  std::lock_guard lock(mutex_);
  levels_[k].is_complete[static_cast<std::size_t>(ordinal)] = true;
  submit_ready(k);
}

// Strips go to the pool in order: a later one must never wait in front of an earlier one. With the mutex held.
void Cascade::submit_ready(std::size_t k) {
  Level& level = levels_[k];
  while (level.submitted < level.plan->strips && level.is_complete[static_cast<std::size_t>(level.submitted)]) {
    // The carry belongs to one strip at a time.
    if (level.plan->carry_bytes > 0 && level.finished_in_order < level.submitted) return;
    const Index ordinal = level.submitted++;
    const std::size_t bricks = level.strips[static_cast<std::size_t>(ordinal)]->bricks().size();
    for (std::size_t brick = 0; brick < bricks; ++brick)
      pool_.submit([this, k, ordinal, brick](int worker) { run_task(worker, k, ordinal, brick); });
  }
}

void Cascade::run_task(int worker, std::size_t k, Index ordinal, std::size_t brick) {
  if (!failed_) {
    try {
      auto result = process(workers_[static_cast<std::size_t>(worker)], k, ordinal, brick);
      if (!result) fail(std::move(result).error());
    } catch (const std::bad_alloc&) {
      fail(make_error(ErrorCode::internal, "the machine has no memory left"));
    }
  }
  bool was_last = false;
  {
    std::lock_guard lock(mutex_);
    was_last = --levels_[k].tasks_left[static_cast<std::size_t>(ordinal)] == 0;
  }
  if (!was_last) return;
  if (!failed_ && levels_[k].plan->carry_bytes > 0) {
    auto kept = keep_carry(workers_[static_cast<std::size_t>(worker)], k, ordinal);
    if (!kept) fail(std::move(kept).error());
  }
  finish_strip(k, ordinal);
}

void Cascade::finish_strip(std::size_t k, Index ordinal) {
  std::lock_guard lock(mutex_);
  Level& level = levels_[k];
  auto& strip = level.strips[static_cast<std::size_t>(ordinal)];
  if (strip->in_memory()) level.free_memory.push_back(strip->take_memory());
  strip.reset();
  level.is_finished[static_cast<std::size_t>(ordinal)] = true;
  while (level.finished_in_order < level.plan->strips &&
         level.is_finished[static_cast<std::size_t>(level.finished_in_order)])
    ++level.finished_in_order;
  submit_ready(k);
  changed_.notify_all();
}

Result<void> Cascade::finish() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return failed_ || std::all_of(levels_.begin(), levels_.end(),
                                    [](const Level& level) { return level.finished_in_order == level.plan->strips; });
    });
  }
  pool_.wait_idle();
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return {};
}

Result<void> Cascade::process(Worker& worker, std::size_t k, Index ordinal, std::size_t brick) {
  Level& level = levels_[k];
  const Strip& strip = *level.strips[static_cast<std::size_t>(ordinal)];
  NGFORGE_TRY(const BlockView view, strip.load(brick, worker.brick, worker.pieces));
  const bool is_zero = is_all_zero(view.dense_bytes());
  if (k + 1 < levels_.size()) NGFORGE_CHECK(reduce(worker, k, ordinal, view, is_zero));
  const GridBox cells = cells_touched(*level.scale, view.box);
  const auto sequence = ordinal * static_cast<Index>(strip.bricks().size()) + static_cast<Index>(brick);
  NGFORGE_CHECK(store_chunk(worker, level, sequence, cells.begin, view, is_zero));
  voxels_done_ += static_cast<std::uint64_t>(view.box.volume());
  return {};
}

Result<void> Cascade::store_chunk(Worker& worker, Level& level, Index sequence, const GridVec& cell,
                                  const BlockView& view, bool is_zero) {
  ChunkCounts& counts = level.sink->counts();
  if (is_zero && !volume_.keep_empty) {
    ++counts.empty;
    return level.sink->pass(sequence, cell);
  }
  ++counts.stored;
  if (level.sink->is_finished(cell)) return level.sink->pass(sequence, cell);
  std::span<const std::byte> bytes = view.dense_bytes();
  if (!volume_.codec->is_plain) {
    NGFORGE_CHECK(volume_.codec->encode(view, volume_.codec_options, worker.encoded));
    bytes = worker.encoded;
  }
  if (worker.gzip) bytes = worker.gzip->compress(bytes, worker.compressed);
  return level.sink->put(sequence, cell, bytes);
}

// Every cell of the next scale is made by exactly one brick: across the strip by the one that holds its first voxel,
// along the strip axis by the one that holds the voxel that comes last.
Box Cascade::owned_cells(std::size_t k, const Box& brick) const {
  const Box bounds = levels_[k].scale->box_vox(), coarse_bounds = levels_[k + 1].scale->box_vox();
  const Factor& factor = volume_.scales[k + 1].factor;
  Box cells;
  for (int a = 0; a < 3; ++a) {
    const Index f = factor[static_cast<std::size_t>(a)];
    const bool last_owns = a == plan_.axis && !plan_.descending;
    if (last_owns) {
      cells.begin[a] = floor_div(brick.begin[a], f);
      cells.end[a] = brick.end[a] == bounds.end[a] ? coarse_bounds.end[a] : floor_div(brick.end[a], f);
    } else {
      cells.begin[a] = brick.begin[a] == bounds.begin[a] ? coarse_bounds.begin[a] : ceil_div(brick.begin[a], f);
      cells.end[a] = brick.end[a] == bounds.end[a] ? coarse_bounds.end[a] : ceil_div(brick.end[a], f);
    }
  }
  return cells;
}

Result<void> Cascade::reduce(Worker& worker, std::size_t k, Index ordinal, const BlockView& view, bool is_zero) {
  Level &level = levels_[k], &next = levels_[k + 1];
  const Factor& factor = volume_.scales[k + 1].factor;
  const Box bounds = level.scale->box_vox();
  const Box cells = level.plan->is_aligned ? coarse_box(view.box, factor) : owned_cells(k, view.box);
  if (cells.empty()) return {};
  BlockView fine = view;
  const Box needed = fine_box(cells, factor, bounds);
  if (!view.box.contains(needed)) {
    NGFORGE_TRY(fine, gather(worker, level, *level.strips[static_cast<std::size_t>(ordinal)], needed));
    is_zero = false;
  }
  const bool stays_zero = is_zero && (volume_.outside.is_edge || volume_.outside.value == 0);
  const auto make = [&](const MutableBlockView& coarse) {
    if (stays_zero) {
      const auto row_bytes = static_cast<std::size_t>(coarse.size().x) * coarse.value_bytes();
      for (Index c = 0; c < coarse.channels; ++c)
        for (Index z = coarse.box.begin.z; z < coarse.box.end.z; ++z)
          for (Index y = coarse.box.begin.y; y < coarse.box.end.y; ++y) std::memset(coarse.row(y, z, c), 0, row_bytes);
    } else {
      downsample(fine, bounds, factor, volume_.method, volume_.outside, coarse);
    }
  };
  const GridBox targets = cells_touched(*next.scale, cells);
  if (next.plan->in_memory && targets.volume() == 1) {  // straight into its place
    const Index target = ordinal_of(next, cells.begin[plan_.axis]);
    Strip& strip = *next.strips[static_cast<std::size_t>(target)];
    make(strip.brick_view(brick_index(targets.begin, next.scale->grid_shape(), plan_.axis)).crop(cells));
    if (strip.add_written(cells.volume() * volume_.channels)) mark_complete(k + 1, target);
    return {};
  }
  const auto bytes =
      ensure(worker.coarse, static_cast<std::size_t>(cells.volume() * volume_.channels) * size_of(volume_.type));
  const MutableBlockView coarse = dense_view(bytes.data(), volume_.type, cells, volume_.channels);
  make(coarse);
  return hand_down(worker, k + 1, coarse);
}

Result<void> Cascade::hand_down(Worker& worker, std::size_t k, const BlockView& coarse) {
  Level& level = levels_[k];
  const GridBox cells = cells_touched(*level.scale, coarse.box);
  for (Index z = cells.begin.z; z < cells.end.z; ++z)
    for (Index y = cells.begin.y; y < cells.end.y; ++y)
      for (Index x = cells.begin.x; x < cells.end.x; ++x) {
        const GridVec cell{x, y, z};
        const Box part = level.scale->chunk_box(cell).intersect(coarse.box);
        const Index ordinal = ordinal_of(level, part.begin[plan_.axis]);
        Strip& strip = *level.strips[static_cast<std::size_t>(ordinal)];
        const std::size_t brick = brick_index(cell, level.scale->grid_shape(), plan_.axis);
        if (strip.in_memory()) {
          strip.write(brick, coarse, 0);
        } else {
          const auto bytes =
              ensure(worker.packed, static_cast<std::size_t>(part.volume() * volume_.channels) * size_of(volume_.type));
          copy_common(coarse, dense_view(bytes.data(), volume_.type, part, volume_.channels));
          const Strip::Piece piece{brick, part, 0, volume_.channels};
          NGFORGE_CHECK(strip.append({&piece, 1}, bytes));
        }
        if (strip.add_written(part.volume() * volume_.channels)) mark_complete(k, ordinal);
      }
  return {};
}

// The voxels of `box` from the carry and from the bricks of one strip.
Result<BlockView> Cascade::gather(Worker& worker, Level& level, const Strip& strip, const Box& box) {
  const auto bytes =
      ensure(worker.gathered, static_cast<std::size_t>(box.volume() * volume_.channels) * size_of(volume_.type));
  const MutableBlockView gathered = dense_view(bytes.data(), volume_.type, box, volume_.channels);
  if (level.carry) copy_common(std::as_const(*level.carry).view(), gathered);
  Buffer brick_space;  // worker.brick holds the brick that is being processed
  for (std::size_t brick = 0; brick < strip.bricks().size(); ++brick) {
    if (strip.bricks()[brick].intersect(box).empty()) continue;
    NGFORGE_TRY(const BlockView view, strip.load(brick, brick_space, worker.pieces));
    copy_common(view, gathered);
  }
  return BlockView(gathered);
}

// After a strip: keeps the planes whose cells are not complete yet.
Result<void> Cascade::keep_carry(Worker& worker, std::size_t k, Index ordinal) {
  Level& level = levels_[k];
  const Strip& strip = *level.strips[static_cast<std::size_t>(ordinal)];
  const Index factor = volume_.scales[k + 1].factor[static_cast<std::size_t>(plan_.axis)];
  const StripRange range = strip_range(*level.scale, plan_, ordinal);
  Box planes = level.scale->box_vox();
  const Box bounds = planes;
  if (plan_.descending) {
    planes.begin[plan_.axis] = range.begin;
    planes.end[plan_.axis] = std::min(ceil_div(range.begin, factor) * factor, bounds.end[plan_.axis]);
  } else {
    planes.begin[plan_.axis] = std::max(floor_div(range.end, factor) * factor, bounds.begin[plan_.axis]);
    planes.end[plan_.axis] = range.end;
  }
  if (planes.empty()) {
    level.carry.reset();
    return {};
  }
  Block carry(volume_.type, planes, volume_.channels);
  if (level.carry) copy_common(std::as_const(*level.carry).view(), carry.view());
  for (std::size_t brick = 0; brick < strip.bricks().size(); ++brick) {
    if (strip.bricks()[brick].intersect(planes).empty()) continue;
    NGFORGE_TRY(const BlockView view, strip.load(brick, worker.brick, worker.pieces));
    copy_common(view, carry.view());
  }
  level.carry = std::move(carry);
  return {};
}

}  // namespace ngforge
