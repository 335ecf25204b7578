// SPDX-License-Identifier: Apache-2.0
#include "pyramid/downsample.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <rapidcheck/gtest.h>

namespace ngforge {
namespace {

using ::testing::ElementsAre;

template <class T>
constexpr DataType type_of() {
#define NGFORGE_TYPE(name, cpp_type) \
  if (std::is_same_v<T, cpp_type>) return DataType::name;
#include "ngforge/types.def"
#undef NGFORGE_TYPE
}

using Downsample = void (*)(const BlockView&, const Box&, const Factor&, Downsampling, const Outside&,
                            const MutableBlockView&);

/// Hand counts hold for both implementations.
class HandCount : public ::testing::TestWithParam<Downsample> {
 protected:
  /// Reduces the volume `bounds`, whose values are given in x, y, z order.
  template <class T>
  std::vector<T> reduce(std::vector<T> values, const Box& bounds, const Factor& factor, Downsampling method,
                        Outside outside = {}) {
    const auto fine = dense_view(reinterpret_cast<const std::byte*>(values.data()), type_of<T>(), bounds, 1);
    const Box box = coarse_box(bounds, factor);
    std::vector<T> result(static_cast<std::size_t>(box.volume()));
    GetParam()(fine, bounds, factor, method, outside,
               dense_view(reinterpret_cast<std::byte*>(result.data()), type_of<T>(), box, 1));
    return result;
  }
  /// One cell of n voxels along x.
  template <class T>
  T cell(std::vector<T> values, Downsampling method) {
    const auto n = std::ssize(values);
    return reduce(std::move(values), {{0, 0, 0}, {n, 1, 1}}, {n, 1, 1}, method).front();
  }
};

constexpr auto kAverage = Downsampling::average;
constexpr auto kMajority = Downsampling::majority;
constexpr auto kStride = Downsampling::stride;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_P(HandCount, OrderSkipsNan) {
  const float nan = static_cast<float>(kNan);
  EXPECT_EQ(cell<std::int8_t>({3, -128, 127, 0}, Downsampling::min), -128);
  EXPECT_EQ(cell<std::int8_t>({3, -128, 127, 0}, Downsampling::max), 127);
  EXPECT_EQ(cell<std::int8_t>({3, -128, 127, 0}, Downsampling::median), 0);  // of 0 and 3 the lower
  EXPECT_EQ(cell<std::uint64_t>({7, 5, ~std::uint64_t{0}}, Downsampling::median), 7u);
  EXPECT_EQ(cell<float>({nan, 2, nan, 1}, Downsampling::min), 1);
  EXPECT_EQ(cell<float>({nan, 2, nan, 1}, Downsampling::max), 2);
  EXPECT_EQ(cell<float>({nan, 2, nan, 1, 3, nan}, Downsampling::median), 2);
  for (const auto method : {Downsampling::min, Downsampling::max, Downsampling::median})
    EXPECT_TRUE(std::isnan(cell<float>({nan, nan}, method)));
}

TEST_P(HandCount, AverageRoundsHalfToEven) {
  EXPECT_EQ(cell<std::uint8_t>({0, 1}, kAverage), 0);
  EXPECT_EQ(cell<std::uint8_t>({1, 2}, kAverage), 2);
  EXPECT_EQ(cell<std::uint8_t>({2, 3}, kAverage), 2);
  EXPECT_EQ(cell<std::uint8_t>({255, 254}, kAverage), 254);
  EXPECT_EQ(cell<std::int8_t>({-1, 0}, kAverage), 0);
  EXPECT_EQ(cell<std::int8_t>({-1, -2}, kAverage), -2);
  EXPECT_EQ(cell<std::int8_t>({-128, -127}, kAverage), -128);
  EXPECT_EQ(cell<std::int16_t>({-5, -5, -6}, kAverage), -5);
  EXPECT_EQ(cell<std::uint8_t>({255, 255, 255, 255, 255, 255, 255, 251}, kAverage), 254);  // 254.5
  EXPECT_EQ(cell<std::uint8_t>({1, 1, 1, 1, 1, 1, 1, 5}, kAverage), 2);                    // 1.5
}

TEST_P(HandCount, AverageOf64BitIntegersIsExact) {
  const auto max = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(cell<std::uint64_t>({max, max, max, max - 1}, kAverage), max);
  EXPECT_EQ(cell<std::uint64_t>({max, max - 1}, kAverage), max - 1);
  const auto low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(cell<std::int64_t>({low, low, low, low + 2}, kAverage), low);
  EXPECT_EQ(cell<std::int64_t>({low, high}, kAverage), 0);
  EXPECT_EQ(cell<std::int64_t>({high, high, high}, kAverage), high);
}

TEST_P(HandCount, AverageOfFloatsSkipsNan) {
  const float nan = static_cast<float>(kNan);
  EXPECT_EQ(cell<float>({nan, 1, nan, 4}, kAverage), 2.5f);
  EXPECT_TRUE(std::isnan(cell<float>({nan, nan}, kAverage)));
  EXPECT_EQ(cell<float>({16777216.f, 1.f, 1.f, 1.f}, kAverage), 4194304.75f);  // float sums would lose the ones
  // x, y, z order: (1e308 + 1e308) overflows to infinity before -1e308 comes.
  EXPECT_TRUE(std::isinf(cell<double>({1e308, 1e308, -1e308, -1e308}, kAverage)));
  EXPECT_EQ(cell<double>({1e308, -1e308, 1e308, -1e308}, kAverage), 0);
}

TEST_P(HandCount, BorderCellsUseTheVoxelsThatExist) {
  // Voxels 1..3 along x: cells {1}, {2, 3}; then y has one row in its cell of two.
  EXPECT_THAT(reduce<std::uint8_t>({10, 20, 40}, {{1, 1, 0}, {4, 2, 1}}, {2, 2, 1}, kAverage), ElementsAre(10, 30));
  // Three of four exist: (1 + 2 + 4) / 3 = 2.33.
  EXPECT_THAT(reduce<std::uint8_t>({1, 2, 4}, {{0, 0, 0}, {3, 1, 1}}, {4, 1, 1}, kAverage), ElementsAre(2));
  // Negative side: voxels -3..0 make cells {-3}, {-2, -1}, {0}.
  EXPECT_THAT(reduce<std::int16_t>({5, 7, 9, 11}, {{-3, 0, 0}, {1, 1, 1}}, {2, 1, 1}, kAverage), ElementsAre(5, 8, 11));
}

TEST_P(HandCount, OutsideValueFillsCellsOfAverages) {
  const Outside zero{false, 0};
  EXPECT_THAT(reduce<std::uint8_t>({10, 20, 40}, {{1, 1, 0}, {4, 2, 1}}, {2, 2, 1}, kAverage, zero),
              ElementsAre(2, 15));
  EXPECT_THAT(reduce<std::uint8_t>({9}, {{0, 0, 0}, {1, 1, 1}}, {2, 1, 1}, kAverage, {false, 300}), ElementsAre(132));
  EXPECT_THAT(reduce<float>({9}, {{0, 0, 0}, {1, 1, 1}}, {2, 2, 1}, kAverage, {false, kNan}), ElementsAre(9));
  EXPECT_THAT(reduce<std::uint8_t>({7, 7, 9}, {{0, 0, 0}, {3, 1, 1}}, {2, 2, 2}, kMajority, zero), ElementsAre(7, 9));
  EXPECT_THAT(reduce<std::uint8_t>({7, 9}, {{1, 0, 0}, {3, 1, 1}}, {2, 2, 2}, kStride, zero), ElementsAre(7, 9));
}

TEST_P(HandCount, MajorityTiesGoToTheSmallest) {
  EXPECT_EQ(cell<std::uint32_t>({9, 3, 9, 3}, kMajority), 3u);
  EXPECT_EQ(cell<std::uint32_t>({9, 3, 9, 4}, kMajority), 9u);
  EXPECT_EQ(cell<std::uint64_t>({~0ull, 1ull << 63, 5, 6, 7, 8, 4, 9}, kMajority), 4u);
  EXPECT_EQ(cell<std::int8_t>({-1, 1}, kMajority), -1);
  EXPECT_EQ(cell<std::uint8_t>({0, 200, 200, 0, 0, 200, 1, 1}, kMajority), 0);
  EXPECT_EQ(cell<double>({kNan, kNan, kNan, 8, 3}, kMajority), 3);
  EXPECT_TRUE(std::isnan(cell<double>({kNan, kNan}, kMajority)));
}

TEST_P(HandCount, StrideTakesTheFirstVoxelThatExists) {
  EXPECT_THAT(reduce<std::uint16_t>({1, 2, 3, 4, 5}, {{-1, 0, 0}, {4, 1, 1}}, {2, 1, 1}, kStride),
              ElementsAre(1, 2, 4));
}

INSTANTIATE_TEST_SUITE_P(Both, HandCount, ::testing::Values(&downsample_reference, &downsample),
                         [](const auto& info) { return info.param == &downsample ? "Fast" : "Reference"; });

TEST(CellGrid, FollowsGlobalCells) {
  EXPECT_EQ(coarse_box({{-3, 5, 0}, {1, 6, 7}}, {2, 2, 4}), (Box{{-2, 2, 0}, {1, 3, 2}}));
  EXPECT_EQ(fine_box({{-2, 2, 1}, {0, 3, 2}}, {2, 2, 4}, {{-3, 5, 0}, {1, 6, 7}}), (Box{{-3, 5, 4}, {0, 6, 7}}));
}

/// A volume, the block of it that is downsampled (with slack around it) and the way to do it.
struct Case {
  DataType type = DataType::uint8;
  Index channels = 1;
  Box bounds, coarse;
  Factor factor{1, 1, 1};
  Downsampling method = kAverage;
  Outside outside;
  int values = 2;  // few distinct values make ties, many make roundings
  unsigned seed = 0;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  const auto put = [&](const Box& b) {
    out << "[" << b.begin.x << "," << b.begin.y << "," << b.begin.z << " .. " << b.end.x << "," << b.end.y << ","
        << b.end.z << ")";
  };
  out << name_of(c.type) << " x " << c.channels << " " << name_of(c.method) << " factor " << c.factor[0] << ","
      << c.factor[1] << "," << c.factor[2] << " edge " << c.outside.is_edge << " values " << c.values << " bounds ";
  put(c.bounds);
  out << " coarse ";
  put(c.coarse);
  return out;
}

Case random_case() {
  const auto in = [](Index low, Index high) { return *rc::gen::inRange<Index>(low, high); };
  Case c;
  c.channels = in(1, 3);
  c.outside = {in(0, 3) > 0, static_cast<double>(in(-3, 300))};
  c.values = static_cast<int>(*rc::gen::element(2, 3, 10, 1000));
  c.seed = static_cast<unsigned>(in(0, 1 << 30));
  const Index max_factor = in(2, 5);
  VoxelVec size{in(1, 300), in(1, 8), in(1, 8)};
  for (int a = 0; a < 3; ++a) {
    c.factor[a] = in(1, max_factor + 1);
    c.bounds.begin[a] = in(-5, 6);
    c.bounds.end[a] = c.bounds.begin[a] + size[a];
  }
  const Box all = coarse_box(c.bounds, c.factor);
  for (int a = 0; a < 3; ++a) {
    c.coarse.begin[a] = in(all.begin[a], all.end[a]);
    c.coarse.end[a] = in(c.coarse.begin[a], all.end[a]) + 1;
  }
  return c;
}

template <class T>
void fill(MutableBlockView view, const Case& c) {
  std::mt19937 random(c.seed);
  std::uniform_int_distribution<int> pick(0, c.values - 1);
  for (Index channel = 0; channel < view.channels; ++channel) {
    for (Index z = view.box.begin.z; z < view.box.end.z; ++z) {
      for (Index y = view.box.begin.y; y < view.box.end.y; ++y) {
        T* row = reinterpret_cast<T*>(view.row(y, z, channel));
        for (Index x = 0; x < view.size().x; ++x) {
          const int p = pick(random);
          if constexpr (std::is_floating_point_v<T>) {
            row[x] = p == 1 ? static_cast<T>(kNan) : p == 2 ? T{-0.0} : static_cast<T>(p * 0.1 - 7);
          } else {
            // Spread over the whole range of the type, both ends included.
            const auto spread = static_cast<std::uint64_t>(p) * 0x9e3779b97f4a7c15ull;
            row[x] = p % 7 == 1 ? std::numeric_limits<T>::max() : static_cast<T>(spread);
          }
        }
      }
    }
  }
}

/// A view into a larger allocation with gaps behind rows, slices and channels; everything starts as 0xa5.
struct StridedVolume {
  StridedVolume(DataType type, const Box& box, Index channels) {
    const auto v = static_cast<Index>(size_of(type));
    const VoxelVec s = box.size();
    view.type = type;
    view.box = box;
    view.channels = channels;
    view.stride_y = (s.x + 3) * v;
    view.stride_z = view.stride_y * s.y + 5 * v;
    view.stride_channel = view.stride_z * s.z + 7 * v;
    memory.assign(static_cast<std::size_t>(view.stride_channel * channels), std::byte{0xa5});
    view.data = memory.data();
  }
  std::vector<std::byte> memory;
  MutableBlockView view;
};

void expect_fast_equals_reference(const Case& c) {
  StridedVolume fine(c.type, fine_box(c.coarse, c.factor, c.bounds), c.channels);
  visit_type(c.type, [&](auto zero) { fill<decltype(zero)>(fine.view, c); });
  StridedVolume fast(c.type, c.coarse, c.channels), reference(c.type, c.coarse, c.channels);
  downsample(fine.view, c.bounds, c.factor, c.method, c.outside, fast.view);
  downsample_reference(fine.view, c.bounds, c.factor, c.method, c.outside, reference.view);
  RC_ASSERT(fast.memory == reference.memory);
}

constexpr DataType kTypes[] = {
#define NGFORGE_TYPE(name, cpp_type) DataType::name,
#include "ngforge/types.def"
#undef NGFORGE_TYPE
};

/// Makes the kernels take one instruction set for as long as it lives.
class WithTarget {
 public:
  explicit WithTarget(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~WithTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

RC_GTEST_PROP(Downsample, EqualsTheReferenceOnEveryTarget, ()) {
  Case c = random_case();
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const WithTarget only(target);
    for (const Downsampling method : kDownsamplings) {
      for (const DataType type : kTypes) {
        c.method = method;
        c.type = type;
        RC_LOG() << hwy::TargetName(target) << ": " << c << "\n";
        expect_fast_equals_reference(c);
      }
    }
  }
}

// Random geometry seldom gives long rows of the factors that matter most.
RC_GTEST_PROP(Downsample, HalvesLongRowsOnEveryTarget, ()) {
  Case c = random_case();
  for (int a = 0; a < 3; ++a) c.factor[a] = *rc::gen::inRange<Index>(1, 3);
  c.bounds.end[0] = c.bounds.begin[0] + *rc::gen::inRange<Index>(1, 600);
  c.coarse = coarse_box(c.bounds, c.factor);
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const WithTarget only(target);
    for (const Downsampling method : {kAverage, kMajority}) {
      for (const DataType type : kTypes) {
        c.method = method;
        c.type = type;
        RC_LOG() << hwy::TargetName(target) << ": " << c << "\n";
        expect_fast_equals_reference(c);
      }
    }
  }
}

}  // namespace
}  // namespace ngforge
