// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ngforge {

/// Threads for work that blocks. Work is put into lanes, and no more than `width` of one lane runs at a time: a lane
/// whose work waits for ever (a pipe that stays silent) keeps no other from going on. Threads are started when they are
/// needed and shared by all lanes.
///
/// Thread-safe. Lanes live as long as the object: their names must be few.
class Lanes {
 public:
  struct Job {
    std::function<void()> work;       // must not throw
    std::function<void()> drop;       // called instead when nobody wants the work any more; must not block
    std::function<bool()> is_wanted;  // asked of work that had to wait, before it is begun; must not block
  };

  /// `most_waiting`: jobs of one lane that wait, beyond those that run.
  Lanes(int width, std::size_t most_waiting) : width_(width), most_waiting_(most_waiting) {}
  /// Neither runs nor drops what waits; what runs ends first.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// False when no more may wait in this lane, even after those that nobody wants were dropped.
  bool has_room(const std::string& lane);
  /// Has the job done when its turn has come; never refuses.
  void submit(const std::string& lane, Job job);
  /// Drops what waits and is not wanted any more, in all lanes.
  void drop_unwanted();

 private:
  struct Lane {
    std::deque<Job> waiting;
    int running = 0;  // and about to
  };

  void start_one(Lane& lane);
  void work();
  static void take_unwanted(Lane& lane, std::vector<Job>& unwanted);

  const int width_;
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Lane> lanes_;
  std::deque<Lane*> ready_;  // a lane once for each of its jobs that may begin
  std::size_t idle_threads_ = 0;
  bool is_ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace ngforge
