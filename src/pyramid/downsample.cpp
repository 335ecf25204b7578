// SPDX-License-Identifier: Apache-2.0
#include "pyramid/downsample.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pyramid/cell.h"
#include "pyramid/cell_rows.h"

namespace ngforge {
namespace {

/// Goes through the coarse rows of one channel after the other. Cells that are cut by the border of the volume along x
/// are reduced one by one, the cells between them a row at a time.
template <class T>
class Downsampler {
 public:
  Downsampler(const BlockView& fine, const Box& fine_bounds, const Factor& factor, Downsampling method,
              const Outside& outside, const MutableBlockView& coarse)
      : fine_(fine),
        bounds_(fine_bounds),
        factor_{factor[0], factor[1], factor[2]},
        method_(method),
        pads_(method == Downsampling::average && !outside.is_edge),
        padding_(nearest_value<T>(outside.value)),
        coarse_(coarse),
        whole_begin_(std::clamp(ceil_div(bounds_.begin.x, factor_.x), coarse.box.begin.x, coarse.box.end.x)),
        whole_end_(std::clamp(floor_div(bounds_.end.x, factor_.x), whole_begin_, coarse.box.end.x)) {}

  void run() {
    const Box& box = coarse_.box;
    for (Index channel = 0; channel < coarse_.channels; ++channel) {
      for (Index z = box.begin.z; z < box.end.z; ++z) {
        for (Index y = box.begin.y; y < box.end.y; ++y) reduce_row(y, z, channel);
      }
    }
  }

 private:
  void reduce_row(Index y, Index z, Index channel) {
    const Box cells{{0, y * factor_.y, z * factor_.z}, {1, (y + 1) * factor_.y, (z + 1) * factor_.z}};
    const Index y_begin = std::max(cells.begin.y, bounds_.begin.y), y_end = std::min(cells.end.y, bounds_.end.y);
    const Index z_begin = std::max(cells.begin.z, bounds_.begin.z), z_end = std::min(cells.end.z, bounds_.end.z);
    rows_.clear();
    for (Index fine_z = z_begin; fine_z < z_end; ++fine_z) {
      for (Index fine_y = y_begin; fine_y < y_end; ++fine_y) rows_.push_back(fine_row(fine_y, fine_z, channel));
    }
    T* out = reinterpret_cast<T*>(coarse_.row(y, z, channel));
    const bool has_all_rows = std::ssize(rows_) == factor_.y * factor_.z;
    if (pads_ && !has_all_rows) {
      for (Index x = coarse_.box.begin.x; x < coarse_.box.end.x; ++x) *out++ = padded_average(x, y, z, channel);
      return;
    }
    for (Index x = coarse_.box.begin.x; x < whole_begin_; ++x) *out++ = border_value(x, y, z, channel);
    if (whole_begin_ < whole_end_) reduce_cells(whole_begin_ * factor_.x, factor_.x, whole_end_ - whole_begin_, out);
    out += whole_end_ - whole_begin_;
    for (Index x = whole_end_; x < coarse_.box.end.x; ++x) *out++ = border_value(x, y, z, channel);
  }

  /// Reduces `count` cells of `width` voxels whose first begins at fine voxel `x`.
  void reduce_cells(Index x, Index width, Index count, T* out) {
    shifted_rows_.clear();
    for (const T* row : rows_) shifted_rows_.push_back(row + (x - fine_.box.begin.x));
    const CellRow<T> cells{shifted_rows_, width, count, out};
    switch (method_) {
      case Downsampling::average: return average_cells(cells);
      case Downsampling::majority: return majority_cells(cells);
      case Downsampling::min: return min_cells(cells);
      case Downsampling::max: return max_cells(cells);
      case Downsampling::median: return median_cells(cells);
      case Downsampling::stride:
        for (Index c = 0; c < count; ++c) out[c] = shifted_rows_.front()[c * width];
    }
  }

  T border_value(Index x, Index y, Index z, Index channel) {
    if (pads_) return padded_average(x, y, z, channel);
    const Index begin = std::max(x * factor_.x, bounds_.begin.x), end = std::min((x + 1) * factor_.x, bounds_.end.x);
    T value;
    reduce_cells(begin, end - begin, 1, &value);
    return value;
  }

  T padded_average(Index x, Index y, Index z, Index channel) {
    padded_cell_.clear();
    for (Index fine_z = z * factor_.z; fine_z < (z + 1) * factor_.z; ++fine_z) {
      for (Index fine_y = y * factor_.y; fine_y < (y + 1) * factor_.y; ++fine_y) {
        for (Index fine_x = x * factor_.x; fine_x < (x + 1) * factor_.x; ++fine_x) {
          const bool exists = bounds_.contains(VoxelVec{fine_x, fine_y, fine_z});
          padded_cell_.push_back(exists ? fine_row(fine_y, fine_z, channel)[fine_x - fine_.box.begin.x] : padding_);
        }
      }
    }
    const T* const row = padded_cell_.data();
    T value;
    average_cells(CellRow<T>{{&row, 1}, std::ssize(padded_cell_), 1, &value});
    return value;
  }

  const T* fine_row(Index y, Index z, Index channel) const {
    return reinterpret_cast<const T*>(fine_.row(y, z, channel));
  }

  const BlockView fine_;
  const Box bounds_;
  const VoxelVec factor_;
  const Downsampling method_;
  const bool pads_;
  const T padding_;
  const MutableBlockView coarse_;
  const Index whole_begin_, whole_end_;
  std::vector<const T*> rows_, shifted_rows_;
  std::vector<T> padded_cell_;
};

}  // namespace

std::string_view name_of(Downsampling method) {
  switch (method) {
    case Downsampling::average: return "average";
    case Downsampling::majority: return "majority";
    case Downsampling::stride: return "stride";
    case Downsampling::min: return "min";
    case Downsampling::max: return "max";
    case Downsampling::median: return "median";
  }
  __builtin_unreachable();
}

std::optional<Downsampling> find_downsampling(std::string_view name) {
  for (const Downsampling method : kDownsamplings)
    if (name == name_of(method)) return method;
  return std::nullopt;
}

Box coarse_box(const Box& fine, const Factor& factor) {
  Box coarse;
  for (int a = 0; a < 3; ++a) {
    coarse.begin[a] = floor_div(fine.begin[a], factor[a]);
    coarse.end[a] = ceil_div(fine.end[a], factor[a]);
  }
  return coarse;
}

Box fine_box(const Box& coarse, const Factor& factor, const Box& fine_bounds) {
  Box fine;
  for (int a = 0; a < 3; ++a) {
    fine.begin[a] = coarse.begin[a] * factor[a];
    fine.end[a] = coarse.end[a] * factor[a];
  }
  return fine.intersect(fine_bounds);
}

void downsample(const BlockView& fine, const Box& fine_bounds, const Factor& factor, Downsampling method,
                const Outside& outside, const MutableBlockView& coarse) {
  visit_type(coarse.type,
             [&](auto zero) { Downsampler<decltype(zero)>(fine, fine_bounds, factor, method, outside, coarse).run(); });
}

}  // namespace ngforge
