// SPDX-License-Identifier: Apache-2.0
#include "op/contrast.h"

#include <algorithm>
#include <cmath>

#include "core/block.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

constexpr Index kMaxChunks = 16;
constexpr Index kMaxValues = 1 << 22;
constexpr double kLow = 0.01, kHigh = 0.995;

/// Appends every `step`-th value of a dense block.
template <class T>
void collect(const Block& block, Index step, std::vector<double>& values) {
  const auto* const first = reinterpret_cast<const T*>(block.bytes().data());
  const Index count = block.box().volume() * block.channels();
  for (Index i = 0; i < count; i += step) {
    const auto value = static_cast<double>(first[i]);
    if (value != 0 && std::isfinite(value)) values.push_back(value);
  }
}

/// The smallest value that at least this part of all values does not pass.
double percentile(std::vector<double>& values, double part) {
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(part * static_cast<double>(values.size()))) - 1;
  const auto place = values.begin() + std::max<std::ptrdiff_t>(0, rank);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

std::array<double, 2> contrast_of_values(std::vector<double>& values) {
  if (values.empty()) return {0, 1};
  const double low = percentile(values, kLow), high = percentile(values, kHigh);
  if (low < high) return {low, high};
  return {std::min(low, 0.0), std::max(low, 0.0)};
}

Result<std::array<double, 2>> contrast_of(std::shared_ptr<Store> store) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(std::move(store)));
  const VolumeInfo& info = volume->info();
  const std::size_t coarsest = info.scales.size() - 1;
  const GridVec grid = info.scales[coarsest].grid_shape();
  const Index cells = grid.product(), chunks = std::min(cells, kMaxChunks);
  std::vector<double> values;
  for (Index n = 0; n < chunks; ++n) {
    const Index cell = (2 * n + 1) * cells / (2 * chunks);  // the middles of equal parts
    const GridVec at{cell % grid.x, cell / grid.x % grid.y, cell / grid.x / grid.y};
    Block block(info.type, info.scales[coarsest].chunk_box(at), info.channels);
    NGFORGE_TRY(const bool is_there, volume->read_chunk(coarsest, at, block.view()));
    if (!is_there) continue;
    const Index step = ceil_div(block.box().volume() * info.channels * chunks, kMaxValues);
    visit_type(info.type, [&](auto zero) { collect<decltype(zero)>(block, step, values); });
  }
  return contrast_of_values(values);
}

}  // namespace ngforge
