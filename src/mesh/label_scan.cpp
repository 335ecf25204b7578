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

template <class T>
std::uint64_t count_crossings(const BlockView& block) {
  const Box& box = block.box;
  const Index width = box.size().x;
  std::uint64_t crossings = 0;
  for (Index z = box.begin.z; z < box.end.z; ++z)
    for (Index y = box.begin.y; y < box.end.y; ++y) {
      const T* row = row_of<T>(block, y, z);
      crossings += differences(row, row + 1, width - 1);
      if (y + 1 < box.end.y) crossings += differences(row, row_of<T>(block, y + 1, z), width);
      if (z + 1 < box.end.z) crossings += differences(row, row_of<T>(block, y, z + 1), width);
    }
  return crossings;
}

// What a label has in the block, and in the part that is counted.
struct Voxels {
  std::uint64_t all = 0, counted = 0;
};

template <class T>
void count_voxels(const BlockView& block, const Box& counted, LabelScan& scan) {
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
        if (label == 0) continue;
        Voxels& of = voxels[label];
        of.all += static_cast<std::uint64_t>(x - first);
        const Index from = std::max(first, counted.begin.x), to = std::min(x, counted.end.x);
        if (is_counted && from < to) of.counted += static_cast<std::uint64_t>(to - from);
      }
    }
  for (const auto& [label, of] : voxels) {
    scan.most_voxels = std::max(scan.most_voxels, of.all);
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
  scan.counts.clear();
  scan.most_voxels = scan.crossings = 0;
  visit_type(block.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_unsigned_v<T>) {
      if (label == static_cast<T>(label)) scan_one<T>(block, static_cast<T>(label), scan);
    }
  });
  if (scan.most_voxels > 0) scan.counts.push_back({label, scan.most_voxels});
}

void scan_labels(const BlockView& block, const Box& counted, LabelScan& scan) {
  scan.counts.clear();
  scan.most_voxels = scan.crossings = 0;
  visit_type(block.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_unsigned_v<T>) {
      scan.crossings = count_crossings<T>(block);
      count_voxels<T>(block, counted, scan);
    }
  });
}

}  // namespace ngforge
