// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <vector>

#include "core/block.h"
#include "ngforge/types.h"

namespace ngforge {

/// Voxels of one label beside each other along x.
struct LabelRun {
  std::uint64_t label = 0;
  VoxelVec begin;
  Index length = 0;
};

/// Calls visit(LabelRun) for all runs of a chunk of integers, channel by channel; of negative labels too, as 2^64 minus
/// their amount.
template <class Visit>
void for_each_run(const BlockView& chunk, const Visit& visit) {
  visit_type(chunk.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      const Box& box = chunk.box;
      const Index size = box.size().x;
      for (Index c = 0; c < chunk.channels; ++c)
        for (Index z = box.begin.z; z < box.end.z; ++z)
          for (Index y = box.begin.y; y < box.end.y; ++y) {
            const auto* const row = reinterpret_cast<const T*>(chunk.row(y, z, c));
            for (Index begin = 0, end = 0; begin < size; begin = end) {
              for (end = begin + 1; end < size && row[end] == row[begin];) ++end;
              visit(LabelRun{static_cast<std::uint64_t>(row[begin]), {box.begin.x + begin, y, z}, end - begin});
            }
          }
    }
  });
}

/// How many voxels a label has.
struct LabelCount {
  std::uint64_t label = 0, voxels = 0;

  LabelCount() = default;
  LabelCount(std::uint64_t of, std::uint64_t count) : label(of), voxels(count) {}
  explicit LabelCount(const LabelRun& run) : label(run.label), voxels(static_cast<std::uint64_t>(run.length)) {}
  void add(const LabelCount& other) { voxels += other.voxels; }
  friend bool operator==(const LabelCount&, const LabelCount&) = default;
};

/// The same, and the box around them.
struct LabelMeasure {
  std::uint64_t label = 0, voxels = 0;
  VoxelVec begin, end;

  LabelMeasure() = default;
  explicit LabelMeasure(const LabelRun& run)
      : label(run.label),
        voxels(static_cast<std::uint64_t>(run.length)),
        begin(run.begin),
        end(run.begin + VoxelVec{run.length, 1, 1}) {}
  void add(const LabelMeasure& other);
  friend bool operator==(const LabelMeasure&, const LabelMeasure&) = default;
};

/// What there is of each label of a volume, a LabelCount or a LabelMeasure, gathered from chunks in any order.
/// Thread-safe. Takes twice the size of a Total for each label (32 and 128 bytes), and up to kOwnBytes for each thread
/// that adds.
template <class Total>
class LabelTotals {
 public:
  static constexpr std::uint64_t kBytesPerLabel = 2 * sizeof(Total);
  static constexpr std::size_t kOwnLabels = std::size_t{1} << 16;
  static constexpr std::uint64_t kOwnBytes = 2 * kOwnLabels * sizeof(Total);

  /// More labels than `most_labels` are given up: is_complete() says so.
  explicit LabelTotals(std::uint64_t most_labels) : most_labels_(most_labels) {}

  /// Adds the voxels of a chunk of integers, background too. Throws std::bad_alloc.
  void add(const BlockView& chunk);
  bool is_complete() const;
  /// By ascending label; empty unless is_complete().
  std::vector<Total> take();

 private:
  class Table;
  void put(Table& table);
  void merge();

  const std::uint64_t most_labels_;
  mutable std::mutex mutex_;    // guards all below
  std::vector<Total> totals_;   // ascending
  std::vector<Total> pending_;  // of labels in any order
  bool is_complete_ = true;
};

extern template class LabelTotals<LabelCount>;
extern template class LabelTotals<LabelMeasure>;

}  // namespace ngforge
