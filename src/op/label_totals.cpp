// SPDX-License-Identifier: Apache-2.0
#include "op/label_totals.h"

#include <utility>

namespace ngforge {
namespace {

// Sorts, and makes one of all that are of the same label.
template <class Total>
void unite(std::vector<Total>& totals) {
  std::ranges::sort(totals, {}, &Total::label);
  std::size_t kept = 0;
  for (const Total& total : totals) {
    if (kept > 0 && totals[kept - 1].label == total.label)
      totals[kept - 1].add(total);
    else
      totals[kept++] = total;
  }
  totals.resize(kept);
}

}  // namespace

void LabelMeasure::add(const LabelMeasure& other) {
  for (int a = 0; a < 3; ++a) {
    begin[a] = std::min(begin[a], other.begin[a]);
    end[a] = std::max(end[a], other.end[a]);
  }
  voxels += other.voxels;
}

/// Totals of one chunk by label, in an open hash table that is at most half full.
template <class Total>
class LabelTotals<Total>::Table {
 public:
  std::size_t size() const { return size_; }
  void add(const Total& total) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Total& slot = slots_[find(total.label)];
    if (slot.voxels > 0) return slot.add(total);
    slot = total;
    ++size_;
  }
  void append_to(std::vector<Total>& list) const {
    for (const Total& slot : slots_)
      if (slot.voxels > 0) list.push_back(slot);
  }
  /// Keeps its memory.
  void clear() {
    std::fill(slots_.begin(), slots_.end(), Total());
    size_ = 0;
  }

 private:
  std::size_t find(std::uint64_t label) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = label * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots_[at].voxels > 0 && slots_[at].label != label) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Total> old(std::max<std::size_t>(64, 2 * slots_.size()));
    old.swap(slots_);
    for (const Total& slot : old)
      if (slot.voxels > 0) slots_[find(slot.label)] = slot;
  }

  std::vector<Total> slots_;  // a power of two of them; no voxels: free
  std::size_t size_ = 0;
};

template <class Total>
void LabelTotals<Total>::add(const BlockView& chunk) {
  Table table;
  for_each_run(chunk, [&](const LabelRun& run) {
    if (table.size() == kOwnLabels) put(table);
    table.add(Total(run));
  });
  put(table);
}

template <class Total>
void LabelTotals<Total>::put(Table& table) {
  {
    const std::lock_guard lock(mutex_);
    if (is_complete_) table.append_to(pending_);
    constexpr std::size_t kLeast = 1 << 14;
    if (pending_.size() > std::max(kLeast, totals_.size())) merge();
  }
  table.clear();
}

template <class Total>
void LabelTotals<Total>::merge() {
  totals_.insert(totals_.end(), pending_.begin(), pending_.end());
  pending_.clear();
  unite(totals_);
  if (totals_.size() <= most_labels_) return;
  is_complete_ = false;
  totals_ = {};
  pending_ = {};
}

template <class Total>
bool LabelTotals<Total>::is_complete() const {
  const std::lock_guard lock(mutex_);
  return is_complete_;
}

template <class Total>
std::vector<Total> LabelTotals<Total>::take() {
  const std::lock_guard lock(mutex_);
  merge();
  return std::move(totals_);
}

template class LabelTotals<LabelCount>;
template class LabelTotals<LabelMeasure>;

}  // namespace ngforge
