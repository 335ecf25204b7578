// SPDX-License-Identifier: Apache-2.0
#include "pyramid/plan_scales.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace ngforge {
namespace {

constexpr Index kMaxFactor = 64;
constexpr Index kDefaultChunkVoxels = 64 * 64 * 64;
constexpr Index kMaxDefaultChunkBytes = 4 << 20;

/// Longest over shortest, over the axes that count.
double elongation(const std::array<double, 3>& lengths, const std::array<bool, 3>& counts) {
  double shortest = std::numeric_limits<double>::infinity(), longest = 0;
  for (int a = 0; a < 3; ++a) {
    if (!counts[a]) continue;
    shortest = std::min(shortest, lengths[a]);
    longest = std::max(longest, lengths[a]);
  }
  return longest / shortest;
}

bool is_all_ones(const Factor& factor) {
  return factor == Factor{1, 1, 1};
}

/// The size in which an axis that no halving changes any more (it lies on both sides of coordinate 0) counts as one
/// voxel.
VoxelVec halvable_size(const Box& box) {
  VoxelVec size = box.size();
  const Box halved = coarse_box(box, {2, 2, 2});
  for (int a = 0; a < 3; ++a) {
    if (halved.begin[a] == box.begin[a] && halved.end[a] == box.end[a]) size[a] = 1;
  }
  return size;
}

bool fits_one_chunk(const ScaleGeometry& scale) {
  const VoxelVec size = scale.box_vox.size();
  return size.x <= scale.chunk_size_xyz[0] && size.y <= scale.chunk_size_xyz[1] && size.z <= scale.chunk_size_xyz[2];
}

Result<void> check_request(const ScaleRequest& request) {
  if (request.scales.has_value() && *request.scales < 1)
    return make_error(ErrorCode::invalid_argument, "scales: expected at least 1, found {}", *request.scales);
  for (const Factor& f : request.factors) {
    if (std::ranges::any_of(f, [](Index k) { return k < 1 || k > kMaxFactor; }))
      return make_error(ErrorCode::invalid_argument, "factor: expected numbers in 1..{}, found {},{},{}", kMaxFactor,
                        f[0], f[1], f[2]);
    if (is_all_ones(f))
      return make_error(ErrorCode::invalid_argument, "factor: expected a number above 1, found 1,1,1");
  }
  for (const double r : request.resolution_nm) {
    if (!(r > 0) || !std::isfinite(r))
      return make_error(ErrorCode::invalid_argument, "voxel size: expected a positive length, found {} nm", r);
  }
  if (request.chunk_size_xyz.has_value() &&
      std::ranges::any_of(*request.chunk_size_xyz, [](Index side) { return side < 1; }))
    return make_error(ErrorCode::invalid_argument, "chunk size: expected at least 1, found {},{},{}",
                      (*request.chunk_size_xyz)[0], (*request.chunk_size_xyz)[1], (*request.chunk_size_xyz)[2]);
  return {};
}

/// The factor of step `step` (0: from full resolution), or nothing when no further step makes the volume smaller.
std::optional<Factor> next_factor(const ScaleRequest& request, const ScaleGeometry& last, std::size_t step) {
  if (request.factors.empty()) {
    const Factor factor = automatic_factor(last.resolution_nm, halvable_size(last.box_vox));
    if (is_all_ones(factor)) return {};
    return factor;
  }
  const Factor factor = request.factors[std::min(step, request.factors.size() - 1)];
  const bool repeats = step + 1 >= request.factors.size();
  if (repeats && coarse_box(last.box_vox, factor) == last.box_vox) return {};
  return factor;
}

}  // namespace

