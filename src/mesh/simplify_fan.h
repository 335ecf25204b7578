// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "mesh/simplify_quadric.h"

namespace ngforge {

/// A triangle by the places of its other corners as seen from the first one.
struct SeenTriangle {
  SeenTriangle(const Vec3& to_a, const Vec3& to_b) : a(to_a), b(to_b), aa(dot(a, a)), ab(dot(a, b)), bb(dot(b, b)) {
    const float det = aa * bb - ab * ab;
    inverse = det > 1e-6F * aa * bb ? 1 / det : 0;
  }

  /// The squared distance of `p`, seen from the first corner, at a squared distance of `pp` from it.
  float distance2(const Vec3& p, float pp) const {
    const float pa = dot(p, a);
    const float pb = dot(p, b);
    const float u = (bb * pa - ab * pb) * inverse;
    const float v = (aa * pb - ab * pa) * inverse;
    if (inverse > 0 && u >= 0 && v >= 0 && u + v <= 1) return std::max(0.0F, pp - u * pa - v * pb);
    // To an edge from the first corner along e: |p|^2 - 2 s p.e + s^2 e.e.
    const float sa = std::clamp(pa / std::max(aa, kTiny), 0.0F, 1.0F);
    const float sb = std::clamp(pb / std::max(bb, kTiny), 0.0F, 1.0F);
    const float da = pp - sa * (2 * pa - sa * aa);
    const float db = pp - sb * (2 * pb - sb * bb);
    const Vec3 e = b - a;
    const Vec3 q = p - a;
    const float qe = dot(q, e);
    const float ee = dot(e, e);
    const float se = std::clamp(qe / std::max(ee, kTiny), 0.0F, 1.0F);
    return std::min({da, db, dot(q, q) - se * (2 * qe - se * ee)});
  }

  static constexpr float kTiny = 1e-30F;

  Vec3 a;
  Vec3 b;
  float aa, ab, bb;
  float inverse;  // of the determinant; 0 for slivers, whose edges are all that counts
};

/// The triangles around a vertex, to ask for the distance of points to them.
class Fan {
 public:
  void start(const Vec3& middle) {
    middle_ = middle;
    triangles_.clear();
    nearest_ = 0;
  }

  void add(const Vec3& a, const Vec3& b) { triangles_.emplace_back(a - middle_, b - middle_); }

  /// The squared distance of `point` to the triangles if it is over `enough2`; else some distance up to that to one.
  float distance2(const Vec3& point, float enough2) {
    const Vec3 p = point - middle_;
    const float pp = dot(p, p);
    // Points come one beside the other: begin where the last one was near.
    float best = triangles_[nearest_].distance2(p, pp);
    for (std::size_t i = 0; i < triangles_.size() && best > enough2; ++i) {
      const float d2 = triangles_[i].distance2(p, pp);
      if (d2 < best) {
        best = d2;
        nearest_ = i;
      }
    }
    return best;
  }

 private:
  Vec3 middle_ = {};
  std::vector<SeenTriangle> triangles_;
  std::size_t nearest_ = 0;
};

}  // namespace ngforge
