// SPDX-License-Identifier: Apache-2.0
#include "op/source_levels.h"

#include <cmath>
#include <utility>

#include "core/affine.h"

namespace ngforge {
namespace {

constexpr std::size_t kMostLevels = 64;
constexpr double kLargestFactor = 1 << 20;
constexpr const char* kOtherwise = "leave --scales keep out: the scales are then computed from the finest level";
// What metadata in a few digits may be off: of a factor, and of a voxel.
constexpr double kFactorTolerance = 1e-4, kPlaceTolerance = 0.01;

// A level as the finest level sees it, along one axis in output order.
struct AxisPlace {
  Index factor = 1;   // voxels of the finest level in one of this level
  double corner = 0;  // of the level, in voxels of the finest from its corner
  double centre = 0;  // of the first voxel, from that of the finest
};

Result<std::array<AxisPlace, 3>> place_of(const VolumeHeader& finest, const VolumeHeader& level,
                                          const AxisMap& axis_map, std::size_t number) {
  const auto to_voxels = inverse(reordered_affine(finest.affine_ijk_to_mm, finest.size_ijk, axis_map));
  if (!to_voxels)
    return make_error(ErrorCode::unsupported, "--scales keep: expected a source with three axes in space, found fewer");
  const Affine place = multiply(*to_voxels, reordered_affine(level.affine_ijk_to_mm, level.size_ijk, axis_map));
  std::array<AxisPlace, 3> axes;
  for (std::size_t a = 0; a < 3; ++a) {
    const double factor = place.m[a][a];
    for (std::size_t b = 0; b < 3; ++b)
      if (a != b && !(std::abs(place.m[a][b]) <= kFactorTolerance * std::abs(factor)))
        return make_error(ErrorCode::unsupported,
                          "--scales keep: level {} of the source: expected the axes of level 0, found turned ones",
                          number);
    if (!(factor >= 1 - kFactorTolerance && factor <= kLargestFactor) ||
        std::abs(factor - std::round(factor)) > kFactorTolerance * factor)
      return make_error(ErrorCode::unsupported,
                        "--scales keep: level {} of the source: expected voxels a whole number of times as long as "
                        "those of level 0, found {:.6g} times along {}",
                        number, factor, "xyz"[a])
          .with_hint(kOtherwise);
    axes[a] = {std::llround(factor), place.m[a][3] + (1 - factor) / 2, place.m[a][3]};
  }
  return axes;
}

// Output voxel of the level's corner along an axis.
Result<Index> origin_of(const AxisPlace& axis, Index finest_origin, std::size_t number, char name, bool& is_moved) {
  const auto in_own_voxels = [&](double corner) {
    return (static_cast<double>(finest_origin) + corner) / static_cast<double>(axis.factor);
  };
  const auto is_whole = [](double place) { return std::abs(place - std::round(place)) <= kPlaceTolerance; };
  if (const double place = in_own_voxels(axis.corner); is_whole(place)) return std::llround(place);
  if (std::abs(axis.centre) <= kPlaceTolerance && is_whole(in_own_voxels(0))) {
    is_moved = true;
    return std::llround(in_own_voxels(0));
  }
  return make_error(
             ErrorCode::unsupported,
             "--scales keep: level {} of the source: expected its corner at a multiple of {} voxels of the finest "
             "level along {}, found it at {:.6g}",
             number, axis.factor, name, static_cast<double>(finest_origin) + axis.corner)
      .with_hint(fmt::format("choose a --voxel-offset that fits, or {}", kOtherwise));
}

// What a crop of the finest level leaves of a level.
Result<Box> kept_box(const std::array<AxisPlace, 3>& place, const Box& level, const Box& whole, const Box& crop,
                     std::size_t number) {
  Box kept = level;
  for (int a = 0; a < 3; ++a) {
    const Index factor = place[static_cast<std::size_t>(a)].factor;
    const auto bound = [&](Index at, Index end_of_whole, Index& to) {
      if (at == end_of_whole) return true;  // everything up to the end, whatever that is in this level
      to = floor_div(at, factor);
      return at % factor == 0;
    };
    if (!bound(crop.begin[a], whole.begin[a], kept.begin[a]) || !bound(crop.end[a], whole.end[a], kept.end[a]))
      return make_error(ErrorCode::invalid_argument,
                        "--crop: expected multiples of {} along {}, which level {} of the source needs, found {}:{}",
                        factor, "xyz"[a], number, crop.begin[a], crop.end[a]);
  }
  kept = kept.intersect(level);
  if (kept.empty())
    return make_error(ErrorCode::invalid_argument,
                      "--crop: expected a part that level {} of the source has, found none", number);
  return kept;
}

// How much coarser a level is than the one before.
Result<Factor> step_of(const Factor& before, const Factor& now, std::size_t number) {
  Factor step{};
  for (std::size_t a = 0; a < 3; ++a) {
    if (now[a] % before[a] != 0)
      return make_error(ErrorCode::unsupported,
                        "--scales keep: level {} of the source: expected voxels a whole number of times as long as "
                        "those of level {}, found {} and {} voxels of level 0 along {}",
                        number, number - 1, now[a], before[a], "xyz"[a]);
    step[a] = now[a] / before[a];
  }
  if (step == Factor{1, 1, 1})
    return make_error(ErrorCode::unsupported,
                      "--scales keep: level {} of the source: expected longer voxels than those of level {}, found the "
                      "same",
                      number, number - 1);
  return step;
}

}  // namespace

Result<SourceLevels> open_levels(std::unique_ptr<VolumeSource> source, const VolumeOptions& options) {
  SourceLevels levels;
  levels.push_back(std::move(source));
  if (!options.keep_scales) return levels;
  VolumeSource& finest = *levels.front();
  if (finest.level_count() > kMostLevels)
    return make_error(ErrorCode::limit, "--scales keep: expected a source of at most {} levels, found {}", kMostLevels,
                      finest.level_count())
        .of_source();
  for (std::size_t k = 1; k < finest.level_count(); ++k) {
    auto level = finest.open_level(k);
    if (!level) return std::move(level).error().of_source();
    levels.push_back(std::move(*level));
  }
  return levels;
}

std::vector<VolumeHeader> headers_of(const SourceLevels& levels) {
  std::vector<VolumeHeader> headers;
  for (const auto& level : levels) headers.push_back(level->header());
  return headers;
}

Result<KeptScales> plan_kept_scales(std::span<const VolumeHeader> levels, const AxisMap& axis_map,
                                    const VoxelVec& origin_vox, const ScaleRequest& request) {
  KeptScales kept;
  bool is_moved = false;
  Factor before{1, 1, 1};
  const Box whole{origin_vox, origin_vox + reordered_size(levels[0].size_ijk, axis_map)};
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const VolumeHeader& header = levels[k];
    if (k == 0) {
      kept.scales.push_back(make_scale(request, request.box_vox, request.resolution_nm, {1, 1, 1}));
      kept.levels.push_back({header.size_ijk, origin_vox, header.fingerprint});
      continue;
    }
    NGFORGE_TRY(const auto place, place_of(levels[0], header, axis_map, k));
    Factor factor{};
    std::array<double, 3> resolution_nm = request.resolution_nm;
    VoxelVec origin;
    for (std::size_t a = 0; a < 3; ++a) {
      const int axis = static_cast<int>(a);
      factor[a] = place[a].factor;
      resolution_nm[a] *= static_cast<double>(factor[a]);
      NGFORGE_TRY(origin[axis], origin_of(place[a], origin_vox[axis], k, "xyz"[a], is_moved));
    }
    NGFORGE_TRY(const Factor step, step_of(before, factor, k));
    const Box level{origin, origin + reordered_size(header.size_ijk, axis_map)};
    NGFORGE_TRY(const Box box, kept_box(place, level, whole, request.box_vox, k));
    kept.scales.push_back(make_scale(request, box, resolution_nm, step));
    kept.levels.push_back({header.size_ijk, origin, header.fingerprint});
    before = factor;
  }
  if (is_moved)
    kept.notices.emplace_back(
        "all levels of the source say the same place for their first voxel's centre; they are taken to begin at the "
        "same "
        "corner");
  return kept;
}

}  // namespace ngforge
