// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ngforge {

using Float3 = std::array<float, 3>;

inline Float3 operator-(const Float3& a, const Float3& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
inline float dot(const Float3& a, const Float3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline Float3 cross(const Float3& a, const Float3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// Four floats in one register of the baseline, and what comparing two of them gives: all bits of a lane, or none.
using Float4 [[gnu::vector_size(16)]] = float;
using Int4 [[gnu::vector_size(16)]] = std::int32_t;

inline Float4 load4(const float* first) {
  Float4 four;
  std::memcpy(&four, first, sizeof four);
  return four;
}
inline Float4 all4(float value) {
  return Float4{value, value, value, value};
}
inline Float4 max4(const Float4& a, const Float4& b) {
  return a > b ? a : b;
}
inline Float4 min4(const Float4& a, const Float4& b) {
  return a < b ? a : b;
}
inline bool is_any(const Int4& lanes) {
  return (lanes[0] | lanes[1] | lanes[2] | lanes[3]) != 0;
}

/// Four points, or vectors, one in each lane.
struct FourPoints {
  Float4 x, y, z;

  static FourPoints all(const Float3& p) { return {all4(p[0]), all4(p[1]), all4(p[2])}; }
  void set(std::size_t lane, const Float3& p) {
    x[lane] = p[0];
    y[lane] = p[1];
    z[lane] = p[2];
  }
};

inline FourPoints operator-(const FourPoints& a, const Float3& b) {
  return {a.x - b[0], a.y - b[1], a.z - b[2]};
}
inline Float4 dot(const FourPoints& a, const Float3& b) {
  return a.x * b[0] + a.y * b[1] + a.z * b[2];
}
inline Float4 dot(const FourPoints& a, const FourPoints& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline FourPoints cross(const FourPoints& a, const FourPoints& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

}  // namespace ngforge
