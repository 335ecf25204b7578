// SPDX-License-Identifier: Apache-2.0
#include "op/source_levels.h"

#include <cmath>
#include <optional>
#include <utility>

#include "core/affine.h"

namespace ngforge {
namespace {

constexpr std::size_t kMostLevels = 64;
constexpr double kLargestFactor = 1 << 20;
constexpr const char* kOtherwise = "leave --scales keep out: the scales are then computed from the finest level";
// What metadata in a few digits may be off: of a factor, and of a voxel.
constexpr double kFactorTolerance = 1e-4, kPlaceTolerance = 0.01;
// How far a border may lie from where it is said to be, in voxels of the finest level.
constexpr double kBorderTolerance = 0.5;

// A level as the finest level sees it, along one axis in output order.
struct AxisPlace {
  Index factor = 1;   // how many voxels of the finest level were made one
  double length = 1;  // of a voxel, in voxels of the finest: the factor, or what the two sizes say
  double corner = 0;  // of the level, in voxels of the finest from its corner
  double centre = 0;  // of the first voxel, from that of the finest
};

// The multiple of `before` that makes `level` voxels of `size`, what is left over cut off or filled up. Each of both
// ways allows a range of factors that ends at size / level, so that only its neighbours need to be tried.
std::optional<Index> factor_of_sizes(Index size, Index level, Index before) {
  const Index below = floor_div(floor_div(size, level), before) * before;
  for (const Index factor : {below, below + before})
    if (factor > 0 && static_cast<double>(factor) <= kLargestFactor &&
        (floor_div(size, factor) == level || ceil_div(size, factor) == level))
      return factor;
  return std::nullopt;
}

// A factor and a length for voxels that are said to be `stated` voxels of the finest long. Writers that stretch an odd
// size over whole voxels say the quotient of the sizes, which then is the length.
Result<AxisPlace> size_of_cells(double stated, Index size, Index level, Index before, std::size_t number, char name) {
  const double whole = std::round(stated);
  const double quotient = static_cast<double>(size) / static_cast<double>(level);
  const auto end_is_off = [&](double length) { return std::abs(stated - length) * static_cast<double>(level); };
  const bool is_whole = whole >= 1 && whole <= kLargestFactor && std::abs(stated - whole) <= kFactorTolerance * whole;
  const auto factor = factor_of_sizes(size, level, before);
  if (factor && end_is_off(quotient) <= kBorderTolerance && !(is_whole && end_is_off(whole) < end_is_off(quotient)))
    return AxisPlace{.factor = *factor, .length = quotient};
  if (is_whole) return AxisPlace{.factor = std::llround(stated), .length = whole};
  return make_error(ErrorCode::unsupported,
                    "--scales keep: level {} of the source: expected a whole factor along {}, found voxels {:.6g} "
                    "times as long as those of level 0, {} of them for {}",
                    number, name, stated, level, size)
      .with_hint(kOtherwise);
}

Result<std::array<AxisPlace, 3>> place_of(const VolumeHeader& finest, const VolumeHeader& level,
                                          const AxisMap& axis_map, const Factor& before, std::size_t number) {
  const auto to_voxels = inverse(reordered_affine(finest.affine_ijk_to_mm, finest.size_ijk, axis_map));
  if (!to_voxels)
    return make_error(ErrorCode::unsupported, "--scales keep: expected a source with three axes in space, found fewer");
  const Affine place = multiply(*to_voxels, reordered_affine(level.affine_ijk_to_mm, level.size_ijk, axis_map));
  const VoxelVec size = reordered_size(finest.size_ijk, axis_map),
                 level_size = reordered_size(level.size_ijk, axis_map);
  std::array<AxisPlace, 3> axes;
  for (std::size_t a = 0; a < 3; ++a) {
    const double length = place.m[a][a];
    for (std::size_t b = 0; b < 3; ++b)
      if (a != b && !(std::abs(place.m[a][b]) <= kFactorTolerance * std::abs(length)))
        return make_error(ErrorCode::unsupported,
                          "--scales keep: level {} of the source: expected the axes of level 0, found turned ones",
                          number);
    const int axis = static_cast<int>(a);
    NGFORGE_TRY(axes[a], size_of_cells(length, size[axis], level_size[axis], before[a], number, "xyz"[a]));
    axes[a].corner = place.m[a][3] + (1 - length) / 2;
    axes[a].centre = place.m[a][3];
  }
  return axes;
}

// Output voxel of the level's corner along an axis.
Result<Index> origin_of(const AxisPlace& axis, Index finest_origin, std::size_t number, char name, bool& is_moved) {
  const auto in_own_voxels = [&](double corner) { return (static_cast<double>(finest_origin) + corner) / axis.length; };
  const auto is_whole = [](double place) { return std::abs(place - std::round(place)) <= kPlaceTolerance; };
  if (const double place = in_own_voxels(axis.corner); is_whole(place)) return std::llround(place);
  if (std::abs(axis.centre) <= kPlaceTolerance && is_whole(in_own_voxels(0))) {
    is_moved = true;
    return std::llround(in_own_voxels(0));
  }
  return make_error(
             ErrorCode::unsupported,
             "--scales keep: level {} of the source: expected its corner at a multiple of {:.7g} voxels of the finest "
             "level along {}, found it at {:.6g}",
             number, axis.length, name, static_cast<double>(finest_origin) + axis.corner)
      .with_hint(fmt::format("choose a --voxel-offset that fits, or {}", kOtherwise));
}

// What a crop of the finest level leaves of a level.
Result<Box> kept_box(const std::array<AxisPlace, 3>& place, const Box& level, const Box& whole, const Box& crop,
                     std::size_t number) {
  Box kept = level;
  for (int a = 0; a < 3; ++a) {
    const double length = place[static_cast<std::size_t>(a)].length;
    const auto bound = [&](Index at, Index end_of_whole, Index& to) {
      if (at == end_of_whole) return true;  // everything up to the end, whatever that is in this level
      to = std::llround(static_cast<double>(at) / length);
      return std::abs(static_cast<double>(to) * length - static_cast<double>(at)) <= kBorderTolerance;
    };
    if (!bound(crop.begin[a], whole.begin[a], kept.begin[a]) || !bound(crop.end[a], whole.end[a], kept.end[a]))
      return make_error(
          ErrorCode::invalid_argument,
          "--crop: expected multiples of {:.7g} along {}, which level {} of the source needs, found {}:{}", length,
          "xyz"[a], number, crop.begin[a], crop.end[a]);
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
    NGFORGE_TRY(const auto place, place_of(levels[0], header, axis_map, before, k));
    Factor factor{};
    std::array<double, 3> resolution_nm = request.resolution_nm;
    VoxelVec origin;
    for (std::size_t a = 0; a < 3; ++a) {
      const int axis = static_cast<int>(a);
      factor[a] = place[a].factor;
      resolution_nm[a] *= place[a].length;
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
