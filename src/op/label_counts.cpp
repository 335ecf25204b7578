// SPDX-License-Identifier: Apache-2.0
#include "op/label_counts.h"

#include <algorithm>
#include <type_traits>

namespace ngforge {
namespace {

using Count = LabelCounts::Count;

// Sorts, and makes one of all that have the same label.
void unite(std::vector<Count>& counts) {
  std::ranges::sort(counts, {}, &Count::label);
  std::size_t kept = 0;
  for (const Count& count : counts) {
    if (kept > 0 && counts[kept - 1].label == count.label)
      counts[kept - 1].voxels += count.voxels;
    else
      counts[kept++] = count;
  }
  counts.resize(kept);
}

template <class T>
std::vector<Count> count_runs(const BlockView& chunk) {
  constexpr std::size_t kMany = 1 << 14;
  std::vector<Count> runs;
  std::size_t united = 0;
  for (Index c = 0; c < chunk.channels; ++c)
    for (Index z = chunk.box.begin.z; z < chunk.box.end.z; ++z)
      for (Index y = chunk.box.begin.y; y < chunk.box.end.y; ++y) {
        const auto* row = reinterpret_cast<const T*>(chunk.row(y, z, c));
        for (Index x = 0; x < chunk.size().x; ++x) {
          const auto label = static_cast<std::uint64_t>(row[x]);
          if (runs.size() > united && runs.back().label == label)
            ++runs.back().voxels;
          else
            runs.push_back({label, 1});
        }
        if (runs.size() < united + kMany) continue;
        unite(runs);
        united = runs.size();
      }
  unite(runs);
  return runs;
}

}  // namespace

void LabelCounts::add(const BlockView& chunk) {
  visit_type(chunk.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      const std::vector<Count> runs = count_runs<T>(chunk);
      const std::lock_guard lock(mutex_);
      if (!is_complete_) return;
      pending_.insert(pending_.end(), runs.begin(), runs.end());
      constexpr std::size_t kLeast = 1 << 14;
      if (pending_.size() > std::max(kLeast, counts_.size())) merge();
    }
  });
}

void LabelCounts::merge() {
  counts_.insert(counts_.end(), pending_.begin(), pending_.end());
  pending_.clear();
  unite(counts_);
  if (2 * sizeof(Count) * counts_.size() <= memory_bytes_) return;
  is_complete_ = false;
  counts_ = {};
  pending_ = {};
}

bool LabelCounts::is_complete() const {
  const std::lock_guard lock(mutex_);
  return is_complete_;
}

std::vector<Count> LabelCounts::take() {
  const std::lock_guard lock(mutex_);
  merge();
  return std::move(counts_);
}

}  // namespace ngforge
