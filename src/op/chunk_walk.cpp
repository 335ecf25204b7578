// SPDX-License-Identifier: Apache-2.0
#include "op/chunk_walk.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "ngforge/text.h"
#include "op/for_each_item.h"
#include "op/stored_chunks.h"

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
    return make_error(ErrorCode::needs_decision, "--memory: expected at least {} MiB for chunks of {}, found {} MiB",
                      ((least + other_bytes) >> 20) + 1, bytes_text(chunk), run.memory_bytes >> 20)
        .with_hint(fmt::format("use --memory {}MiB", ((least + other_bytes) >> 20) + 1));
  return ChunkWalk(
      volume, scale, run,
      static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(run.threads), memory_bytes / least)));
}

Result<void> ChunkWalk::run(std::string_view stage,
                            const std::function<Result<bool>(int worker, const BlockView& chunk)>& work) {
  const ScaleInfo& info = volume_.info().scales[scale_];
  const GridVec grid = info.grid_shape();
  const auto count = static_cast<std::size_t>(grid.product());
  std::atomic<bool> is_over = false;
  std::mutex mutex;  // guards done and on_progress
  std::uint64_t done = 0;
  return for_each_item(threads_, count, run_.stop, [&](int worker, std::size_t number) -> Result<void> {
    if (is_over) return {};
    const GridVec cell = cell_of_number(static_cast<Index>(number), grid);
    Block chunk(volume_.info().type, info.chunk_box(cell), volume_.info().channels);
    NGFORGE_TRY(const bool is_stored, volume_.read_chunk(scale_, cell, chunk.view()));
    if (is_stored) {
      NGFORGE_TRY(const bool goes_on, work(worker, std::as_const(chunk).view()));
      if (!goes_on) is_over = true;
    }
    const std::lock_guard lock(mutex);
    if (run_.on_progress) run_.on_progress({std::string(stage), ++done, count, "chunks"});
    return {};
  });
}

}  // namespace ngforge