ScaleGeometry make_scale(const ScaleRequest& request, const Box& box_vox, const std::array<double, 3>& resolution_nm,
                         const Factor& factor) {
  ScaleGeometry scale;
  scale.key = shortest_number(resolution_nm[0]) + '_' + shortest_number(resolution_nm[1]) + '_' +
              shortest_number(resolution_nm[2]);
  scale.box_vox = box_vox;
  scale.resolution_nm = resolution_nm;
  scale.chunk_size_xyz = request.chunk_size_xyz.has_value()
                             ? *request.chunk_size_xyz
                             : default_chunk_size(resolution_nm, request.type, request.channels);
  scale.factor = factor;
  return scale;
}

Result<std::vector<ScaleGeometry>> plan_scales(const ScaleRequest& request) {
  NGFORGE_CHECK(check_request(request));
  std::vector<ScaleGeometry> scales{make_scale(request, request.box_vox, request.resolution_nm, {1, 1, 1})};
  while (true) {
    const ScaleGeometry& last = scales.back();
    const bool is_done =
        request.scales.has_value() ? scales.size() >= static_cast<std::size_t>(*request.scales) : fits_one_chunk(last);
    if (is_done) break;
    const auto factor = next_factor(request, last, scales.size() - 1);
    if (!factor.has_value()) break;
    std::array<double, 3> resolution_nm = last.resolution_nm;
    for (int a = 0; a < 3; ++a) resolution_nm[a] *= static_cast<double>((*factor)[a]);
    scales.push_back(make_scale(request, coarse_box(last.box_vox, *factor), resolution_nm, *factor));
  }
  return scales;
}

std::array<Index, 3> default_chunk_size(const std::array<double, 3>& resolution_nm, DataType type, Index channels) {
  const Index voxel_bytes = std::max<Index>(1, channels * static_cast<Index>(size_of(type)));
  Index voxels = kDefaultChunkVoxels;
  while (voxels > 1 && voxels * voxel_bytes > kMaxDefaultChunkBytes) voxels /= 2;
  Index shortest_side = 32;
  while (shortest_side * shortest_side * shortest_side > voxels) shortest_side /= 2;

  std::array<Index, 3> best{};
  double best_elongation = std::numeric_limits<double>::infinity();
  // Larger x first, then larger y: the first of equals wins.
  for (Index x = 128; x >= shortest_side; x /= 2) {
    for (Index y = 128; y >= shortest_side; y /= 2) {
      const Index z = voxels / (x * y);
      if (x * y * z != voxels || z < shortest_side || z > 128) continue;
      const double e = elongation({static_cast<double>(x) * resolution_nm[0], static_cast<double>(y) * resolution_nm[1],
                                   static_cast<double>(z) * resolution_nm[2]},
                                  {true, true, true});
      if (best[0] == 0 || e < best_elongation) {
        best = {x, y, z};
        best_elongation = e;
      }
    }
  }
  return best;
}

Factor automatic_factor(const std::array<double, 3>& resolution_nm, const VoxelVec& size_vox) {
  const std::array<bool, 3> can_halve{size_vox.x > 1, size_vox.y > 1, size_vox.z > 1};
  Factor best{1, 1, 1};
  double best_elongation = std::numeric_limits<double>::infinity();
  // More axes first, so that of equally isotropic voxels the largest wins.
  for (const unsigned halved : {7u, 3u, 5u, 6u, 1u, 2u, 4u}) {
    Factor factor{1, 1, 1};
    std::array<double, 3> coarse_nm = resolution_nm;
    bool is_possible = true;
    for (int a = 0; a < 3; ++a) {
      if (((halved >> a) & 1u) == 0) continue;
      is_possible = is_possible && can_halve[a];
      factor[a] = 2;
      coarse_nm[a] *= 2;
    }
    if (!is_possible) continue;
    const double e = elongation(coarse_nm, can_halve);
    if (e < best_elongation) {
      best = factor;
      best_elongation = e;
    }
  }
  return best;
}

std::string shortest_number(double value) {
  // The longest: 5e-324 in fixed notation has 326 characters, and a sign.
  std::array<char, 400> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  return {text.data(), end};
}

}  // namespace ngforge
