// SPDX-License-Identifier: Apache-2.0
#include "ngforge/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/affine.h"
#include "core/block.h"
#include "core/orientation.h"
#include "core/saturated.h"
#include "op/picture.h"
#include "op/run_options.h"
#include "op/segment_color.h"
#include "op/surface_picture.h"
#include "source/precomputed.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

// Pixels of the longest side: at least so many, and less than twice as many.
constexpr double kSide = 200;
constexpr Index kGap = 8;
constexpr std::uint64_t kMostReadBytes = std::uint64_t{4} << 30;
constexpr std::uint64_t kMostSliceBytes = 64 << 20;
// A mesh is held as its bytes, its parts and joined.
constexpr std::uint64_t kTimes = 8;

// ---- Slices

/// A direction of a picture: along an axis of the volume, or from its end to its beginning.
struct Direction {
  int axis = 0;
  bool is_reversed = false;
};
struct Slice {
  Direction right, down;
  int normal() const { return 3 - right.axis - down.axis; }
};

std::array<Slice, 3> slices_of(const std::optional<Affine>& transform_nm) {
  if (!transform_nm) return {{{{0}, {1}}, {{0}, {2}}, {{2}, {1}}}};
  // Codes that are known cannot be wrong.
  const AxisMap map = orient(*transform_nm, "RAS").value_or(AxisMap{});
  const auto along = [&](std::size_t world) { return Direction{map.source_axis[world], map.reversed[world]}; };
  const auto against = [&](std::size_t world) { return Direction{map.source_axis[world], !map.reversed[world]}; };
  return {{{along(0), against(1)}, {along(0), against(2)}, {along(1), against(2)}}};
}

double length_nm(const ScaleInfo& scale, int axis) {
  return static_cast<double>(scale.box_vox().size()[axis]) * scale.resolution_nm[static_cast<std::size_t>(axis)];
}

double longest_nm(const ScaleInfo& scale) {
  return std::max({length_nm(scale, 0), length_nm(scale, 1), length_nm(scale, 2)});
}

double finest_nm(const ScaleInfo& scale) {
  return std::ranges::min(scale.resolution_nm);
}

std::size_t choose_scale(const VolumeInfo& info) {
  std::size_t k = info.scales.size() - 1;
  while (k > 0 && longest_nm(info.scales[k]) < kSide * finest_nm(info.scales[k])) --k;
  return k;
}

// A voxel of the scale is a whole number of pixels or the other way round, so that isotropic ones are all alike.
double pixel_nm(const ScaleInfo& scale) {
  const double voxel_nm = finest_nm(scale), count = longest_nm(scale) / voxel_nm;
  return count < kSide ? voxel_nm / std::ceil(kSide / count) : voxel_nm * std::floor(count / kSide);
}

/// The voxels of an axis, counted from its begin, that a pixel shows.
struct Run {
  Index begin = 0, end = 1;
};

std::vector<Run> runs_along(const ScaleInfo& scale, const Direction& direction, double pixel) {
  const Index size = scale.box_vox().size()[direction.axis];
  const Index count = std::max<Index>(1, std::llround(length_nm(scale, direction.axis) / pixel));
  std::vector<Run> runs;
  for (Index i = 0; i < count; ++i) {
    // Enlarged, a pixel shows the voxel in which its middle lies.
    if (count >= size)
      runs.push_back({(2 * i + 1) * size / (2 * count), (2 * i + 1) * size / (2 * count) + 1});
    else
      runs.push_back({i * size / count, (i + 1) * size / count});
  }
  if (direction.is_reversed) std::ranges::reverse(runs);
  return runs;
}

/// The voxel of a scale in which the middle of the whole volume lies.
Index middle_of(const VolumeInfo& info, const ScaleInfo& scale, int axis) {
  const auto a = static_cast<std::size_t>(axis);
  const ScaleInfo& full = info.scales.front();
  const double middle_nm =
      0.5 * static_cast<double>(full.box_vox().begin[axis] + full.box_vox().end[axis]) * full.resolution_nm[a];
  const Box box = scale.box_vox();
  // Resolutions are no whole numbers: what is a border but for rounding is one.
  return std::clamp(static_cast<Index>(std::floor(middle_nm / scale.resolution_nm[a] + 1e-6)), box.begin[axis],
                    box.end[axis] - 1);
}

