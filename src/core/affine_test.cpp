// SPDX-License-Identifier: Apache-2.0
#include "core/affine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/block.h"
#include "core/orientation.h"

namespace ngforge {
namespace {

using Directions = std::array<std::array<double, 3>, 3>;

Affine affine_of(const Directions& directions, std::array<double, 3> translation = {}) {
  Affine affine;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) affine.m[r][c] = directions[r][c];
    affine.m[r][3] = translation[r];
  }
  return affine;
}

void expect_near(const std::array<double, 3>& a, const std::array<double, 3>& b, double tolerance) {
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(a[k], b[k], tolerance) << "axis " << k;
}

const Affine kOblique =
    affine_of({{{0.384876, -0.140083, 2.294306}, {0.304228, 0.296874, -2.106163}, {-0.09652, 0.377151, 2.510027}}},
              {-90, 126, -72.5});

TEST(Affine, InverseUndoes) {
  for (const double scale : {1.0, 1e-9, 1e9}) {
    Affine affine = kOblique;
    for (auto& row : affine.m)
      for (auto& value : row) value *= scale;
    affine.m[3] = {0, 0, 0, 1};
    const auto inverted = inverse(affine);
    ASSERT_TRUE(inverted);
    expect_near(transform_point(*inverted, transform_point(affine, {3, 5, 7})), {3, 5, 7}, 1e-12);
    expect_near(transform_point(multiply(*inverted, affine), {3, 5, 7}), {3, 5, 7}, 1e-12);
  }
}

