// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/block.h"

namespace ngforge {

/// The labels of a volume and how many voxels each has, gathered from chunks in any order. Thread-safe. Takes some 32
/// bytes for each label.
class LabelCounts {
 public:
  struct Count {
    std::uint64_t label = 0, voxels = 0;
    friend bool operator==(const Count&, const Count&) = default;
  };

  /// Labels that would take more than `memory_bytes` are given up: is_complete() says so.
  explicit LabelCounts(std::uint64_t memory_bytes) : memory_bytes_(memory_bytes) {}

  /// Counts the voxels of a chunk of integers, background too. Throws std::bad_alloc.
  void add(const BlockView& chunk);
  bool is_complete() const;
  /// By ascending label; empty unless is_complete().
  std::vector<Count> take();

 private:
  void merge();

  const std::uint64_t memory_bytes_;
  mutable std::mutex mutex_;    // guards all below
  std::vector<Count> counts_;   // ascending
  std::vector<Count> pending_;  // of labels in any order
  bool is_complete_ = true;
};

}  // namespace ngforge
