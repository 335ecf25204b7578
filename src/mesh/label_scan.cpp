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

template <class T>
void count_voxels(const BlockView& block, const Box& counted, std::vector<LabelScan::Count>& counts) {
  std::unordered_map<T, std::uint64_t> voxels;
  for (Index z = counted.begin.z; z < counted.end.z; ++z)
    for (Index y = counted.begin.y; y < counted.end.y; ++y) {
      const T* row = row_of<T>(block, y, z) - block.box.begin.x;
      // Labels come in runs.
      for (Index x = counted.begin.x; x < counted.end.x;) {
        const Index first = x;
        const T label = row[x];
        do ++x;
        while (x < counted.end.x && row[x] == label);
        if (label != 0) voxels[label] += static_cast<std::uint64_t>(x - first);
      }
    }
  counts.clear();
  counts.reserve(voxels.size());
  for (const auto& [label, count] : voxels) counts.push_back({label, count});
  std::ranges::sort(counts, {}, &LabelScan::Count::label);
}

}  // namespace

void scan_labels(const BlockView& block, const Box& counted, LabelScan& scan) {
  scan.counts.clear();
  scan.crossings = 0;
  visit_type(block.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_unsigned_v<T>) {
      scan.crossings = count_crossings<T>(block);
      count_voxels<T>(block, counted, scan.counts);
    }
  });
}

}  // namespace ngforge
