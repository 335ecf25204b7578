// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <utility>

#include "ngforge/error.h"
#include "pipeline/thread_pool.h"

namespace ngforge {

/// Calls `work(worker, item)`, which returns Result<void>, for the items 0 .. count-1 on so many threads, in about this
/// order; workers are numbered from 0. The first error ends it and is returned; cancelled when a stop is asked for.
template <class Work>
Result<void> for_each_item(int threads, std::size_t count, const std::stop_token& stop, const Work& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards error
  std::optional<Error> error;
  const auto run_worker = [&](int worker) -> Result<void> {
    for (std::size_t item = next++; item < count; item = next++) {
      if (stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      NGFORGE_CHECK(work(worker, item));
    }
    return {};
  };
  {
    ThreadPool pool(threads);
    for (int t = 0; t < threads; ++t)
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
