// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ngforge {

struct Candidate {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t stamp;  // the sum of both vertices' stamps: of another sum, the candidate is out of date
  std::uint32_t next;
};

/// Candidates by the logarithm of their cost, four classes to the octave; first in, first out within a class, which
/// spreads collapses of equal cost over the surface.
class CandidateQueue {
 public:
  void start(float greatest_cost) {
    lists_.fill({kNone, kNone});
    pool_.clear();
    free_ = kNone;
    lowest_ = kClasses;
    top_ = class_of_bits(greatest_cost);
  }

  void push(float cost, std::uint32_t a, std::uint32_t b, std::uint32_t stamp) {
    const std::uint32_t bits = class_of_bits(cost);
    const std::size_t index =
        bits + kClasses > top_ ? std::min<std::size_t>(bits + kClasses - 1 - top_, kClasses - 1) : 0;
    std::uint32_t entry = free_;
    if (entry == kNone) {
      entry = static_cast<std::uint32_t>(pool_.size());
      pool_.emplace_back();
    } else {
      free_ = pool_[entry].next;
    }
    pool_[entry] = {a, b, stamp, kNone};
    List& list = lists_[index];
    if (list.first == kNone) {
      list.first = entry;
    } else {
      pool_[list.last].next = entry;
    }
    list.last = entry;
    lowest_ = std::min(lowest_, index);
  }

  bool pop(Candidate& candidate) {
    while (lowest_ < kClasses && lists_[lowest_].first == kNone) ++lowest_;
    if (lowest_ == kClasses) return false;
    List& list = lists_[lowest_];
    const std::uint32_t entry = list.first;
    candidate = pool_[entry];
    list.first = candidate.next;
    pool_[entry].next = free_;
    free_ = entry;
    return true;
  }

  /// What pop() would most likely give next; nothing if that is not known at once.
  const Candidate* peek() const {
    if (lowest_ == kClasses || lists_[lowest_].first == kNone) return nullptr;
    return &pool_[lists_[lowest_].first];
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct List {
    std::uint32_t first;
    std::uint32_t last;
  };
  static constexpr std::size_t kClasses = 96;

  static std::uint32_t class_of_bits(float cost) { return std::bit_cast<std::uint32_t>(cost) >> 21; }

  std::array<List, kClasses> lists_;
  std::vector<Candidate> pool_;
  std::uint32_t free_ = kNone;
  std::size_t lowest_ = kClasses;
  std::uint32_t top_ = 0;
};

}  // namespace ngforge
