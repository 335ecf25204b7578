// SPDX-License-Identifier: Apache-2.0
#include "mesh/label_scan.h"

#include <algorithm>
#include <unordered_map>

namespace ngforge {
namespace {

template <class T>
const T* row_of(const BlockView& block, Index y, Index z) {
  return reinterpret_cast<const T*>(block.row(y, z, 0));
}

template <class T>
std::uint64_t differences(const T* a, const T* b, Index count) {
  std::uint64_t different = 0;
  for (Index i = 0; i < count; ++i) different += a[i] != b[i];
  return different;
}

// What a label has in the block, and in the part that is counted.
struct Voxels {
  std::uint64_t all = 0, counted = 0;
  std::uint64_t crossings = 0;
};

// A piece of a row with one label.
struct Run {
  Index begin, end, y, z;
};

// The pairs that voxels of a run make with the next ones along each axis.
template <class T>
std::uint64_t count_exits(const BlockView& block, const Run& run) {
  const Box& box = block.box;
  const Index from = run.begin - box.begin.x, width = run.end - run.begin;
  const T* row = row_of<T>(block, run.y, run.z) + from;
  std::uint64_t exits = run.end < box.end.x ? 1 : 0;
  if (run.y + 1 < box.end.y) exits += differences(row, row_of<T>(block, run.y + 1, run.z) + from, width);
  if (run.z + 1 < box.end.z) exits += differences(row, row_of<T>(block, run.y, run.z + 1) + from, width);
  return exits;
}

// Sides of a run's voxels in the block's upper faces, less those in its lower ones. A line that leaves a label has
// entered it before, unless it begins there; so this is what a label's entries have more than its exits.
std::uint64_t entries_more(const Box& box, const Run& run) {
  const auto width = static_cast<std::uint64_t>(run.end - run.begin);
  std::uint64_t more = 0;  // modulo 2^64: sums of it are not negative with the exits
  more += (run.end == box.end.x ? 1 : 0) - (run.begin == box.begin.x ? 1 : 0);
  more += (run.y + 1 == box.end.y ? width : 0) - (run.y == box.begin.y ? width : 0);
  more += (run.z + 1 == box.end.z ? width : 0) - (run.z == box.begin.z ? width : 0);
  return more;
}

template <class T>
void count(const BlockView& block, const Box& counted, LabelScan& scan) {
  const Box& box = block.box;
  std::unordered_map<T, Voxels> voxels;
  for (Index z = box.begin.z; z < box.end.z; ++z)
    for (Index y = box.begin.y; y < box.end.y; ++y) {
      const bool is_counted = counted.contains(VoxelVec{counted.begin.x, y, z});
      const T* row = row_of<T>(block, y, z) - box.begin.x;
      // Labels come in runs.
      for (Index x = box.begin.x; x < box.end.x;) {
        const Index first = x;
        const T label = row[x];
        do ++x;
        while (x < box.end.x && row[x] == label);
        const Run run{first, x, y, z};
        const std::uint64_t exits = count_exits<T>(block, run);
        scan.crossings += exits;
        if (label == 0) continue;
        Voxels& of = voxels[label];
        of.all += static_cast<std::uint64_t>(x - first);
        of.crossings += 2 * exits + entries_more(box, run);
        const Index from = std::max(first, counted.begin.x), to = std::min(x, counted.end.x);
        if (is_counted && from < to) of.counted += static_cast<std::uint64_t>(to - from);
      }
    }
  for (const auto& [label, of] : voxels) {
    scan.most_voxels = std::max(scan.most_voxels, of.all);
    scan.most_crossings = std::max(scan.most_crossings, of.crossings);
    if (of.counted > 0) scan.counts.push_back({label, of.counted});
  }
  std::ranges::sort(scan.counts, {}, &LabelScan::Count::label);
}

template <class T>
std::uint64_t crossings_of(const T* a, const T* b, Index count, T label) {
  std::uint64_t crossings = 0;
  for (Index i = 0; i < count; ++i) crossings += (a[i] == label) != (b[i] == label);
  return crossings;
}

template <class T>
void scan_one(const BlockView& block, T label, LabelScan& scan) {
  const Box& box = block.box;
  const Index width = box.size().x;
  for (Index z = box.begin.z; z < box.end.z; ++z)
    for (Index y = box.begin.y; y < box.end.y; ++y) {
      const T* row = row_of<T>(block, y, z);
      for (Index i = 0; i < width; ++i) scan.most_voxels += row[i] == label;
      scan.crossings += crossings_of(row, row + 1, width - 1, label);
      if (y + 1 < box.end.y) scan.crossings += crossings_of(row, row_of<T>(block, y + 1, z), width, label);
      if (z + 1 < box.end.z) scan.crossings += crossings_of(row, row_of<T>(block, y, z + 1), width, label);
    }
}

}  // namespace

void scan_label(const BlockView& block, std::uint64_t label, LabelScan& scan) {
  scan.clear();
  visit_type(block.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_unsigned_v<T>) {
      if (label == static_cast<T>(label)) scan_one<T>(block, static_cast<T>(label), scan);
    }
  });
  scan.most_crossings = scan.crossings;
  if (scan.most_voxels > 0) scan.counts.push_back({label, scan.most_voxels});
}

void scan_labels(const BlockView& block, const Box& counted, LabelScan& scan) {
  scan.clear();
  visit_type(block.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_unsigned_v<T>) count<T>(block, counted, scan);
  });
}

}  // namespace ngforge
