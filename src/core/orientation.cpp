// SPDX-License-Identifier: Apache-2.0
#include "core/orientation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace ngforge {
namespace {

using Matrix3 = std::array<std::array<double, 3>, 3>;  // [row][column]

constexpr std::string_view kPositive = "RAS", kNegative = "LPI";

/// Where a stored axis points to.
struct Direction {
  int world_axis = 0;
  bool is_negative = false;
};

double column_product(const Matrix3& a, int p, int q) {
  return a[0][p] * a[0][q] + a[1][p] * a[1][q] + a[2][p] * a[2][q];
}

void rotate_columns(Matrix3& a, int p, int q, double cosine, double sine) {
  for (auto& row : a) {
    const double x = row[p], y = row[q];
    row[p] = cosine * x - sine * y;
    row[q] = sine * x + cosine * y;
  }
}

/// The closest matrix without shear: the product U V^T of the singular value decomposition, over the singular values
/// that are not zero. One-sided Jacobi (Hestenes 1958) keeps small singular values accurate, which A^T A would not.
Matrix3 polar_rotation(const Matrix3& matrix) {
  Matrix3 scaled_u = matrix;  // U S
  Matrix3 v{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  constexpr int kMaxSweeps = 60;
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool is_done = true;
    for (int p = 0; p < 2; ++p) {
      for (int q = p + 1; q < 3; ++q) {
        const double pp = column_product(scaled_u, p, p), qq = column_product(scaled_u, q, q);
        const double pq = column_product(scaled_u, p, q);
        if (pq == 0 || std::abs(pq) <= kEpsilon * std::sqrt(pp * qq)) continue;
        is_done = false;
        const double zeta = (qq - pp) / (2 * pq);
        const double tangent = std::copysign(1 / (std::abs(zeta) + std::hypot(1, zeta)), zeta);
        const double cosine = 1 / std::hypot(1, tangent);
        rotate_columns(scaled_u, p, q, cosine, cosine * tangent);
        rotate_columns(v, p, q, cosine, cosine * tangent);
      }
    }
    if (is_done) break;
  }
  std::array<double, 3> singular{};
  for (int k = 0; k < 3; ++k) singular[k] = std::hypot(scaled_u[0][k], scaled_u[1][k], scaled_u[2][k]);
  const double tolerance = *std::max_element(singular.begin(), singular.end()) * 3 * kEpsilon;
  Matrix3 rotation{};
  for (int k = 0; k < 3; ++k) {
    if (!(singular[k] > tolerance)) continue;
    for (int r = 0; r < 3; ++r)
      for (int c = 0; c < 3; ++c) rotation[r][c] += scaled_u[r][k] / singular[k] * v[c][k];
  }
  return rotation;
}

/// The 3x3 part with columns of length 1 (zero columns stay), or nothing if it is not finite.
std::optional<Matrix3> unit_columns(const Affine& affine) {
  Matrix3 unit{};
  for (int c = 0; c < 3; ++c) {
    const double length = std::hypot(affine.m[0][c], affine.m[1][c], affine.m[2][c]);
    if (!std::isfinite(length)) return std::nullopt;
    for (int r = 0; r < 3; ++r) unit[r][c] = length == 0 ? 0 : affine.m[r][c] / length;
  }
  return unit;
}

/// nibabel.orientations.io_orientation. Axes that it would drop (degenerate affines) take the world axes that are left,
/// in order and not reversed, so that every axis has a direction.
std::array<Direction, 3> directions(const Affine& affine) {
  std::array<Direction, 3> result{};
  std::array<bool, 3> axis_done{}, world_taken{};
  if (const auto unit = unit_columns(affine)) {
    Matrix3 rotation = polar_rotation(*unit);
    std::array<double, 3> strength{};
    for (int c = 0; c < 3; ++c)
      for (int r = 0; r < 3; ++r) strength[c] = std::max(strength[c], rotation[r][c] * rotation[r][c]);
    std::array<int, 3> order{0, 1, 2};
    std::ranges::sort(order, {}, [&](int axis) { return std::pair(-strength[axis], axis); });
    for (const int axis : order) {
      int best = 0;
      for (int r = 1; r < 3; ++r)
        if (std::abs(rotation[r][axis]) > std::abs(rotation[best][axis])) best = r;
      constexpr double kCloseToZero = 1e-8;  // numpy.allclose(column, 0)
      if (!(std::abs(rotation[best][axis]) > kCloseToZero)) continue;
      result[axis] = {best, rotation[best][axis] < 0};
      axis_done[axis] = world_taken[best] = true;
      rotation[best].fill(0);
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    if (axis_done[axis]) continue;
    const auto free = std::find(world_taken.begin(), world_taken.end(), false);
    *free = true;
    result[axis] = {static_cast<int>(free - world_taken.begin()), false};
  }
  return result;
}

}  // namespace

Result<AxisMap> orient(const Affine& affine_ijk_to_mm, std::string_view code) {
  const auto stored = directions(affine_ijk_to_mm);
  AxisMap map;
  std::array<bool, 3> seen{};
  for (std::size_t a = 0; a < 3 && code.size() == 3; ++a) {
    const bool is_negative = kNegative.find(code[a]) != std::string_view::npos;
    const std::size_t world = is_negative ? kNegative.find(code[a]) : kPositive.find(code[a]);
    if (world == std::string_view::npos) break;
    seen[world] = true;
    const auto axis = std::find_if(stored.begin(), stored.end(),
                                   [&](const Direction& d) { return d.world_axis == static_cast<int>(world); });
    map.source_axis[a] = static_cast<int>(axis - stored.begin());
    map.reversed[a] = axis->is_negative != is_negative;
  }
  if (!(seen[0] && seen[1] && seen[2]))
    return make_error(ErrorCode::invalid_argument,
                      "orientation: expected three letters, one of each of R|L, A|P, S|I (such as RAS), found \"{}\"",
                      code);
  return map;
}

std::string axis_codes(const Affine& affine_ijk_to_mm) {
  std::string codes;
  for (const auto& d : directions(affine_ijk_to_mm))
    codes += (d.is_negative ? kNegative : kPositive)[static_cast<std::size_t>(d.world_axis)];
  return codes;
}

VoxelVec reordered_size(const SourceVec& size_ijk, const AxisMap& map) {
  VoxelVec size;
  for (int a = 0; a < 3; ++a) size[a] = size_ijk[map.source_axis[a]];
  return size;
}

Affine reordered_affine(const Affine& affine_ijk_to_mm, const SourceVec& size_ijk, const AxisMap& map) {
  Affine result = affine_ijk_to_mm;
  for (int a = 0; a < 3; ++a) {
    const int axis = map.source_axis[a];
    for (int r = 0; r < 3; ++r) {
      const double step = affine_ijk_to_mm.m[r][axis];
      result.m[r][a] = map.reversed[a] ? -step : step;
      if (map.reversed[a]) result.m[r][3] += step * static_cast<double>(size_ijk[axis] - 1);
    }
  }
  return result;
}

Box to_output(const SourceBox& box_ijk, const SourceVec& size_ijk, const AxisMap& map) {
  Box box;
  for (int a = 0; a < 3; ++a) {
    const int axis = map.source_axis[a];
    const Index begin = box_ijk.begin[axis], end = box_ijk.end[axis];
    box.begin[a] = map.reversed[a] ? size_ijk[axis] - end : begin;
    box.end[a] = map.reversed[a] ? size_ijk[axis] - begin : end;
  }
  return box;
}

SourceBox to_source(const Box& box_vox, const SourceVec& size_ijk, const AxisMap& map) {
  SourceBox box;
  for (int a = 0; a < 3; ++a) {
    const int axis = map.source_axis[a];
    box.begin[axis] = map.reversed[a] ? size_ijk[axis] - box_vox.end[a] : box_vox.begin[a];
    box.end[axis] = map.reversed[a] ? size_ijk[axis] - box_vox.begin[a] : box_vox.end[a];
  }
  return box;
}

}  // namespace ngforge
