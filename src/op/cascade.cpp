// SPDX-License-Identifier: Apache-2.0
#include "op/cascade.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

namespace ngforge {
namespace {

constexpr std::chrono::milliseconds kWatchInterval{100};

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

}  // namespace

Cascade::Cascade(const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool)
    : volume_(volume),
      plan_(strips),
      pool_(pool),
      workers_(static_cast<std::size_t>(pool.size())),
      no_memory_(make_error(ErrorCode::internal, "the machine has no memory left")),
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
    level.slots = std::vector<Slot>(static_cast<std::size_t>(level.plan->slots));
    level.front = first_front(*level.scale, strips);
    if (!level.plan->in_memory) {
      NGFORGE_TRY(auto file, ScratchFile::create(scratch_folder));
      level.scratch.emplace(std::move(file));
    }
  }
  if (volume.compressor != nullptr)
    for (Worker& worker : cascade->workers_)
      worker.compressor = volume.compressor->create(volume.level, size_of(volume.type));
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

void Cascade::fail_without_memory() noexcept {
  Error error;
  {
    std::lock_guard lock(mutex_);
    std::swap(error, no_memory_);
  }
  fail(std::move(error));
}

Index Cascade::ordinal_of(const Level& level, Index position) const {
  const auto axis = static_cast<std::size_t>(plan_.axis);
  const Index index = (position - level.scale->voxel_offset[axis]) / level.scale->chunk_size()[axis];
  return plan_.descending ? level.plan->strips - 1 - index : index;
}

template <class Condition>
void Cascade::wait(std::unique_lock<std::mutex>& lock, const Watch& watch, const Condition& condition) {
  while (!changed_.wait_for(lock, kWatchInterval, [&] { return failed_ || condition(); })) {
    lock.unlock();
    if (auto watched = watch(); !watched) fail(std::move(watched).error());
    lock.lock();
  }
}

Result<void> Cascade::allocate(std::size_t k, Index ordinal, const Watch& watch) {
  Level& level = levels_[k];
  Slot& slot = level.slot(ordinal);
  std::unique_lock lock(mutex_);
  wait(lock, watch, [&] { return slot.strip == nullptr; });
  if (failed_) return *error_;
  StripPlace place;
  if (level.scratch)
    place = {&*level.scratch, level.plan->strip_bytes * static_cast<std::uint64_t>(ordinal % level.plan->slots)};
  Buffer memory = std::move(slot.memory);
  lock.unlock();
  const auto& side = level.scale->chunk_size();
  auto strip = std::make_unique<Strip>(volume_.type, volume_.channels, strip_box(*level.scale, plan_, ordinal),
                                       VoxelVec{side[0], side[1], side[2]}, place, std::move(memory));
  lock.lock();
  slot.is_complete = slot.is_finished = false;
  slot.tasks_left = strip->brick_count();
  slot.strip = std::move(strip);
  level.allocated = ordinal + 1;
  return {};
}

Result<Strip*> Cascade::begin_strip(Index ordinal, const Watch& watch) {
  NGFORGE_CHECK(allocate(0, ordinal, watch));
  const StripRange range = strip_range(*levels_[0].scale, plan_, ordinal);
  levels_[0].front = plan_.descending ? range.begin : range.end;
  for (std::size_t k = 1; k < levels_.size(); ++k) {
    Level& level = levels_[k];
    level.front = next_front(volume_, plan_, k - 1, levels_[k - 1].front);
    if (level.front == first_front(*level.scale, plan_)) break;
    const Index last = ordinal_of(level, plan_.descending ? level.front : level.front - 1);
    for (Index next = level.allocated; next <= last; ++next) NGFORGE_CHECK(allocate(k, next, watch));
  }
  return levels_[0].slot(ordinal).strip.get();
}

void Cascade::add_written(Index ordinal, Index values) {
  if (levels_[0].slot(ordinal).strip->add_written(values)) mark_complete(0, ordinal);
}

void Cascade::mark_complete(std::size_t k, Index ordinal) {
  std::lock_guard lock(mutex_);
  levels_[k].slot(ordinal).is_complete = true;
  submit_ready(k);
}

