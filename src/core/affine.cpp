// SPDX-License-Identifier: Apache-2.0
#include "core/affine.h"

#include <cmath>

namespace ngforge {
namespace {

constexpr double kNmPerMm = 1e6;
// Relative to the volume of a box with the columns' lengths: what rounding leaves of columns that lie in one plane.
constexpr double kSingular = 1e-12;

double cofactor(const Affine& a, int row, int column) {
  const int r1 = (row + 1) % 3, r2 = (row + 2) % 3, c1 = (column + 1) % 3, c2 = (column + 2) % 3;
  return a.m[r1][c1] * a.m[r2][c2] - a.m[r1][c2] * a.m[r2][c1];
}

}  // namespace

Affine multiply(const Affine& a, const Affine& b) {
  Affine product;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 4; ++c) {
      double sum = c == 3 ? a.m[r][3] : 0;
      for (int k = 0; k < 3; ++k) sum += a.m[r][k] * b.m[k][c];
      product.m[r][c] = sum;
    }
  }
  return product;
}

std::optional<Affine> inverse(const Affine& affine) {
  // Columns are brought to length 1 first, so that neither tiny nor huge voxels leave the range of the determinant.
  const auto lengths = column_lengths(affine);
  Affine unit = affine;
  for (int c = 0; c < 3; ++c) {
    if (!std::isfinite(lengths[c]) || lengths[c] == 0 || !std::isfinite(affine.m[c][3])) return std::nullopt;
    for (int r = 0; r < 3; ++r) unit.m[r][c] /= lengths[c];
  }
  double determinant = 0;
  for (int c = 0; c < 3; ++c) determinant += unit.m[0][c] * cofactor(unit, 0, c);
  if (!(std::abs(determinant) > kSingular)) return std::nullopt;
  Affine inverted;
  for (int r = 0; r < 3; ++r) {
    inverted.m[r][3] = 0;
    for (int c = 0; c < 3; ++c) {
      inverted.m[r][c] = cofactor(unit, c, r) / determinant / lengths[r];
      inverted.m[r][3] -= inverted.m[r][c] * affine.m[c][3];
    }
  }
  return inverted;
}

std::array<double, 3> transform_point(const Affine& affine, const std::array<double, 3>& point) {
  std::array<double, 3> result{};
  for (int r = 0; r < 3; ++r)
    result[r] = affine.m[r][0] * point[0] + affine.m[r][1] * point[1] + affine.m[r][2] * point[2] + affine.m[r][3];
  return result;
}

std::array<double, 3> column_lengths(const Affine& affine) {
  std::array<double, 3> lengths{};
  for (int c = 0; c < 3; ++c) lengths[c] = std::hypot(affine.m[0][c], affine.m[1][c], affine.m[2][c]);
  return lengths;
}

Affine corner_nm_transform(const Affine& affine_centre_to_mm, const std::array<double, 3>& resolution_nm) {
  Affine transform;
  for (int r = 0; r < 3; ++r) {
    const auto& row = affine_centre_to_mm.m[r];
    for (int c = 0; c < 3; ++c) transform.m[r][c] = kNmPerMm * row[c] / resolution_nm[c];
    transform.m[r][3] = kNmPerMm * (row[3] - 0.5 * (row[0] + row[1] + row[2]));
  }
  return transform;
}

Affine centre_mm_affine(const Affine& corner_nm_to_world_nm, const std::array<double, 3>& resolution_nm) {
  Affine affine;
  for (int r = 0; r < 3; ++r) {
    const auto& row = corner_nm_to_world_nm.m[r];
    double half_voxel_nm = 0;
    for (int c = 0; c < 3; ++c) {
      affine.m[r][c] = row[c] * resolution_nm[c] / kNmPerMm;
      half_voxel_nm += 0.5 * row[c] * resolution_nm[c];
    }
    affine.m[r][3] = (row[3] + half_voxel_nm) / kNmPerMm;
  }
  return affine;
}

}  // namespace ngforge
