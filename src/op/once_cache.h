// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "ngforge/error.h"

namespace ngforge {

/// Values that are made when first asked for: once, however many threads ask at the same time, and kept within a
/// budget. What is given up first: values of the lowest rank, and among them the one that was used least recently. A
/// value that was given up lives on for those who hold it. Failures are told to all who wait, and not kept.
///
/// Thread-safe. A make function may ask for other keys as long as the keys do not ask for each other in a circle.
template <class Key, class Value>
class OnceCache {
 public:
  using Pointer = std::shared_ptr<const Value>;

  /// `rank_0_bytes`: what values of rank 0 may take of the budget, where they are not worth keeping all.
  explicit OnceCache(std::uint64_t budget_bytes, std::uint64_t rank_0_bytes = ~std::uint64_t{0})
      : budget_bytes_(budget_bytes), rank_0_bytes_(rank_0_bytes) {}

  /// The value if it is there now.
  Pointer find(const Key& key) {
    const std::lock_guard lock(mutex_);
    return find_locked(key);
  }

  /// Whether the value is there now. Does not count as a use.
  bool has(const Key& key) const {
    const std::lock_guard lock(mutex_);
    return places_.contains(key);
  }

  /// The value, made by `make()` -> Result<Pointer> when it is not there. `rank` must be the same for each call with a
  /// key; `bytes_of(value)` is what it takes of the budget.
  template <class Make, class BytesOf>
  Result<Pointer> get(const Key& key, int rank, const Make& make, const BytesOf& bytes_of) {
    std::unique_lock lock(mutex_);
    if (Pointer value = find_locked(key)) return value;
    if (const auto found = flights_.find(key); found != flights_.end()) {
      const std::shared_ptr<Flight> flight = found->second;
      landed_.wait(lock, [&] { return flight->result.has_value(); });
      return *flight->result;
    }
    const auto flight = std::make_shared<Flight>();
    flights_.emplace(key, flight);
    lock.unlock();
    Result<Pointer> result = make_or_fail(make);
    lock.lock();
    flights_.erase(key);
    flight->result = result;
    landed_.notify_all();
    if (result) keep(key, rank, *result, bytes_of(**result));
    return result;
  }

  std::uint64_t bytes_used() const {
    const std::lock_guard lock(mutex_);
    return used_bytes_;
  }

 private:
  struct Flight {
    std::optional<Result<Pointer>> result;
  };
  struct Entry {
    Key key;
    Pointer value;
    std::uint64_t bytes = 0;
    int rank = 0;
  };
  using Entries = std::list<Entry>;  // most recently used first

  template <class Make>
  static Result<Pointer> make_or_fail(const Make& make) {
    try {
      return make();
    } catch (const std::bad_alloc&) {
      return make_error(ErrorCode::internal, "the machine has no memory left");
    } catch (const std::exception& error) {
      return make_error(ErrorCode::internal, "unexpected: {}", error.what());
    }
  }

  Pointer find_locked(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    Entries& entries = ranks_[found->second->rank];
    entries.splice(entries.begin(), entries, found->second);
    return found->second->value;
  }

  void keep(const Key& key, int rank, const Pointer& value, std::uint64_t bytes) {
    Entries& entries = ranks_[rank];
    entries.push_front({key, value, bytes, rank});
    places_[key] = entries.begin();
    used_bytes_ += bytes;
    if (rank == 0) used_rank_0_bytes_ += bytes;
    while (used_rank_0_bytes_ > rank_0_bytes_) give_up_last(ranks_[0]);
    for (auto& [lowest, candidates] : ranks_) {
      while (used_bytes_ > budget_bytes_ && !candidates.empty()) give_up_last(candidates);
    }
  }

  void give_up_last(Entries& entries) {
    const Entry& last = entries.back();
    used_bytes_ -= last.bytes;
    if (last.rank == 0) used_rank_0_bytes_ -= last.bytes;
    places_.erase(last.key);
    entries.pop_back();
  }

  const std::uint64_t budget_bytes_, rank_0_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable landed_;
  std::uint64_t used_bytes_ = 0, used_rank_0_bytes_ = 0;
  std::map<Key, std::shared_ptr<Flight>> flights_;
  std::map<int, Entries> ranks_;
  std::map<Key, typename Entries::iterator> places_;
};

}  // namespace ngforge
