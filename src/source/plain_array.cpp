// SPDX-License-Identifier: Apache-2.0
#include "source/plain_array.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

namespace ngforge {
namespace {

constexpr Index kMostFastChannels = 4;

struct Spelling {
  const char* code;  // kind and bytes
  StoredType type;
};
constexpr Spelling kSpellings[] = {
    {"b1", StoredType::boolean},    {"?", StoredType::boolean},      {"bool", StoredType::boolean},
    {"u1", StoredType::uint8},      {"i1", StoredType::int8},        {"u2", StoredType::uint16},
    {"i2", StoredType::int16},      {"u4", StoredType::uint32},      {"i4", StoredType::int32},
    {"u8", StoredType::uint64},     {"i8", StoredType::int64},       {"f2", StoredType::float16},
    {"f4", StoredType::float32},    {"f8", StoredType::float64},     {"f16", StoredType::float128},
    {"c8", StoredType::complex64},  {"c16", StoredType::complex128}, {"c32", StoredType::complex256},
    {"float", StoredType::float64},
};

std::optional<StoredType> type_called(std::string_view name) {
  for (const Spelling& spelling : kSpellings)
    if (name == spelling.code) return spelling.type;
  for (int n = 0; n <= static_cast<int>(StoredType::complex256); ++n)
    if (name == name_of(static_cast<StoredType>(n))) return static_cast<StoredType>(n);
  return std::nullopt;
}

}  // namespace

std::size_t NumberType::number_bytes() const {
  return size_of(type) / (type >= StoredType::complex64 ? 2 : 1);
}

std::optional<NumberType> parse_numpy_type(std::string_view text) {
  std::endian order = std::endian::native;
  if (!text.empty() && std::string_view("<>=|").find(text.front()) != std::string_view::npos) {
    if (text.front() == '<') order = std::endian::little;
    if (text.front() == '>') order = std::endian::big;
    text.remove_prefix(1);
  }
  const auto type = type_called(text);
  if (!type) return std::nullopt;
  NumberType number{*type, false};
  number.is_foreign_order = order != std::endian::native && number.number_bytes() > 1;
  return number;
}

Result<std::optional<std::size_t>> take_plain_axes(std::span<const Index> shape_fastest_first, std::string_view place,
                                                   VolumeHeader& header) {
  std::vector<Index> axes(shape_fastest_first.begin(), shape_fastest_first.end());
  std::string sizes;
  for (const Index length : axes) sizes += fmt::format("{}{}", sizes.empty() ? "" : " x ", length);
  if (std::ranges::any_of(axes, [](Index length) { return length < 1; }))
    return make_error(ErrorCode::invalid_data, "{}: expected axes of 1 or more voxels, found {}", place, sizes)
        .of_source();
  while (axes.size() > 3 && axes.back() == 1) axes.pop_back();
  if (axes.empty() || axes.size() > 4)
    return make_error(ErrorCode::unsupported, "{}: expected an array of 2 to 4 axes (x, y, z, channel), found {}",
                      place, axes.empty() ? "a single value" : sizes)
        .of_source();
  header.channels = 1;
  std::optional<std::size_t> channel_axis;
  if (axes.size() == 4 && axes.front() <= kMostFastChannels) {
    header.channels = axes.front();
    header.channels_are_interleaved = header.channels > 1;
    header.channels_are_colors = header.type == StoredType::uint8 && header.channels >= 3;
    axes.erase(axes.begin());
    channel_axis = 0;
    if (header.channels > 1) header.channel_axes = {1, header.channels};
  } else if (axes.size() == 4) {
    header.channels = axes.back();
    header.channel_axes = {header.channels};
    axes.pop_back();
    channel_axis = 3;
  }
  axes.resize(3, 1);
  for (int a = 0; a < 3; ++a) {
    header.size_ijk[a] = axes[static_cast<std::size_t>(a)];
    header.affine_ijk_to_mm.m[static_cast<std::size_t>(a)][3] = 0.5;
  }
  return channel_axis;
}

}  // namespace ngforge
