// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ngforge/types.h"

namespace ngforge {

/// Runs tasks in the order they were submitted, but for submit_next(), on a fixed number of threads. Tasks must not
/// throw and must not wait for tasks that were submitted after them. The destructor runs what is queued, then joins.
class ThreadPool {
 public:
  /// Makes do with fewer threads where the system gives no more. Throws std::bad_alloc when it gives none at all.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  /// The threads that there are.
  int size() const { return static_cast<int>(threads_.size()); }
  /// Queues a task and returns at once. `worker` (0 .. size()-1) is given to the task, so that it can own scratch
  /// space. Throws std::bad_alloc; nothing is then queued.
  void submit(std::function<void(int worker)> task);
  /// The same for `count` tasks that differ by a number, 0 .. count-1: they take the place of one in the queue.
  void submit_each(Index count, std::function<void(int worker, Index item)> task);
  /// Queues a task before all others: for what goes on from a task that runs. Throws std::bad_alloc; nothing is then
  /// queued.
  void submit_next(std::function<void(int worker)> task);
  /// Waits until nothing is queued or running.
  void wait_idle();

 private:
  struct Batch {
    std::function<void(int, Index)> task;
    Index count = 0, next = 0;
  };
  void work(int worker);

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::shared_ptr<Batch>> queue_;  // each has a task that has not begun
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ngforge
