// SPDX-License-Identifier: Apache-2.0
#include "op/scale_comparison.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "codec/codec.h"
#include "layout/sharding.h"

namespace ngforge {
namespace {

// Calls `function(y, z, c)` for every row of `box`.
template <class Function>
void for_rows(const Box& box, Index channels, const Function& function) {
  for (Index c = 0; c < channels; ++c)
    for (Index z = box.begin.z; z < box.end.z; ++z)
      for (Index y = box.begin.y; y < box.end.y; ++y) function(y, z, c);
}

bool are_equal(const BlockView& a, const BlockView& b) {
  const auto row_bytes = static_cast<std::size_t>(a.size().x) * a.value_bytes();
  bool equal = true;
  for_rows(a.box, a.channels, [&](Index y, Index z, Index c) {
    equal = equal && std::memcmp(a.row(y, z, c), b.row(y, z, c), row_bytes) == 0;
  });
  return equal;
}

// Whether there was anything else.
bool set_zero(const MutableBlockView& view) {
  const auto row_bytes = static_cast<std::size_t>(view.size().x) * view.value_bytes();
  bool had_values = false;
  for_rows(view.box, view.channels, [&](Index y, Index z, Index c) {
    had_values |= !is_all_zero(std::span<const std::byte>(view.row(y, z, c), row_bytes));
    std::memset(view.row(y, z, c), 0, row_bytes);
  });
  return had_values;
}

// The standard deviation of `n` values.
double deviation(double n, double sum, double squares) {
  return n > 0 ? std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n))) : 0;
}

// Of all values that are numbers.
double deviation(const BlockView& view) {
  double n = 0, sum = 0, squares = 0;
  visit_type(view.type, [&](auto zero) {
    using T = decltype(zero);
    for_rows(view.box, view.channels, [&](Index y, Index z, Index c) {
      const auto* row = reinterpret_cast<const T*>(view.row(y, z, c));
      for (Index x = 0; x < view.size().x; ++x) {
        const auto value = static_cast<double>(row[x]);
        if (std::isnan(value)) continue;
        ++n;
        sum += value;
        squares += value * value;
      }
    });
  });
  return deviation(n, sum, squares);
}

// Whether two pictures of the same voxels are alike but for what lossy encodings do.
bool are_alike(const BlockView& a, const BlockView& b) {
  double sum_a = 0, sum_b = 0, squares_a = 0, squares_b = 0, squares = 0;
  visit_type(a.type, [&](auto zero) {
    using T = decltype(zero);
    for_rows(a.box, a.channels, [&](Index y, Index z, Index c) {
      const auto* p = reinterpret_cast<const T*>(a.row(y, z, c));
      const auto* q = reinterpret_cast<const T*>(b.row(y, z, c));
      for (Index x = 0; x < a.size().x; ++x) {
        const auto v = static_cast<double>(p[x]), w = static_cast<double>(q[x]);
        sum_a += v;
        sum_b += w;
        squares_a += v * v;
        squares_b += w * w;
        squares += (v - w) * (v - w);
      }
    });
  });
  const auto n = static_cast<double>(a.value_count());
  const double most = std::max(deviation(n, sum_a, squares_a), deviation(n, sum_b, squares_b));
  return std::sqrt(squares / n) <= std::max(ScaleComparison::kLossyNoise, ScaleComparison::kLossyShare * most);
}

// Counts the values of `found` that no sensible way of making them from their cells gives.
class StrangeValues {
 public:
  StrangeValues(const BlockView& fine, const BlockView& found, const ScaleMethod& method, bool is_label,
                double tolerance)
      : fine_(fine), found_(found), method_(method), is_label_(is_label) {
    if (method.reach_cells > 0 && !is_label) filter_room_ = ScaleComparison::kFilterRoom * deviation(fine);
    tolerance_ = std::max(tolerance, filter_room_);
  }

