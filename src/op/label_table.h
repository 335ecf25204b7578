// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ngforge/types.h"

namespace ngforge {

/// What there is of one label: voxels, and the box around them.
struct LabelMeasure {
  std::uint64_t id = 0, voxels = 0;
  VoxelVec begin, end;

  void add(const LabelMeasure& other) {
    if (voxels == 0) {
      begin = other.begin;
      end = other.end;
    } else {
      for (int a = 0; a < 3; ++a) {
        begin[a] = std::min(begin[a], other.begin[a]);
        end[a] = std::max(end[a], other.end[a]);
      }
    }
    voxels += other.voxels;
  }
};

/// Measures by label, in an open hash table that is at most half full. Not thread-safe.
class LabelTable {
 public:
  std::size_t size() const { return size_; }
  /// The measure of a label, of no voxels when it is new: the caller adds to it at once. Valid until the next call.
  LabelMeasure& operator[](std::uint64_t id) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    LabelMeasure& slot = slots_[find(id)];
    if (slot.voxels == 0) {
      slot.id = id;
      ++size_;
    }
    return slot;
  }
  /// In an order that depends on how it was filled.
  template <class Function>
  void for_each(const Function& function) const {
    for (const LabelMeasure& slot : slots_)
      if (slot.voxels > 0) function(slot);
  }
  /// Keeps its memory.
  void clear() {
    std::fill(slots_.begin(), slots_.end(), LabelMeasure());
    size_ = 0;
  }
  static std::uint64_t hash(std::uint64_t id) {
    id *= 0x9E3779B97F4A7C15u;
    return id ^ (id >> 32);
  }

 private:
  std::size_t find(std::uint64_t id) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash(id) & mask;
    while (slots_[at].voxels > 0 && slots_[at].id != id) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<LabelMeasure> old(std::max<std::size_t>(64, 2 * slots_.size()));
    old.swap(slots_);
    for (const LabelMeasure& slot : old)
      if (slot.voxels > 0) slots_[find(slot.id)] = slot;
  }

  std::vector<LabelMeasure> slots_;  // a power of two of them; no voxels: free
  std::size_t size_ = 0;
};

}  // namespace ngforge
