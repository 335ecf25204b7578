// SPDX-License-Identifier: Apache-2.0
#include "op/chunk_walk.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "op/stored_chunks.h"
#include "pipeline/thread_pool.h"

namespace ngforge {

Result<ChunkWalk> ChunkWalk::plan(const PrecomputedVolume& volume, std::size_t scale, const RunOptions& run,
                                  std::uint64_t memory_bytes, std::uint64_t other_bytes) {
  const ScaleInfo& info = volume.info().scales[scale];
  auto chunk = static_cast<std::uint64_t>(volume.info().channels) * size_of(volume.info().type);
  for (std::size_t a = 0; a < 3; ++a)
    chunk *= static_cast<std::uint64_t>(std::min(info.chunk_size()[a], info.size_xyz[a]));
  // A chunk as stored, unpacked, decoded, and what a decoder needs.
  const std::uint64_t least = 4 * chunk + (std::uint64_t{1} << 20);
  if (least > memory_bytes)
    return make_error(ErrorCode::needs_decision,
                      "--memory: expected at least {} MiB for chunks of {} MiB, found {} MiB",
                      ((least + other_bytes) >> 20) + 1, chunk >> 20, run.memory_bytes >> 20)
        .with_hint(fmt::format("use --memory {}MiB", ((least + other_bytes) >> 20) + 1));
  return ChunkWalk(
      volume, scale, run,
      static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(run.threads), memory_bytes / least)));
}

Result<void> ChunkWalk::run(std::string_view stage,
                            const std::function<Result<bool>(int worker, const BlockView& chunk)>& work) {
  const ScaleInfo& info = volume_.info().scales[scale_];
  const GridVec grid = info.grid_shape();
  const Index count = grid.product();
  std::atomic<Index> next = 0;
  std::mutex mutex;  // guards error, done and on_progress
  std::optional<Error> error;
  std::uint64_t done = 0;
  const auto run_worker = [&](int worker) -> Result<void> {
    for (Index number = next++; number < count; number = next++) {
      if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      const GridVec cell = cell_of_number(number, grid);
      Block chunk(volume_.info().type, info.chunk_box(cell), volume_.info().channels);
      NGFORGE_TRY(const bool is_stored, volume_.read_chunk(scale_, cell, chunk.view()));
      if (is_stored) {
        NGFORGE_TRY(const bool goes_on, work(worker, std::as_const(chunk).view()));
        if (!goes_on) next = count;
      }
      const std::lock_guard lock(mutex);
      if (run_.on_progress) run_.on_progress({std::string(stage), ++done, static_cast<std::uint64_t>(count), "chunks"});
    }
    return {};
  };
  {
    ThreadPool pool(threads_);
    for (int t = 0; t < threads_; ++t)
      pool.submit([&](int worker) {
        Result<void> result;
        try {
          result = run_worker(worker);
        } catch (const std::bad_alloc&) {
          result = make_error(ErrorCode::internal, "the machine has no memory left");
        }
        if (result) return;
        next = count;
        const std::lock_guard lock(mutex);
        if (!error) error = std::move(result).error();
      });
  }
  if (error) return std::move(*error);
  return {};
}

}  // namespace ngforge