  /// As a share of those whose cells lie whole in the volume.
  double share() {
    visit_type(fine_.type, [&](auto zero) {
      using T = decltype(zero);
      for_rows(found_.box, found_.channels, [&](Index y, Index z, Index c) {
        const auto* row = reinterpret_cast<const T*>(found_.row(y, z, c));
        for (Index x = found_.box.begin.x; x < found_.box.end.x; ++x)
          count<T>(row[x - found_.box.begin.x], {x, y, z}, c);
      });
    });
    return whole_ == 0 ? 0 : static_cast<double>(strange_) / static_cast<double>(whole_);
  }

 private:
  template <class T>
  void count(T value, const VoxelVec& voxel, Index channel) {
    Box cell, origin;  // where the value may come from
    for (int a = 0; a < 3; ++a) {
      const Index factor = method_.factor[static_cast<std::size_t>(a)];
      cell.begin[a] = voxel[a] * factor;
      cell.end[a] = cell.begin[a] + factor;
      origin.begin[a] = cell.begin[a] - method_.reach_cells * factor;
      origin.end[a] = cell.end[a] + method_.reach_cells * factor;
    }
    if (!fine_.box.contains(cell)) return;
    ++whole_;
    origin = origin.intersect(fine_.box);
    bool is_member = false, has_nan = false;
    double least = HUGE_VAL, most = -HUGE_VAL;
    for_rows(origin, 1, [&](Index y, Index z, Index) {
      const auto* row = reinterpret_cast<const T*>(fine_.row(y, z, channel)) + (origin.begin.x - fine_.box.begin.x);
      for (Index x = 0; x < origin.size().x; ++x) {
        is_member |= row[x] == value;
        if constexpr (std::is_floating_point_v<T>) {
          has_nan |= std::isnan(row[x]);
          if (std::isnan(row[x])) continue;
        }
        least = std::min(least, static_cast<double>(row[x]));
        most = std::max(most, static_cast<double>(row[x]));
      }
    });
    if (is_member || has_nan) return;
    double room = tolerance_;
    if constexpr (std::is_floating_point_v<T>)
      room = std::max(filter_room_, 1e-3 * std::max(std::abs(least), std::abs(most)));
    const auto number = static_cast<double>(value);
    if (is_label_ || !(number >= least - room && number <= most + room)) ++strange_;
  }

  const BlockView fine_, found_;
  const ScaleMethod method_;
  const bool is_label_;
  double filter_room_ = 0, tolerance_ = 0;
  std::uint64_t whole_ = 0, strange_ = 0;
};

}  // namespace

void CellSet::add(Index cell) {
  const std::lock_guard lock(mutex_);
  cells_.push_back(cell);
  // Each chunk is told by a few of its neighbours only: the list stays within twice its length.
  if (cells_.size() > 2 * compacted_ + 1024) compact();
}

void CellSet::compact() {
  std::sort(cells_.begin(), cells_.end());
  cells_.erase(std::unique(cells_.begin(), cells_.end()), cells_.end());
  compacted_ = cells_.size();
}

std::vector<Index> CellSet::take() {
  const std::lock_guard lock(mutex_);
  compact();
  return std::move(cells_);
}

std::string place_of_chunk(const ScaleInfo& scale, bool is_deep, const GridVec& cell) {
  const Box box = scale.chunk_box(cell);
  if (!scale.sharding) return fmt::format("{}/{}", scale.key, is_deep ? deep_chunk_name(box) : chunk_name(box));
  const ShardPlace place = shard_place(*scale.sharding, encode_morton(cell, scale.grid_shape()));
  return fmt::format("{}/{}: {}", scale.key, shard_file_name(*scale.sharding, place.shard), chunk_name(box));
}

ScaleComparison::ScaleComparison(const PrecomputedVolume& volume, ComparedScale finer, ComparedScale coarse,
                                 ScaleMethod method, std::uint64_t piece_bytes, FindingList& findings)
    : volume_(volume),
      finer_(finer),
      coarse_(coarse),
      method_(method),
      piece_bytes_(piece_bytes),
      findings_(findings),
      fine_bounds_(volume.info().scales[finer.number].box_vox()) {}