/// Colours of what the voxels of a pixel hold.
class Palette {
 public:
  Palette(const Dataset& dataset, const VolumeInfo& info, const std::optional<std::array<double, 2>>& range)
      : is_segmentation_(info.is_segmentation), is_rgb_(dataset.is_rgb), segments_(dataset.segment_colors) {
    if (is_segmentation_) return;
    // What the viewer takes for the whole range of a type.
    visit_type(info.type, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_integral_v<T>)
        range_ = {static_cast<double>(std::numeric_limits<T>::min()),
                  static_cast<double>(std::numeric_limits<T>::max())};
    });
    if (range && !is_rgb_) range_ = *range;
  }

  Index channels() const { return is_rgb_ ? 3 : 1; }

  template <class T>
  Color color(const BlockView& slice, const Slice& directions, const Run& right, const Run& down) const {
    if (is_segmentation_) {
      const auto id = static_cast<std::uint64_t>(value<T>(slice, directions, right.begin, down.begin, 0));
      return id == 0 ? Color{} : segments_(id);
    }
    Color color;
    for (std::size_t c = 0; c < 3; ++c)
      color[c] = is_rgb_ || c == 0 ? grey(mean<T>(slice, directions, right, down, static_cast<Index>(c))) : color[0];
    return color;
  }

 private:
  template <class T>
  static T value(const BlockView& slice, const Slice& directions, Index right, Index down, Index channel) {
    VoxelVec at = slice.box.begin;
    at[directions.right.axis] += right;
    at[directions.down.axis] += down;
    return reinterpret_cast<const T*>(slice.row(at.y, at.z, channel))[at.x - slice.box.begin.x];
  }

  // Of what is a number; NaN when nothing is.
  template <class T>
  static double mean(const BlockView& slice, const Slice& directions, const Run& right, const Run& down,
                     Index channel) {
    double sum = 0;
    Index count = 0;
    for (Index j = down.begin; j < down.end; ++j) {
      for (Index i = right.begin; i < right.end; ++i) {
        const auto number = static_cast<double>(value<T>(slice, directions, i, j, channel));
        if (std::isnan(number)) continue;
        sum += number;
        ++count;
      }
    }
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
  }

  std::uint8_t grey(double number) const {
    const double part = (number - range_[0]) / (range_[1] - range_[0]);
    return std::isnan(part) ? 0 : static_cast<std::uint8_t>(std::lround(255 * std::clamp(part, 0.0, 1.0)));
  }

  const bool is_segmentation_, is_rgb_;
  const SegmentColors segments_;
  std::array<double, 2> range_{0, 1};
};

Picture picture_of(const BlockView& slice, const ScaleInfo& scale, const Slice& directions, const Palette& palette) {
  const auto columns = runs_along(scale, directions.right, pixel_nm(scale));
  const auto rows = runs_along(scale, directions.down, pixel_nm(scale));
  Picture picture(static_cast<Index>(columns.size()), static_cast<Index>(rows.size()));
  visit_type(slice.type, [&](auto zero) {
    for (std::size_t y = 0; y < rows.size(); ++y) {
      for (std::size_t x = 0; x < columns.size(); ++x)
        picture.set(static_cast<Index>(x), static_cast<Index>(y),
                    palette.color<decltype(zero)>(slice, directions, columns[x], rows[y]));
    }
  });
  return picture;
}

// The values of all chunks that hold voxels of a box.
std::uint64_t chunk_bytes(const VolumeInfo& info, const ScaleInfo& scale, const Box& box) {
  std::uint64_t bytes = times(static_cast<std::uint64_t>(info.channels), size_of(info.type));
  for (int a = 0; a < 3; ++a) {
    const Index chunk = scale.chunk_size()[static_cast<std::size_t>(a)], begin = scale.box_vox().begin[a];
    const Index chunks = ceil_div(box.end[a] - begin, chunk) - floor_div(box.begin[a] - begin, chunk);
    bytes = times(bytes, static_cast<std::uint64_t>(chunks * std::min(chunk, scale.box_vox().size()[a])));
  }
  return bytes;
}

Result<void> check_read(const Dataset& dataset, const VolumeInfo& info, std::size_t level, const Box& box) {
  const ScaleInfo& scale = info.scales[level];
  const std::uint64_t read_bytes =
      std::max(chunk_bytes(info, scale, box), level == 0 ? 0 : dataset.computed_from_bytes);
  const std::uint64_t slice_bytes =
      times(static_cast<std::uint64_t>(box.volume()), static_cast<std::uint64_t>(info.channels) * size_of(info.type));
  if (read_bytes > kMostReadBytes || slice_bytes > kMostSliceBytes)
    return make_error(ErrorCode::limit,
                      "{}: expected a picture to take reading at most {} GiB and a slice of at most {} MiB, found {} "
                      "MiB and {} MiB",
                      dataset.store->describe(), kMostReadBytes >> 30, kMostSliceBytes >> 20, read_bytes >> 20,
                      slice_bytes >> 20);
  return {};
}