TEST(Affine, SingularOrInfiniteHasNoInverse) {
  EXPECT_FALSE(inverse(affine_of({{{1, 0, 1}, {0, 1, 1}, {0, 0, 0}}})));
  EXPECT_FALSE(inverse(affine_of({{{1, 0, 0}, {0, 0, 0}, {0, 0, 1}}})));
  EXPECT_FALSE(inverse(affine_of({{{0.1, 0.2, 0.3}, {0.4, 0.5, 0.9}, {0.7, 0.8, 1.5}}})));
  EXPECT_FALSE(inverse(affine_of({{{1, 0, 0}, {0, INFINITY, 0}, {0, 0, 1}}})));
  EXPECT_FALSE(inverse(affine_of({{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {0, NAN, 0})));
}

TEST(Affine, ProductAppliesRightThenLeft) {
  const Affine shift = affine_of({{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {10, 0, 0});
  const Affine twice = affine_of({{{2, 0, 0}, {0, 2, 0}, {0, 0, 2}}});
  EXPECT_EQ(transform_point(multiply(twice, shift), {1, 1, 1}), (std::array<double, 3>{22, 2, 2}));
  EXPECT_EQ(transform_point(multiply(shift, twice), {1, 1, 1}), (std::array<double, 3>{12, 2, 2}));
}

TEST(Affine, CornerTransformAsTheGeometryRuleSays) {
  const auto lengths_mm = column_lengths(kOblique);
  const std::array<double, 3> resolution_nm{lengths_mm[0] * 1e6, lengths_mm[1] * 1e6, lengths_mm[2] * 1e6};
  const Affine transform = corner_nm_transform(kOblique, resolution_nm);
  for (const double length : column_lengths(transform)) EXPECT_NEAR(length, 1, 1e-12);
  const std::array<double, 3> ijk{3, 0, 11};
  const auto world_nm = transform_point(transform, {(ijk[0] + .5) * resolution_nm[0], (ijk[1] + .5) * resolution_nm[1],
                                                    (ijk[2] + .5) * resolution_nm[2]});
  auto expected = transform_point(kOblique, ijk);
  for (auto& value : expected) value *= 1e6;
  expect_near(world_nm, expected, 1e-6);
  const Affine back = centre_mm_affine(transform, resolution_nm);
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) EXPECT_NEAR(back.m[r][c], kOblique.m[r][c], 1e-12);
}

TEST(Affine, CornerTransformOfOneMillimetreByHand) {
  const Affine affine = affine_of({{{2, 0, 0}, {0, 2, 0}, {0, 0, 3}}}, {-10, 5, 0});
  const Affine transform = corner_nm_transform(affine, {2e6, 2e6, 3e6});
  EXPECT_EQ(transform, affine_of({{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, {-11e6, 4e6, -1.5e6}));
}

struct OrientationCase {
  const char* name;
  Directions directions;
  const char* codes;  // '?': an axis that nibabel drops
};

// Expected: nibabel 5 io_orientation.
const OrientationCase kOrientations[] = {
    {"oblique 30 degrees about z", {{{-0.866025, -0.5, 0.0}, {-0.5, 0.866025, 0.0}, {0.0, 0.0, 1.0}}}, "LAS"},
    {"oblique 50 degrees about x", {{{1.0, 0.0, 0.0}, {0.0, 0.642788, -0.766044}, {0.0, 0.766044, 0.642788}}}, "RSP"},
    {"double oblique, anisotropic",
     {{{0.384876, -0.140083, 2.294306}, {0.304228, 0.296874, -2.106163}, {-0.09652, 0.377151, 2.510027}}},
     "RSP"},
    {"sheared so far that i and j both lean to R", {{{1.0, 0.9, 0.0}, {0.0, 0.5, 0.0}, {0.0, 0.0, 1.0}}}, "RAS"},
    {"sheared and mirrored", {{{-1.0, 0.9, 0.2}, {0.3, 0.5, 0.1}, {0.1, -0.8, 1.0}}}, "LAS"},
    {"gantry tilt", {{{-1.0, 0.0, 0.0}, {0.0, 0.9, 0.4}, {0.0, -0.3, 2.0}}}, "LAS"},
    {"k is a sum of i and j: rank 2", {{{1.0, 0.0, 1.0}, {0.0, 1.0, 1.0}, {0.0, 0.0, 0.0}}}, "RA?"},
    {"k is zero", {{{0.0, -2.0, 0.0}, {3.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}}, "AL?"},
    {"two equal columns", {{{1.0, 1.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 1.0}}}, "R?S"},
    {"tiny voxels", {{{0.0, 0.0, 1e-09}, {-1e-09, 0.0, 0.0}, {0.0, 1e-09, 0.0}}}, "PSR"},
    {"random 0", {{{0.0, 0.299, -2.741}, {-0.089, -0.455, -9.916}, {0.006, 1.34, -4.922}}}, "PSL"},
    {"random 1", {{{0.036, 0.105, -0.093}, {-0.003, 0.695, -0.134}, {-0.046, -1.901, -0.129}}}, "RIP"},
    {"random 2", {{{-0.024, -1.267, 0.271}, {0.016, -0.187, -2.517}, {-0.054, -0.049, 0.113}}}, "ILP"},
    {"random 3", {{{0.015, -9.785, -8.088}, {0.106, -8.075, -0.325}, {0.088, -5.836, -1.117}}}, "SPL"},
    {"random 4", {{{0.064, -1.225, 0.008}, {1.359, -1.547, 0.086}, {0.119, -0.641, 0.2}}}, "ALS"},
    {"random 5", {{{0.007, 0.577, -1.888}, {0.068, -0.067, 6.672}, {0.144, -0.676, 2.031}}}, "SRA"},
};

TEST(Orientation, EqualsNibabel) {
  for (const auto& row : kOrientations) {
    const std::string found = axis_codes(affine_of(row.directions));
    for (int axis = 0; axis < 3; ++axis)
      EXPECT_TRUE(row.codes[axis] == '?' || found[axis] == row.codes[axis]) << row.name << ": " << found;
  }
}

TEST(Orientation, DegenerateAffinesStillGetThreeDirections) {
  EXPECT_EQ(axis_codes(affine_of({{{0, -2, 0}, {3, 0, 0}, {0, 0, 0}}})), "ALS");
  EXPECT_EQ(axis_codes(affine_of({})), "RAS");
  EXPECT_EQ(axis_codes(affine_of({{{NAN, 0, 0}, {0, -1, 0}, {0, 0, 1}}})), "RAS");
}

std::vector<std::string> all_codes() {
  std::vector<std::string> codes;
  const std::array<std::string, 3> letters{"RL", "AP", "SI"};
  std::array<int, 3> order{0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      std::string code;
      for (int a = 0; a < 3; ++a) code += letters[order[a]][signs >> a & 1];
      codes.push_back(code);
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return codes;
}

TEST(Orientation, EveryCodeIsReachedFromEveryCode) {
  const SourceVec size_ijk{4, 5, 6};
  ASSERT_EQ(all_codes().size(), 48u);
  for (const auto& from : all_codes()) {
    Affine stored = affine_of({});
    for (int a = 0; a < 3; ++a) {
      const auto world = std::string("RASLPI").find(from[a]);
      stored.m[world % 3][a] = world < 3 ? 1.5 : -1.5;
    }
    stored.m[0][3] = 17;
    EXPECT_EQ(axis_codes(stored), from);
    for (const auto& code : all_codes()) {
      const auto map = orient(stored, code);
      ASSERT_TRUE(map.has_value());
      const Affine output = reordered_affine(stored, size_ijk, *map);
      EXPECT_EQ(axis_codes(output), code);
      // One voxel, seen from both sides, is at one place.
      const SourceBox voxel{{1, 2, 3}, {2, 3, 4}};
      const Box moved = to_output(voxel, size_ijk, *map);
      expect_near(transform_point(output, {double(moved.begin.x), double(moved.begin.y), double(moved.begin.z)}),
                  transform_point(stored, {1, 2, 3}), 1e-12);
      EXPECT_EQ(to_source(moved, size_ijk, *map), voxel);
      EXPECT_TRUE((Box{{0, 0, 0}, reordered_size(size_ijk, *map)}.contains(moved)));
    }
  }
}

TEST(Orientation, WrongCodesAreRefused) {
  for (const char* code : {"", "RA", "RASS", "RRS", "RLS", "ras", "XYZ"}) {
    const auto map = orient(Affine{}, code);
    ASSERT_FALSE(map.has_value()) << code;
    EXPECT_EQ(map.error().code, ErrorCode::invalid_argument);
  }
}

/// Copies one voxel at a time, as the definition reads.
void copy_by_definition(std::span<const std::byte> from, const SourceBox& box, ChannelRange channels,
                        const SourceVec& size, const AxisMap& map, const MutableBlockView& to) {
  const std::byte* p = from.data();
  const auto bytes = static_cast<Index>(to.value_bytes());
  for (Index c = channels.begin; c < channels.end; ++c)
    for (Index k = box.begin.z; k < box.end.z; ++k)
      for (Index j = box.begin.y; j < box.end.y; ++j)
        for (Index i = box.begin.x; i < box.end.x; ++i, p += bytes) {
          const SourceVec at{i, j, k};
          VoxelVec out;
          for (int a = 0; a < 3; ++a)
            out[a] = map.reversed[a] ? size[map.source_axis[a]] - 1 - at[map.source_axis[a]] : at[map.source_axis[a]];
          if (to.box.contains(out))
            std::memcpy(to.row(out.y, out.z, c) + (out.x - to.box.begin.x) * bytes, p, static_cast<std::size_t>(bytes));
        }
}

void expect_same_copy(std::mt19937& random, DataType type, const AxisMap& map) {
  const auto number = [&](Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); };
  SourceVec size{number(1, 90), number(1, 70), number(1, 12)};
  if (number(0, 1) == 1) std::swap(size.y, size.z);
  SourceBox box;
  for (int a = 0; a < 3; ++a) {
    box.begin[a] = number(0, 1) * number(0, size[a] - 1);
    box.end[a] = number(0, 1) == 1 ? size[a] : number(box.begin[a], size[a]);
  }
  const ChannelRange channels{number(0, 1), 2};
  std::vector<std::byte> from(static_cast<std::size_t>(box.volume() * channels.size()) * size_of(type));
  for (auto& byte : from) byte = static_cast<std::byte>(random());
  // A target that is larger on one side and smaller on the other, and not dense.
  Box outer{{-2, -1, -3}, reordered_size(size, map) + VoxelVec{1, 2, 1}};
  Box inner = outer;
  for (int a = 0; a < 3; ++a) {
    inner.begin[a] += number(0, 4);
    inner.end[a] = std::max(inner.begin[a], inner.end[a] - number(0, 4));
  }
  Block expected(type, outer, 2), found(type, outer, 2);
  std::memset(expected.bytes().data(), 0xee, expected.bytes().size());
  std::memset(found.bytes().data(), 0xee, found.bytes().size());
  copy_by_definition(from, box, channels, size, map, expected.view().crop(inner));
  copy_reordered(from, box, channels, size, map, found.view().crop(inner));
  ASSERT_EQ(std::memcmp(expected.bytes().data(), found.bytes().data(), found.bytes().size()), 0)
      << name_of(type) << " size " << size.x << ' ' << size.y << ' ' << size.z << " axes " << map.source_axis[0]
      << map.source_axis[1] << map.source_axis[2] << " reversed " << map.reversed[0] << map.reversed[1]
      << map.reversed[2];
}

TEST(CopyReordered, EqualsTheDefinitionForEveryAxisMapAndValueSize) {
  std::mt19937 random(1);
  for (const DataType type : {DataType::uint8, DataType::int16, DataType::float32, DataType::uint64}) {
    std::array<int, 3> axes{0, 1, 2};
    do {
      for (int reversed = 0; reversed < 8; ++reversed)
        for (int repeat = 0; repeat < 5; ++repeat)
          expect_same_copy(random, type, {axes, {(reversed & 1) != 0, (reversed & 2) != 0, (reversed & 4) != 0}});
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

}  // namespace
}  // namespace ngforge
