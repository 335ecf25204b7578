// SPDX-License-Identifier: Apache-2.0
#include "pipeline/thread_pool.h"

#include <new>
#include <system_error>
#include <utility>

namespace ngforge {

ThreadPool::ThreadPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {  // no room for another stack, or a limit of the system
    if (threads_.empty()) throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
    if (threads_.empty()) throw;
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void ThreadPool::submit(std::function<void(int)> task) {
  submit_each(1, [task = std::move(task)](int worker, Index) { task(worker); });
}

void ThreadPool::submit_each(Index count, std::function<void(int, Index)> task) {
  if (count <= 0) return;
  auto batch = std::make_shared<Batch>(Batch{std::move(task), count, 0});
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(batch));
  }
  if (count == 1)
    wake_.notify_one();
  else
    wake_.notify_all();
}

void ThreadPool::submit_next(std::function<void(int)> task) {
  const auto begin = [task = std::move(task)](int worker, Index) { task(worker); };
  auto batch = std::make_shared<Batch>(Batch{begin, 1, 0});
  {
    std::lock_guard lock(mutex_);
    queue_.push_front(std::move(batch));
  }
  wake_.notify_one();
}

void ThreadPool::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

void ThreadPool::work(int worker) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::shared_ptr<Batch> batch = queue_.front();
    const Index item = batch->next++;
    if (batch->next == batch->count) queue_.pop_front();
    ++running_;
    lock.unlock();
    batch->task(worker, item);
    batch.reset();  // what the tasks own is freed before the last of them counts as done
    lock.lock();
    if (--running_ == 0 && queue_.empty()) idle_.notify_all();
  }
}

}  // namespace ngforge