// Strips go to the pool in order: a later one must never wait in front of an earlier one. With the mutex held, which
// makes that order; the pool only takes a lock of its own for it and runs nothing.
void Cascade::submit_ready(std::size_t k) {
  Level& level = levels_[k];
  while (level.submitted < level.allocated && level.slot(level.submitted).is_complete) {
    // The carry belongs to one strip at a time.
    if (level.plan->carry_bytes > 0 && level.finished_in_order < level.submitted) return;
    const Index ordinal = level.submitted;
    pool_.submit_each(level.slot(ordinal).strip->brick_count(),
                      [this, k, ordinal](int worker, Index brick) { run_task(worker, k, ordinal, brick); });
    ++level.submitted;
  }
}

void Cascade::run_task(int worker_number, std::size_t k, Index ordinal, Index brick) {
  Worker& worker = workers_[static_cast<std::size_t>(worker_number)];
  try {
    if (!failed_)
      if (auto result = process(worker, k, ordinal, brick); !result) fail(std::move(result).error());
  } catch (const std::bad_alloc&) {
    fail_without_memory();
  }
  try {
    if (auto result = end_task(worker, k, ordinal); !result) fail(std::move(result).error());
  } catch (const std::bad_alloc&) {
    fail_without_memory();
  }
}

// The last task of a strip ends it. After a failure nobody waits for that.
Result<void> Cascade::end_task(Worker& worker, std::size_t k, Index ordinal) {
  Level& level = levels_[k];
  {
    std::lock_guard lock(mutex_);
    if (--level.slot(ordinal).tasks_left > 0 || failed_) return {};
  }
  if (level.plan->carry_bytes > 0) NGFORGE_CHECK(keep_carry(worker, k, ordinal));
  finish_strip(k, ordinal);
  return {};
}

void Cascade::finish_strip(std::size_t k, Index ordinal) {
  std::lock_guard lock(mutex_);
  Level& level = levels_[k];
  Slot& slot = level.slot(ordinal);
  if (slot.strip->in_memory()) slot.memory = slot.strip->take_memory();
  slot.strip.reset();
  slot.is_finished = true;
  // A slot is not used again before the strips ahead of it are finished too, so each is seen here.
  while (level.finished_in_order < level.allocated && level.slot(level.finished_in_order).is_finished)
    ++level.finished_in_order;
  changed_.notify_all();
  submit_ready(k);
}

Result<void> Cascade::finish(const Watch& watch) {
  {
    std::unique_lock lock(mutex_);
    const auto is_done = [](const Level& level) { return level.finished_in_order == level.plan->strips; };
    wait(lock, watch, [&] { return std::all_of(levels_.begin(), levels_.end(), is_done); });
  }
  pool_.wait_idle();
  std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return {};
}

Result<void> Cascade::process(Worker& worker, std::size_t k, Index ordinal, Index brick) {
  Level& level = levels_[k];
  const Strip& strip = *level.slot(ordinal).strip;
  NGFORGE_TRY(const BlockView view, strip.load(brick, worker.brick, worker.pieces));
  const bool is_zero = is_all_zero(view.dense_bytes());
  if (k + 1 < levels_.size()) NGFORGE_CHECK(reduce(worker, k, ordinal, view, is_zero));
  const GridBox cells = cells_touched(*level.scale, view.box);
  const Index sequence = ordinal * strip.brick_count() + brick;
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
  const BlockView whole = volume_.ome_zarr ? padded(worker, level, view) : view;
  std::span<const std::byte> bytes = whole.dense_bytes();
  if (!volume_.codec->is_plain) {
    NGFORGE_CHECK(volume_.codec->encode(whole, volume_.codec_options, worker.encoded));
    bytes = worker.encoded;
  }
  if (worker.compressor) bytes = worker.compressor->compress(bytes, worker.compressed);
  return level.sink->put(sequence, cell, bytes);
}

