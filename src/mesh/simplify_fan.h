// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "mesh/simplify_quadric.h"

namespace ngforge {

/// The triangles around a vertex, to ask for the distance of points to them.
class Fan {
 public:
  void start(const Vec3& middle) {
    middle_ = middle;
    triangles_.clear();
    nearest_ = 0;
  }

  void add(const Vec3& a, const Vec3& b) {
    Triangle t{a - middle_, b - middle_, 0, 0, 0, 0};
    t.aa = dot(t.a, t.a);
    t.ab = dot(t.a, t.b);
    t.bb = dot(t.b, t.b);
    const float det = t.aa * t.bb - t.ab * t.ab;
    t.inverse = det > 1e-6F * t.aa * t.bb ? 1 / det : 0;
    triangles_.push_back(t);
  }

  /// The squared distance of `point` to the triangles if it is over `enough2`; else some distance up to that to one.
  float distance2(const Vec3& point, float enough2) {
    const Vec3 p = point - middle_;
    const float pp = dot(p, p);
    // Points come one beside the other: begin where the last one was near.
    float best = of(triangles_[nearest_], p, pp);
    for (std::size_t i = 0; i < triangles_.size() && best > enough2; ++i) {
      const float d2 = of(triangles_[i], p, pp);
      if (d2 < best) {
        best = d2;
        nearest_ = i;
      }
    }
    return best;
  }

 private:
  static constexpr float kTiny = 1e-30F;

  struct Triangle {
    Vec3 a;
    Vec3 b;
    float aa, ab, bb;
    float inverse;  // of the determinant; 0 for slivers, whose edges are all that counts
  };

  static float of(const Triangle& t, const Vec3& p, float pp) {
    const float pa = dot(p, t.a);
    const float pb = dot(p, t.b);
    const float u = (t.bb * pa - t.ab * pb) * t.inverse;
    const float v = (t.aa * pb - t.ab * pa) * t.inverse;
    if (t.inverse > 0 && u >= 0 && v >= 0 && u + v <= 1) return std::max(0.0F, pp - u * pa - v * pb);
    // To an edge from the middle along e: |p|^2 - 2 s p.e + s^2 e.e.
    const float sa = std::clamp(pa / std::max(t.aa, kTiny), 0.0F, 1.0F);
    const float sb = std::clamp(pb / std::max(t.bb, kTiny), 0.0F, 1.0F);
    const float da = pp - sa * (2 * pa - sa * t.aa);
    const float db = pp - sb * (2 * pb - sb * t.bb);
    const Vec3 e = t.b - t.a;
    const Vec3 q = p - t.a;
    const float qe = dot(q, e);
    const float ee = dot(e, e);
    const float se = std::clamp(qe / std::max(ee, kTiny), 0.0F, 1.0F);
    return std::min({da, db, dot(q, q) - se * (2 * qe - se * ee)});
  }

  Vec3 middle_ = {};
  std::vector<Triangle> triangles_;
  std::size_t nearest_ = 0;
};

}  // namespace ngforge