GridBox ScaleComparison::cells_of(const ComparedScale& scale, const Box& box) const {
  const ScaleInfo& of = info(scale);
  const Box inside = box.intersect(of.box_vox());
  GridBox cells;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    cells.begin[a] = (inside.begin[a] - of.voxel_offset[i]) / of.chunk_size()[i];
    cells.end[a] = ceil_div(inside.end[a] - of.voxel_offset[i], of.chunk_size()[i]);
  }
  return cells;
}

namespace {

// Calls `function(cell)` in ascending order of cell numbers until it returns false.
template <class Function>
void for_cells(const GridBox& cells, const Function& function) {
  for (Index z = cells.begin.z; z < cells.end.z; ++z)
    for (Index y = cells.begin.y; y < cells.end.y; ++y)
      for (Index x = cells.begin.x; x < cells.end.x; ++x)
        if (!function(GridVec{x, y, z})) return;
}

}  // namespace

Box ScaleComparison::cells_under(const Box& coarse_part) const {
  return fine_box(coarse_part, method_.factor, fine_bounds_);
}

Box ScaleComparison::needed_for(const Box& coarse_part) const {
  Box wide = coarse_part;
  for (int a = 0; a < 3; ++a) {
    wide.begin[a] -= method_.reach_cells;
    wide.end[a] += method_.reach_cells;
  }
  return cells_under(wide);
}

// Whether another finding already speaks of a chunk in this box.
bool ScaleComparison::is_told(const Box& fine_vox) const {
  if (finer_.stored->damaged.empty()) return false;
  const GridVec grid = info(finer_).grid_shape();
  bool told = false;
  for_cells(cells_of(finer_, fine_vox), [&](const GridVec& cell) {
    told = finer_.stored->is_damaged(cell_number(cell, grid));
    return !told;
  });
  return told;
}

void ScaleComparison::compare_stored(Index coarse_cell) {
  if (!coarse_.stored->is_damaged(coarse_cell)) compare(coarse_cell, true);
}

void ScaleComparison::compare_around(Index finer_cell) {
  const GridVec finer_grid = info(finer_).grid_shape(), grid = info(coarse_).grid_shape();
  const Box covered = coarse_box(info(finer_).chunk_box(cell_of_number(finer_cell, finer_grid)), method_.factor);
  for_cells(cells_of(coarse_, covered), [&](const GridVec& cell) {
    const Index number = cell_number(cell, grid);
    if (coarse_.stored->has(number)) return true;
    Index lowest = -1;
    for_cells(cells_of(finer_, cells_under(info(coarse_).chunk_box(cell))), [&](const GridVec& other) {
      const Index candidate = cell_number(other, finer_grid);
      if (finer_.stored->has(candidate)) lowest = candidate;
      return lowest < 0;
    });
    if (lowest == finer_cell) compare(number, false);
    return true;
  });
}

void ScaleComparison::compare(Index coarse_cell, bool is_stored) {
  if (!is_stored && coarse_.stored->is_incomplete) return;
  const GridVec cell = cell_of_number(coarse_cell, info(coarse_).grid_shape());
  Block chunk(volume_.info().type, info(coarse_).chunk_box(cell), volume_.info().channels);
  if (!volume_.read_chunk(coarse_.number, cell, chunk.view())) return;  // found and told before
  if (!compare_piece(chunk, chunk.box(), is_stored)) return;
  if (!is_stored && coarse_.may_miss_chunks) return coarse_.missing->add(coarse_cell);
  const std::string finer = info(finer_).key;
  findings_.add(
      static_cast<int>(coarse_.number), FindingCode::scales_disagree,
      place_of_chunk(info(coarse_), coarse_.stored->is_deep, cell),
      method_.downsampling
          ? fmt::format("expected the {} of scale {}, found other values: the picture changes on zooming",
                        name_of(*method_.downsampling), finer)
          : fmt::format("expected values as in scale {}, found others: the picture changes on zooming", finer),
      "ngforge downsample, or convert the volume again");
}

