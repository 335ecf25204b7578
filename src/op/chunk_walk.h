// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/op.h"
#include "source/precomputed.h"

namespace ngforge {

/// Decodes all chunks of a scale that are stored, each once, in any order and on several threads.
class ChunkWalk {
 public:
  /// `memory_bytes`: what the walk itself may hold; `run` with its defaults. Errors: needs_decision (not even one
  /// thread has room; `other_bytes`: how much of --memory is not for the walk).
  static Result<ChunkWalk> plan(const PrecomputedVolume& volume, std::size_t scale, const RunOptions& run,
                                std::uint64_t memory_bytes, std::uint64_t other_bytes);

  int threads() const { return threads_; }
  /// `work(worker, chunk)` is called from several threads, with a worker's number below threads(); it returns false to
  /// end the walk, which is no error. Errors: those of `work` and of PrecomputedVolume::read_chunk, cancelled; the
  /// first one ends the walk.
  Result<void> run(std::string_view stage, const std::function<Result<bool>(int worker, const BlockView& chunk)>& work);

 private:
  ChunkWalk(const PrecomputedVolume& volume, std::size_t scale, const RunOptions& run, int threads)
      : volume_(volume), scale_(scale), run_(run), threads_(threads) {}

  const PrecomputedVolume& volume_;
  const std::size_t scale_;
  const RunOptions& run_;
  const int threads_;
};

}  // namespace ngforge
