// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

/// For tests: replaces the program's `operator new` by one that can be told to fail once. Include it in one file of a
/// test program.
namespace ngforge::failing_new {

inline std::atomic<std::int64_t> countdown = std::numeric_limits<std::int64_t>::max();

/// Lets `count` more allocations succeed, of all threads; the one after them throws std::bad_alloc, and only that one.
inline void fail_after(std::int64_t count) {
  countdown = count;
}
/// Lets all allocations succeed; true when one has failed since fail_after().
inline bool stop_failing() {
  return countdown.exchange(std::numeric_limits<std::int64_t>::max()) < 0;
}
inline void* allocate(std::size_t size, std::size_t alignment) {
  if (countdown.fetch_sub(1) == 0) throw std::bad_alloc();
  void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace ngforge::failing_new

void* operator new(std::size_t size) {
  return ngforge::failing_new::allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return ngforge::failing_new::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
