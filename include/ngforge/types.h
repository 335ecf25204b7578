// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ngforge {

/// A count or coordinate. Signed, so that differences and negative offsets are plain arithmetic.
using Index = std::int64_t;

/// The type of one value in memory. Always in the machine's byte order.
enum class DataType : std::uint8_t {
#define NGFORGE_TYPE(name, type) name,
#include "ngforge/types.def"
#undef NGFORGE_TYPE
};

/// "uint8" ... "float64", as the precomputed `data_type` member spells it.
std::string_view name_of(DataType type);
/// The inverse of name_of, or nothing. Exact spelling.
std::optional<DataType> parse_data_type(std::string_view name);
/// Bytes of one value: 1, 2, 4 or 8.
std::size_t size_of(DataType type);
bool is_integer(DataType type);
bool is_signed(DataType type);

/// Calls `function` with a value-initialised object of the C++ type of `type`.
template <class Function>
decltype(auto) visit_type(DataType type, Function&& function) {
  switch (type) {
#define NGFORGE_TYPE(name, cpp_type) \
  case DataType::name: return function(cpp_type{});
#include "ngforge/types.def"
#undef NGFORGE_TYPE
  }
  __builtin_unreachable();
}

/// Three numbers in one named space. Values of different spaces do not mix.
template <class Space, class T>
struct Vec3 {
  T x{}, y{}, z{};

  constexpr T& operator[](int axis) { return axis == 0 ? x : axis == 1 ? y : z; }
  constexpr const T& operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
  friend constexpr bool operator==(const Vec3&, const Vec3&) = default;
  friend constexpr Vec3 operator+(const Vec3& a, const Vec3& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend constexpr Vec3 operator-(const Vec3& a, const Vec3& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  constexpr T product() const { return x * y * z; }
  static constexpr Vec3 all(T value) { return {value, value, value}; }
};

struct VoxelSpace;   // output voxels of one scale, integer = voxel corner, axes x, y, z
struct GridSpace;    // chunks of one scale, axes x, y, z
struct SourceSpace;  // voxels of a source file in its stored axis order i (fastest), j, k
struct NmSpace;      // nanometres

using VoxelVec = Vec3<VoxelSpace, Index>;
using GridVec = Vec3<GridSpace, Index>;
using SourceVec = Vec3<SourceSpace, Index>;

/// Half-open box [begin, end). Empty when any side is <= 0.
template <class Space>
struct BasicBox {
  using Vec = Vec3<Space, Index>;
  Vec begin, end;

  constexpr Vec size() const { return end - begin; }
  constexpr bool empty() const { return end.x <= begin.x || end.y <= begin.y || end.z <= begin.z; }
  constexpr Index volume() const { return empty() ? 0 : size().product(); }
  constexpr bool contains(const Vec& p) const {
    return p.x >= begin.x && p.y >= begin.y && p.z >= begin.z && p.x < end.x && p.y < end.y && p.z < end.z;
  }
  constexpr bool contains(const BasicBox& other) const {
    return other.empty() || (other.begin.x >= begin.x && other.begin.y >= begin.y && other.begin.z >= begin.z &&
                             other.end.x <= end.x && other.end.y <= end.y && other.end.z <= end.z);
  }
  constexpr BasicBox intersect(const BasicBox& other) const {
    BasicBox r;
    for (int a = 0; a < 3; ++a) {
      r.begin[a] = begin[a] > other.begin[a] ? begin[a] : other.begin[a];
      r.end[a] = end[a] < other.end[a] ? end[a] : other.end[a];
      if (r.end[a] < r.begin[a]) r.end[a] = r.begin[a];
    }
    return r;
  }
  friend constexpr bool operator==(const BasicBox&, const BasicBox&) = default;
};
using Box = BasicBox<VoxelSpace>;
using GridBox = BasicBox<GridSpace>;
using SourceBox = BasicBox<SourceSpace>;

/// Half-open range of channels.
struct ChannelRange {
  Index begin = 0, end = 1;
  constexpr Index size() const { return end - begin; }
  friend constexpr bool operator==(const ChannelRange&, const ChannelRange&) = default;
};

/// Floor division for any sign of `a`, b > 0.
constexpr Index floor_div(Index a, Index b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
/// Ceiling division for any sign of `a`, b > 0.
constexpr Index ceil_div(Index a, Index b) {
  return -floor_div(-a, b);
}

/// A 4x4 affine, row major, m[row][column]; the last row is 0 0 0 1. What it maps is said by the name of the variable.
struct Affine {
  std::array<std::array<double, 4>, 4> m{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}};
  friend bool operator==(const Affine&, const Affine&) = default;
};

}  // namespace ngforge
