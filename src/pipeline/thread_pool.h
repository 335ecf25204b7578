// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ngforge {

/// Runs tasks in the order they were submitted on a fixed number of threads. Tasks must not throw and must not wait for
/// tasks that were submitted after them. The destructor runs what is queued, then joins.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  int size() const { return static_cast<int>(threads_.size()); }
  /// Queues a task and returns at once. `worker` (0 .. size()-1) is given to the task, so that it can own scratch
  /// space.
  void submit(std::function<void(int worker)> task);
  /// Waits until nothing is queued or running.
  void wait_idle();

 private:
  void work(int worker);

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::function<void(int)>> queue_;
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ngforge
