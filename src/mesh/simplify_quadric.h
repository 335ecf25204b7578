// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mesh/simplify_vectors.h"

namespace ngforge {

/// A sum of weighted squared distances as a function of a point x: x' A x + 2 b' x + c, and the sum of the weights.
struct Quadric {
  Float4 squares;  // xx, yy, zz of A, and c
  Float4 mixed;    // xy, xz, yz of A, and the weight
  Float4 linear;   // b

  float weight() const { return mixed[3]; }

  Quadric& operator+=(const Quadric& o) {
    squares += o.squares;
    mixed += o.mixed;
    linear += o.linear;
    return *this;
  }

  /// The squared distance to the plane through `p` with unit normal `n`, times `w`.
  static Quadric plane(const Float3& n, const Float3& p, float w) {
    const float d = -dot(n, p);
    const Float4 normal = {n[0], n[1], n[2], d};
    const Float4 weighted = normal * w;
    return {weighted * normal, Float4{weighted[0], weighted[0], weighted[1], w} * Float4{n[1], n[2], n[2], 1},
            weighted * d};
  }

  /// The squared distance to the point `p`, times `w`; the weight stays.
  void add_point(const Float3& p, float w) {
    squares += Float4{w, w, w, w * dot(p, p)};
    linear -= Float4{p[0], p[1], p[2], 0} * w;
  }

  /// Half of the gradient at `p`: A p + b.
  Float3 half_gradient(const Float3& p) const {
    return {squares[0] * p[0] + mixed[0] * p[1] + mixed[1] * p[2] + linear[0],
            mixed[0] * p[0] + squares[1] * p[1] + mixed[2] * p[2] + linear[1],
            mixed[1] * p[0] + mixed[2] * p[1] + squares[2] * p[2] + linear[2]};
  }

  float at(const Float3& p) const {
    const Float3 g = half_gradient(p);
    return g[0] * p[0] + g[1] * p[1] + g[2] * p[2] + linear[0] * p[0] + linear[1] * p[1] + linear[2] * p[2] +
           squares[3];
  }

  /// The point of the least sum, found from `start` (a point near it, which keeps rounding small), and its sum.
  /// A must be positive definite, as add_point() makes it.
  float minimum(const Float3& start, Float3& place) const {
    const Float3 g = half_gradient(start);
    // A = L D L'; solves A step = -g.
    const float d0 = 1 / squares[0];
    const float l1 = mixed[0] * d0;
    const float l2 = mixed[1] * d0;
    const float d1 = 1 / (squares[1] - l1 * mixed[0]);
    const float yz = mixed[2] - l1 * mixed[1];
    const float l3 = yz * d1;
    const float d2 = 1 / (squares[2] - l2 * mixed[1] - l3 * yz);
    const float y0 = -g[0];
    const float y1 = -g[1] - l1 * y0;
    const float y2 = -g[2] - l2 * y0 - l3 * y1;
    const float sz = y2 * d2;
    const float sy = y1 * d1 - l3 * sz;
    const float sx = y0 * d0 - l1 * sy - l2 * sz;
    place = {start[0] + sx, start[1] + sy, start[2] + sz};
    const float at_start =
        dot(g, start) + linear[0] * start[0] + linear[1] * start[1] + linear[2] * start[2] + squares[3];
    return at_start + g[0] * sx + g[1] * sy + g[2] * sz;
  }
};

}  // namespace ngforge