// Whether a part of a chunk disagrees with the finer scale where no chunk of that is missing. Halves it when its fine
// voxels are too many to hold at once.
bool ScaleComparison::compare_piece(const Block& chunk, const Box& part, bool is_stored) {
  const Box needed = needed_for(part);
  const std::uint64_t bytes =
      static_cast<std::uint64_t>((needed.volume() + 2 * part.volume()) * chunk.channels()) * size_of(chunk.type());
  if (bytes > piece_bytes_ && part.volume() > 1) {
    const VoxelVec size = part.size();
    const int axis = size.z >= size.y && size.z >= size.x ? 2 : size.y >= size.x ? 1 : 0;
    Box low = part, high = part;
    low.end[axis] = high.begin[axis] = part.begin[axis] + size[axis] / 2;
    const bool differs = compare_piece(chunk, low, is_stored);
    return compare_piece(chunk, high, is_stored) || differs;
  }
  if (is_told(needed)) return false;
  Block fine(chunk.type(), needed, chunk.channels());
  if (!volume_.read(finer_.number, needed, fine.view())) return false;  // found and told at its own scale
  const BlockView fine_view = std::as_const(fine).view();
  const BlockView found = chunk.view().crop(part);
  if (!is_stored || !finer_.may_miss_chunks) return disagree(fine_view, found, {});
  if (method_.downsampling && !disagree(fine_view, found, {})) return false;
  Block rest(chunk.type(), part, chunk.channels());
  copy_common(found, rest.view());
  const auto excused = excuse_missing(fine_view, rest.view());
  return disagree(fine_view, std::as_const(rest).view(), excused);
}

// Whether too many values are none that their cells could give.
bool ScaleComparison::is_strange(const BlockView& fine, const BlockView& found) const {
  const bool is_label = volume_.info().is_segmentation, is_lossy = finer_.is_lossy || coarse_.is_lossy;
  StrangeValues values(fine, found, method_, is_label, is_lossy ? kLossyRounding : kRounding);
  return values.share() > (is_label || is_lossy ? kStrangeLabelShare : kStrangeImageShare);
}

bool ScaleComparison::disagree(const BlockView& fine, const BlockView& found, std::span<const Box> excused) const {
  if (!method_.downsampling) return is_strange(fine, found);
  Block expected(found.type, found.box, found.channels);
  downsample(fine, fine_bounds_, method_.factor, *method_.downsampling, method_.outside, expected.view());
  for (const Box& box : excused) set_zero(expected.view().crop(box));
  const BlockView view = std::as_const(expected).view();
  return finer_.is_lossy || coarse_.is_lossy ? !are_alike(view, found) : !are_equal(view, found);
}

// Sets what lies over absent chunks of the finer scale to zero where it cannot be so, and notes those chunks. Returns
// where.
std::vector<Box> ScaleComparison::excuse_missing(const BlockView& fine, const MutableBlockView& found) const {
  const GridVec grid = info(finer_).grid_shape();
  std::vector<Box> excused;
  for_cells(cells_of(finer_, fine.box), [&](const GridVec& cell) {
    const Index number = cell_number(cell, grid);
    if (finer_.stored->has(number)) return true;
    const Box over = coarse_box(info(finer_).chunk_box(cell), method_.factor).intersect(found.box);
    if (over.empty() || (!method_.downsampling && !is_strange(fine, found.crop(over)))) return true;
    if (!set_zero(found.crop(over))) return true;
    excused.push_back(over);
    if (!finer_.stored->is_incomplete) finer_.missing->add(number);
    return true;
  });
  return excused;
}

}  // namespace ngforge
