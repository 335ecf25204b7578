// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "ngforge/error.h"

namespace ngforge {

class MemoryBudget;

/// A part of a MemoryBudget that is given back when the lease ends. Movable.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept : budget_(other.budget_), bytes_(other.bytes_) { other.budget_ = nullptr; }
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { release(); }
  std::uint64_t bytes() const { return budget_ == nullptr ? 0 : bytes_; }
  void release();

 private:
  friend class MemoryBudget;
  Lease(MemoryBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
  MemoryBudget* budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// How many bytes one run may hold at once. Thread-safe; must outlive its leases.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t total_bytes) : total_(total_bytes) {}
  std::uint64_t total() const { return total_; }
  std::uint64_t in_use() const;
  /// Waits until `bytes` are free. Errors: needs_decision when they never can be, cancelled.
  Result<Lease> acquire(std::uint64_t bytes, std::stop_token stop = {});
  /// Takes `bytes` if they are free now; an empty lease (bytes() == 0) if not.
  Lease try_acquire(std::uint64_t bytes);

 private:
  friend class Lease;
  void give_back(std::uint64_t bytes);

  const std::uint64_t total_;
  std::uint64_t used_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
};

}  // namespace ngforge
