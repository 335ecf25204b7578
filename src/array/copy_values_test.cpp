// SPDX-License-Identifier: Apache-2.0
#include "array/copy_values.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

Extents strides_in_order(const Extents& shape, const std::vector<std::size_t>& order, std::size_t value_bytes) {
  Extents strides(shape.size());
  auto stride = static_cast<Index>(value_bytes);
  for (const std::size_t axis : order) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

Index offset(const Extents& at, const Extents& strides) {
  return std::inner_product(at.begin(), at.end(), strides.begin(), Index{0});
}

// All indices of a box.
template <class Function>
void for_each(const Extents& shape, const Function& function) {
  Extents at(shape.size(), 0);
  for (;;) {
    function(at);
    std::size_t a = 0;
    while (a < at.size() && ++at[a] == shape[a]) at[a++] = 0;
    if (a == at.size()) return;
  }
}

RC_GTEST_PROP(CopyValues, MovesEveryValue, ()) {
  const auto type = *rc::gen::element(StoredType::uint8, StoredType::int16, StoredType::float32, StoredType::uint64,
                                      StoredType::complex64, StoredType::complex128);
  const auto rank = *rc::gen::inRange<std::size_t>(1, 6);
  const auto shape = *rc::gen::container<Extents>(rank, rc::gen::inRange<Index>(1, rank < 3 ? 80 : 8));
  std::vector<std::size_t> axes(rank);
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  const bool swaps = *rc::gen::arbitrary<bool>();
  const auto random_order = [&] {
    auto order = axes;
    for (std::size_t i = rank; i > 1; --i) std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
    return order;
  };
  const auto from_strides = strides_in_order(shape, random_order(), size_of(type));
  const auto to_strides = strides_in_order(shape, random_order(), size_of(type));
  Bytes from(value_bytes_of(shape, type)), to(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 167 + (i >> 8));
  copy_values(type, shape, from.data(), from_strides, to.data(), to_strides, swaps);
  const bool is_complex = type == StoredType::complex64 || type == StoredType::complex128;
  const std::size_t number_bytes = size_of(type) / (is_complex ? 2 : 1);
  for_each(shape, [&](const Extents& at) {
    Bytes value(from.begin() + offset(at, from_strides),
                from.begin() + offset(at, from_strides) + static_cast<Index>(size_of(type)));
    for (std::size_t n = 0; swaps && n < value.size(); n += number_bytes)
      std::reverse(value.begin() + static_cast<Index>(n), value.begin() + static_cast<Index>(n + number_bytes));
    RC_ASSERT(std::memcmp(value.data(), to.data() + offset(at, to_strides), value.size()) == 0);
  });
}

TEST(CopyValues, LeavesWhatIsBetweenRows) {
  // A 2 x 3 box of a 2 x 5 target.
  const std::array<std::uint16_t, 6> from{1, 2, 3, 4, 5, 6};
  std::array<std::uint16_t, 10> to{};
  to.fill(9);
  copy_values(StoredType::uint16, {2, 3}, reinterpret_cast<const std::byte*>(from.data()), {6, 2},
              reinterpret_cast<std::byte*>(to.data()), {10, 2}, false);
  EXPECT_EQ(to, (std::array<std::uint16_t, 10>{1, 2, 3, 9, 9, 4, 5, 6, 9, 9}));
}

TEST(FillValues, RepeatsOneValue) {
  std::array<std::int32_t, 12> to{};
  const std::int32_t value = -7;
  fill_values(StoredType::int32, {3, 2}, std::as_bytes(std::span(&value, 1)), reinterpret_cast<std::byte*>(to.data()),
              {16, 4});
  EXPECT_EQ(to, (std::array<std::int32_t, 12>{-7, -7, 0, 0, -7, -7, 0, 0, -7, -7, 0, 0}));
  std::array<float, 6> pairs{};
  const std::array<float, 2> one{1.5F, -2};
  fill_values(StoredType::complex64, {3}, std::as_bytes(std::span(one)), reinterpret_cast<std::byte*>(pairs.data()),
              {8});
  EXPECT_EQ(pairs, (std::array<float, 6>{1.5F, -2, 1.5F, -2, 1.5F, -2}));
}

}  // namespace
}  // namespace ngforge
