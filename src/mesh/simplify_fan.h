// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "mesh/simplify_vectors.h"

namespace ngforge {

/// A triangle by the places of its other corners as seen from the first one.
struct SeenTriangle {
  SeenTriangle(const Float3& to_a, const Float3& to_b) : a(to_a), b(to_b), aa(dot(a, a)), ab(dot(a, b)), bb(dot(b, b)) {
    const float det = aa * bb - ab * ab;
    inverse = det > 1e-6F * aa * bb ? 1 / det : 0;
  }

  /// The squared distance of `p`, seen from the first corner, at a squared distance of `pp` from it.
  float distance2(const Float3& p, float pp) const {
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
    const Float3 e = b - a;
    const Float3 q = p - a;
    const float qe = dot(q, e);
    const float ee = dot(e, e);
    const float se = std::clamp(qe / std::max(ee, kTiny), 0.0F, 1.0F);
    return std::min({da, db, dot(q, q) - se * (2 * qe - se * ee)});
  }

  static constexpr float kTiny = 1e-30F;

  Float3 a;
  Float3 b;
  float aa, ab, bb;
  float inverse;  // of the determinant; 0 for slivers, whose edges are all that counts
};

/// The triangles around a vertex, to ask for the distances of points to them, four at a time.
class Fan {
 public:
  void start(const Float3& middle) {
    middle_ = middle;
    triangles_.clear();
    first_ = 0;
  }

  void add(const Float3& a, const Float3& b) { triangles_.emplace_back(a - middle_, b - middle_); }

  /// The squared distance of each point to the triangles if that of one of them is over `enough2`; else some distances
  /// up to that, each to one of the triangles.
  Float4 distances2(const FourPoints& points, float enough2) {
    const FourPoints p = points - middle_;
    const Float4 pp = dot(p, p);
    Float4 best = pp;
    // Points come one beside the other: begin where the last ones were near.
    for (std::size_t count = 0; count < triangles_.size(); ++count) {
      best = min4(best, triangles_[first_].distances2(p, pp));
      if (!is_any(best > enough2)) break;
      first_ = first_ + 1 == triangles_.size() ? 0 : first_ + 1;
    }
    return best;
  }

 private:
  struct Triangle : SeenTriangle {
    Triangle(const Float3& to_a, const Float3& to_b) : SeenTriangle(to_a, to_b), ee(std::max(aa - 2 * ab + bb, 0.0F)) {
      const Float4 inverses = 1 / max4(Float4{aa, bb, ee, 1}, all4(kTiny));
      inverse_aa = inverses[0];
      inverse_bb = inverses[1];
      inverse_ee = inverses[2];
    }

    /// As distance2(), without branches.
    Float4 distances2(const FourPoints& p, const Float4& pp) const {
      const Float4 pa = dot(p, a);
      const Float4 pb = dot(p, b);
      const Float4 u = (bb * pa - ab * pb) * inverse;
      const Float4 v = (aa * pb - ab * pa) * inverse;
      const Float4 to_plane = pp - u * pa - v * pb;
      const Float4 to_a = edge_distances2(pp, pa, aa, inverse_aa);
      const Float4 to_b = edge_distances2(pp, pb, bb, inverse_bb);
      const Float4 to_e = edge_distances2(pp - 2 * pa + aa, pb - pa - ab + aa, ee, inverse_ee);
      const Int4 is_inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (all4(inverse) > 0);
      return max4(is_inside ? to_plane : min4(min4(to_a, to_b), to_e), all4(0));
    }

    /// To an edge e from points at a squared distance of `qq` from where it begins, `qe` their product with it.
    static Float4 edge_distances2(const Float4& qq, const Float4& qe, float ee, float inverse_ee) {
      const Float4 s = min4(max4(qe * inverse_ee, all4(0)), all4(1));
      return qq - s * (2 * qe - s * ee);
    }

    float ee;
    float inverse_aa, inverse_bb, inverse_ee;
  };

  Float3 middle_ = {};
  std::vector<Triangle> triangles_;
  std::size_t first_ = 0;
};

}  // namespace ngforge
