// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>

namespace ngforge {

using Vec3 = std::array<float, 3>;

inline Vec3 operator-(const Vec3& a, const Vec3& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
inline float dot(const Vec3& a, const Vec3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// A sum of weighted squared distances as a function of a point x: x' A x + 2 b' x + c, and the sum of the weights.
struct Quadric {
  float xx, xy, xz, yy, yz, zz;
  float bx, by, bz;
  float c;
  float weight;

  Quadric& operator+=(const Quadric& o) {
    xx += o.xx;
    xy += o.xy;
    xz += o.xz;
    yy += o.yy;
    yz += o.yz;
    zz += o.zz;
    bx += o.bx;
    by += o.by;
    bz += o.bz;
    c += o.c;
    weight += o.weight;
    return *this;
  }

  /// Half of the gradient at `p`: A p + b.
  Vec3 half_gradient(const Vec3& p) const {
    return {xx * p[0] + xy * p[1] + xz * p[2] + bx, xy * p[0] + yy * p[1] + yz * p[2] + by,
            xz * p[0] + yz * p[1] + zz * p[2] + bz};
  }

  float at(const Vec3& p) const {
    const Vec3 g = half_gradient(p);
    return g[0] * p[0] + g[1] * p[1] + g[2] * p[2] + bx * p[0] + by * p[1] + bz * p[2] + c;
  }

  /// The squared distance to the plane through `p` with unit normal `n`, times `w`.
  void add_plane(const Vec3& n, const Vec3& p, float w) {
    const float d = -dot(n, p);
    const Vec3 wn = {w * n[0], w * n[1], w * n[2]};
    xx += wn[0] * n[0];
    xy += wn[0] * n[1];
    xz += wn[0] * n[2];
    yy += wn[1] * n[1];
    yz += wn[1] * n[2];
    zz += wn[2] * n[2];
    bx += wn[0] * d;
    by += wn[1] * d;
    bz += wn[2] * d;
    c += w * d * d;
    weight += w;
  }

  /// The squared distance to the point `p`, times `w`; the weight stays.
  void add_point(const Vec3& p, float w) {
    xx += w;
    yy += w;
    zz += w;
    bx -= w * p[0];
    by -= w * p[1];
    bz -= w * p[2];
    c += w * dot(p, p);
  }

  /// The point of the least sum, found from `start` (a point near it, which keeps rounding small), and its sum.
  /// A must be positive definite, as add_point() makes it.
  float minimum(const Vec3& start, Vec3& place) const {
    const Vec3 g = half_gradient(start);
    // A = L D L'; solves A step = -g.
    const float d0 = 1 / xx;
    const float l1 = xy * d0;
    const float l2 = xz * d0;
    const float d1 = 1 / (yy - l1 * xy);
    const float yz1 = yz - l1 * xz;
    const float l3 = yz1 * d1;
    const float d2 = 1 / (zz - l2 * xz - l3 * yz1);
    const float y0 = -g[0];
    const float y1 = -g[1] - l1 * y0;
    const float y2 = -g[2] - l2 * y0 - l3 * y1;
    const float sz = y2 * d2;
    const float sy = y1 * d1 - l3 * sz;
    const float sx = y0 * d0 - l1 * sy - l2 * sz;
    place = {start[0] + sx, start[1] + sy, start[2] + sz};
    const float at_start = dot(g, start) + bx * start[0] + by * start[1] + bz * start[2] + c;
    return at_start + g[0] * sx + g[1] * sy + g[2] * sz;
  }
};

}  // namespace ngforge