// A chunk of the full shape: what lies beyond the volume is zero.
BlockView Cascade::padded(Worker& worker, const Level& level, const BlockView& view) const {
  const auto& side = level.scale->chunk_size();
  const Box box{view.box.begin, view.box.begin + VoxelVec{side[0], side[1], side[2]}};
  if (box == view.box) return view;
  const auto bytes =
      ensure(worker.padded, static_cast<std::size_t>(box.volume() * volume_.channels) * size_of(volume_.type));
  std::ranges::fill(bytes, std::byte{0});
  const MutableBlockView whole = dense_view(bytes.data(), volume_.type, box, volume_.channels);
  copy_common(view, whole);
  return whole;
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
  const Box cells = level.plan->is_aligned ? coarse_box(view.box, factor) : owned_cells(k, view.box);
  if (cells.empty()) return {};
  BlockView fine = view;
  if (const Box needed = fine_box(cells, factor, level.scale->box_vox()); !view.box.contains(needed)) {
    NGFORGE_TRY(fine, gather(worker, level, *level.slot(ordinal).strip, needed));
    is_zero = false;
  }
  if (next.plan->in_memory && cells_touched(*next.scale, cells).volume() == 1) {  // straight into its place
    const Index target = ordinal_of(next, cells.begin[plan_.axis]);
    Strip& strip = *next.slot(target).strip;
    make_coarse(k, fine, is_zero, strip.brick_view(strip.brick_at(cells.begin)).crop(cells));
    if (strip.add_written(cells.volume() * volume_.channels)) mark_complete(k + 1, target);
    return {};
  }
  const auto bytes =
      ensure(worker.coarse, static_cast<std::size_t>(cells.volume() * volume_.channels) * size_of(volume_.type));
  const MutableBlockView coarse = dense_view(bytes.data(), volume_.type, cells, volume_.channels);
  make_coarse(k, fine, is_zero, coarse);
  return hand_down(worker, k + 1, coarse);
}

// Fills voxels of the scale after `k`. `is_zero`: all of `fine` is.
void Cascade::make_coarse(std::size_t k, const BlockView& fine, bool is_zero, const MutableBlockView& coarse) const {
  if (!is_zero || (!volume_.outside.is_edge && volume_.outside.value != 0)) {
    downsample(fine, levels_[k].scale->box_vox(), volume_.scales[k + 1].factor, volume_.method, volume_.outside,
               coarse);
    return;
  }
  const auto row_bytes = static_cast<std::size_t>(coarse.size().x) * coarse.value_bytes();
  for (Index c = 0; c < coarse.channels; ++c)
    for (Index z = coarse.box.begin.z; z < coarse.box.end.z; ++z)
      for (Index y = coarse.box.begin.y; y < coarse.box.end.y; ++y) std::memset(coarse.row(y, z, c), 0, row_bytes);
}

Result<void> Cascade::hand_down(Worker& worker, std::size_t k, const BlockView& coarse) {
  Level& level = levels_[k];
  const GridBox cells = cells_touched(*level.scale, coarse.box);
  for (Index z = cells.begin.z; z < cells.end.z; ++z)
    for (Index y = cells.begin.y; y < cells.end.y; ++y)
      for (Index x = cells.begin.x; x < cells.end.x; ++x) {
        const Box part = level.scale->chunk_box({x, y, z}).intersect(coarse.box);
        const Index ordinal = ordinal_of(level, part.begin[plan_.axis]);
        Strip& strip = *level.slot(ordinal).strip;
        if (strip.in_memory()) {
          strip.write(strip.brick_at(part.begin), coarse, 0);
        } else {
          const auto bytes =
              ensure(worker.packed, static_cast<std::size_t>(part.volume() * volume_.channels) * size_of(volume_.type));
          copy_common(coarse, dense_view(bytes.data(), volume_.type, part, volume_.channels));
          NGFORGE_CHECK(strip.append(part, 0, volume_.channels, bytes));
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
  NGFORGE_CHECK(strip.visit_bricks(box, [&](Index brick, const Box&) -> Result<void> {
    NGFORGE_TRY(const BlockView view, strip.load(brick, brick_space, worker.pieces));
    copy_common(view, gathered);
    return {};
  }));
  return BlockView(gathered);
}

// After a strip: keeps the planes whose cells are not complete yet.
Result<void> Cascade::keep_carry(Worker& worker, std::size_t k, Index ordinal) {
  Level& level = levels_[k];
  const Strip& strip = *level.slot(ordinal).strip;
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
  NGFORGE_CHECK(strip.visit_bricks(planes, [&](Index brick, const Box&) -> Result<void> {
    NGFORGE_TRY(const BlockView view, strip.load(brick, worker.brick, worker.pieces));
    copy_common(view, carry.view());
    return {};
  }));
  level.carry = std::move(carry);
  return {};
}

}  // namespace ngforge
