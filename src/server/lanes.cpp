// SPDX-License-Identifier: Apache-2.0
#include "server/lanes.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

namespace ngforge {

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

bool Lanes::has_room(const std::string& name) {
  std::vector<Job> unwanted;
  bool has_room = true;
  {
    const std::lock_guard lock(mutex_);
    Lane& lane = lanes_[name];
    if (lane.waiting.size() >= most_waiting_) take_unwanted(lane, unwanted);
    has_room = lane.waiting.size() < most_waiting_;
  }
  for (const Job& job : unwanted) job.drop();
  return has_room;
}

void Lanes::submit(const std::string& name, Job job) {
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_[name];
  // Who has only ended its half of a connection looks like who has left: it is asked for when others wait.
  const bool begins_now = lane.running < width_;
  if (begins_now) job.is_wanted = [] { return true; };
  lane.waiting.push_back(std::move(job));
  if (begins_now) start_one(lane);
}

void Lanes::drop_unwanted() {
  std::vector<Job> unwanted;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, lane] : lanes_) take_unwanted(lane, unwanted);
  }
  for (const Job& job : unwanted) job.drop();
}

void Lanes::take_unwanted(Lane& lane, std::vector<Job>& unwanted) {
  const auto first =
      std::stable_partition(lane.waiting.begin(), lane.waiting.end(), [](const Job& job) { return job.is_wanted(); });
  std::move(first, lane.waiting.end(), std::back_inserter(unwanted));
  lane.waiting.erase(first, lane.waiting.end());
}

// With the mutex held.
void Lanes::start_one(Lane& lane) {
  ++lane.running;
  ready_.push_back(&lane);
  if (ready_.size() > idle_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
      ++idle_threads_;  // counted by whoever starts it, so that the next start does not rely on it
    } catch (const std::system_error&) {
      // The machine has no more threads: those that are there come to it.
      if (threads_.empty()) throw;
    }
  }
  changed_.notify_one();
}

void Lanes::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_ending_ || !ready_.empty(); });
    if (is_ending_) return;
    Lane& lane = *ready_.front();
    ready_.pop_front();
    if (!lane.waiting.empty()) {
      --idle_threads_;
      Job job = std::move(lane.waiting.front());
      lane.waiting.pop_front();
      lock.unlock();
      if (job.is_wanted())
        job.work();
      else
        job.drop();
      job = {};  // what it holds ends outside of the lock
      lock.lock();
      ++idle_threads_;
      if (is_ending_) return;
    }
    --lane.running;
    if (!lane.waiting.empty() && lane.running < width_) start_one(lane);
  }
}

}  // namespace ngforge
