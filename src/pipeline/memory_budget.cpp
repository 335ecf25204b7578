// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_budget.h"

#include <utility>

namespace ngforge {

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = other.bytes_;
  }
  return *this;
}

void Lease::release() {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->give_back(bytes_);
}

std::uint64_t MemoryBudget::in_use() const {
  std::lock_guard lock(mutex_);
  return used_;
}

Result<Lease> MemoryBudget::acquire(std::uint64_t bytes, std::stop_token stop) {
  if (bytes > total_)
    return make_error(ErrorCode::needs_decision, "--memory: expected at least {} bytes, found {}", bytes, total_);
  std::unique_lock lock(mutex_);
  if (!freed_.wait(lock, stop, [&] { return used_ + bytes <= total_; }))
    return make_error(ErrorCode::cancelled, "interrupted");
  used_ += bytes;
  return Lease(this, bytes);
}

Lease MemoryBudget::try_acquire(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (used_ + bytes > total_) return {};
  used_ += bytes;
  return Lease(this, bytes);
}

void MemoryBudget::give_back(std::uint64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    used_ -= bytes;
  }
  freed_.notify_all();
}

}  // namespace ngforge
