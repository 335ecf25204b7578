// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "compress/compressor.h"
#include "op/strip_plan.h"
#include "op/volume_plan.h"
#include "pipeline/scratch_file.h"
#include "pipeline/strip.h"
#include "pipeline/thread_pool.h"
#include "sink/chunk_sink.h"

namespace ngforge {

/// All scales in one pass: takes the voxels of scale 0 strip by strip, encodes every chunk, and makes each coarser
/// scale from the strips of the scale before while they are there.
///
/// One thread (the driver) calls begin_strip, lets the strip be filled by any threads, and goes on with the next; the
/// rest happens in the pool. Strips of a scale are processed in order, and what is written depends only on the plan.
class Cascade {
 public:
  /// Called on the driver's thread some times a second while it waits. An error ends the wait and the cascade.
  using Watch = std::function<Result<void>()>;

  /// All arguments must outlive the cascade. `sinks` has one entry per scale. Scratch files are made in
  /// `scratch_folder`.
  static Result<std::unique_ptr<Cascade>> create(const VolumePlan& volume, const StripPlan& strips,
                                                 std::vector<std::unique_ptr<ChunkSink>>& sinks, ThreadPool& pool,
                                                 const std::string& scratch_folder);
  ~Cascade();

  /// Waits until there is room for the strip with this number, and for what it becomes in coarser scales.
  /// Errors: whatever failed in the pool, or the watch's.
  Result<Strip*> begin_strip(Index ordinal, const Watch& watch);
  /// Says that `values` more values of a begun strip are in place. Any thread.
  void add_written(Index ordinal, Index values);
  /// Waits until everything is written. Errors: the first one that occurred, or the watch's.
  Result<void> finish(const Watch& watch);
  /// Stops everything; finish() then returns this error (unless there was one before). Any thread.
  void fail(Error error);
  /// The same where there is no memory left, not even for a message.
  void fail_without_memory() noexcept;
  bool has_failed() const { return failed_; }
  /// Voxels of all scales that are done, for progress.
  std::uint64_t voxels_done() const { return voxels_done_; }

 private:
  // One of the strips that exist at once: number n is in slot n % slots. Guarded by mutex_; but whoever fills a strip
  // or works on a brick of it uses `strip` without, for it stays until the last task of the strip has ended.
  struct Slot {
    std::unique_ptr<Strip> strip;  // null before and after its time
    Buffer memory;                 // of the strip before
    bool is_complete = false, is_finished = false;
    Index tasks_left = 0;
  };
  struct Level {
    const ScaleInfo* scale = nullptr;
    const LevelPlan* plan = nullptr;
    ChunkSink* sink = nullptr;
    std::optional<ScratchFile> scratch;
    std::vector<Slot> slots;
    Index allocated = 0, submitted = 0, finished_in_order = 0;  // guarded by mutex_
    // Planes of the strip before that unfinished cells need: read by the tasks of one strip, written by the last of
    // them when the others have ended; the next strip is submitted only then.
    std::optional<Block> carry;
    Index front = 0;  // of what has been allocated for; the driver's alone

    Slot& slot(Index ordinal) { return slots[static_cast<std::size_t>(ordinal % plan->slots)]; }
  };
  // What a worker owns, so that tasks allocate nothing.
  struct Worker {
    Buffer brick, pieces, gathered, coarse, packed, padded, compressed;
    Bytes encoded;
    std::unique_ptr<Compressor> compressor;
  };

  Cascade(const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool);
  template <class Condition>
  void wait(std::unique_lock<std::mutex>& lock, const Watch& watch, const Condition& condition);
  Result<void> allocate(std::size_t level, Index ordinal, const Watch& watch);
  void mark_complete(std::size_t level, Index ordinal);
  void submit_ready(std::size_t level);
  void run_task(int worker, std::size_t level, Index ordinal, Index brick);
  Result<void> process(Worker& worker, std::size_t level, Index ordinal, Index brick);
  Result<void> end_task(Worker& worker, std::size_t level, Index ordinal);
  Result<void> store_chunk(Worker& worker, Level& level, Index sequence, const GridVec& cell, const BlockView& view,
                           bool is_zero);
  BlockView padded(Worker& worker, const Level& level, const BlockView& view) const;
  Result<void> reduce(Worker& worker, std::size_t level, Index ordinal, const BlockView& view, bool is_zero);
  void make_coarse(std::size_t level, const BlockView& fine, bool is_zero, const MutableBlockView& coarse) const;
  Result<BlockView> gather(Worker& worker, Level& level, const Strip& strip, const Box& box);
  Result<void> hand_down(Worker& worker, std::size_t level, const BlockView& coarse);
  Box owned_cells(std::size_t level, const Box& brick) const;
  Result<void> keep_carry(Worker& worker, std::size_t level, Index ordinal);
  Index ordinal_of(const Level& level, Index position) const;
  void finish_strip(std::size_t level, Index ordinal);

  const VolumePlan& volume_;
  const StripPlan& plan_;
  ThreadPool& pool_;
  std::vector<Worker> workers_;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> voxels_done_ = 0;

  std::mutex mutex_;  // guards error_, no_memory_ and of levels_ what is said there; the rest of a Level is constant
  std::condition_variable changed_;
  std::optional<Error> error_;
  Error no_memory_;  // made while there is some
  std::vector<Level> levels_;
};

}  // namespace ngforge