Result<std::vector<Picture>> pictures_of_slices(const Dataset& dataset,
                                                const std::optional<std::array<double, 2>>& range) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(dataset.store));
  const VolumeInfo& info = volume->info();
  const std::size_t level = choose_scale(info);
  const ScaleInfo& scale = info.scales[level];
  const Palette palette(dataset, info, range);
  const auto slices = slices_of(dataset.transform_nm);
  const auto is_line = [&](const Slice& slice) {
    const VoxelVec size = info.scales.front().box_vox().size();
    return size[slice.right.axis] == 1 || size[slice.down.axis] == 1;
  };
  const bool shows_lines = std::ranges::all_of(slices, is_line);
  std::vector<Picture> pictures;
  for (const Slice& slice : slices) {
    if (is_line(slice) && !shows_lines) continue;
    Box box = scale.box_vox();
    box.begin[slice.normal()] = middle_of(info, scale, slice.normal());
    box.end[slice.normal()] = box.begin[slice.normal()] + 1;
    NGFORGE_CHECK(check_read(dataset, info, level, box));
    Block block(info.type, box, palette.channels());
    NGFORGE_CHECK(volume->read(level, box, {0, palette.channels()}, block.view()));
    pictures.push_back(picture_of(std::as_const(block).view(), scale, slice, palette));
  }
  return pictures;
}

// ---- Surfaces

/// Of a multi-resolution mesh, the coarsest level whose errors are not seen.
int choose_level(const PrecomputedMeshes& meshes, std::uint64_t label, double pixel) {
  if (meshes.info().format != MeshFormat::multires) return 0;
  const auto mesh = meshes.find_multires(label);
  int level = 0;
  for (std::size_t l = 0; mesh && l < mesh->manifest.levels.size(); ++l) {
    const double scale_nm = mesh->manifest.levels[l].scale * column_lengths(meshes.to_nm())[0];
    if (scale_nm > 0 && scale_nm <= pixel) level = static_cast<int>(l);
  }
  return level;
}

Result<std::vector<Picture>> pictures_of_surfaces(const Dataset& dataset, std::uint64_t memory_bytes) {
  if (dataset.segments.empty())
    return make_error(ErrorCode::not_found, "{}: expected properties that name the segments, found none",
                      dataset.store->describe());
  NGFORGE_TRY(const auto meshes, PrecomputedMeshes::open(dataset.store, ""));
  std::array<double, 3> low{}, high{};
  double longest = 0;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    low[i] = static_cast<double>(dataset.box_vox.begin[a]) * dataset.resolution_nm[i];
    high[i] = static_cast<double>(dataset.box_vox.end[a]) * dataset.resolution_nm[i];
    longest = std::max(longest, high[i] - low[i]);
  }
  const double pixel = longest / kSide;
  // From above, from behind and from the right: as slices are shown.
  SurfaceView views[] = {
      {{0, 1, false}, low, high, pixel}, {{0, 2, true}, low, high, pixel}, {{1, 2, false}, low, high, pixel}};
  const SegmentColors colors(dataset.segment_colors);
  std::optional<Error> failure;
  bool is_empty = true;
  for (const std::uint64_t segment : dataset.segments) {
    const auto mesh = meshes->read(segment, choose_level(*meshes, segment, pixel), memory_bytes / kTimes);
    if (!mesh) {
      failure = mesh.error();
      continue;
    }
    is_empty = false;
    for (SurfaceView& view : views) view.draw(*mesh, colors(segment));
  }
  if (is_empty) return std::move(*failure);
  std::vector<Picture> pictures;
  for (const SurfaceView& view : views) pictures.push_back(view.picture());
  return pictures;
}

Picture crossed_frame() {
  constexpr Index kFrame = 120, kWidth = 2;
  constexpr Color kGrey{90, 90, 90};
  Picture frame(kFrame, kFrame);
  for (Index y = 0; y < kFrame; ++y) {
    for (Index x = 0; x < kFrame; ++x) {
      const Index to_edge = std::min({x, y, kFrame - 1 - x, kFrame - 1 - y});
      if (to_edge < kWidth || std::abs(x - y) < kWidth) frame.set(x, y, kGrey);
    }
  }
  return frame;
}

}  // namespace

Result<Bytes> make_thumbnail(const Dataset& dataset, const std::optional<std::array<double, 2>>& range,
                             const RunOptions& given_run) {
  const RunOptions run = with_defaults(given_run);
  NGFORGE_TRY(const std::vector<Picture> pictures,
              dataset.type == "surface"
                  ? pictures_of_surfaces(dataset, run.memory_bytes / static_cast<std::uint64_t>(run.memory_shares))
                  : pictures_of_slices(dataset, range));
  return side_by_side(pictures, kGap).to_png();
}

Result<Bytes> blank_thumbnail() {
  std::vector<Picture> frames;
  for (int i = 0; i < 3; ++i) frames.push_back(crossed_frame());
  return side_by_side(frames, kGap).to_png();
}

}  // namespace ngforge
