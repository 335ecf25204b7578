// SPDX-License-Identifier: Apache-2.0
// PNG specification (third edition), 9: filtering.
#include "codec/png_filter.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <type_traits>

namespace ngforge {
namespace {

using Byte = std::uint8_t;
template <PngFilter kFilter>
using Constant = std::integral_constant<PngFilter, kFilter>;

// Of left, above and above left the one that is nearest to left + above - above left.
int paeth(int left, int above, int corner) {
  const int to_left = std::abs(above - corner), to_above = std::abs(left - corner),
            to_corner = std::abs(left + above - 2 * corner);
  const int other = to_above <= to_corner ? above : corner;
  return to_left <= to_above && to_left <= to_corner ? left : other;
}

template <PngFilter kFilter>
int predicted(int left, int above, int corner) {
  switch (kFilter) {
    case PngFilter::none: return 0;
    case PngFilter::left: return left;
    case PngFilter::above: return above;
    case PngFilter::average: return (left + above) / 2;
    case PngFilter::paeth: return paeth(left, above, corner);
  }
  __builtin_unreachable();
}

// The sum of the differences, taken as signed.
template <PngFilter kFilter>
std::uint32_t filter_row(std::span<const Byte> row, const Byte* above, std::size_t pixel_bytes, Byte* out) {
  const Byte* const left = row.data() - pixel_bytes;
  const Byte* const corner = above - pixel_bytes;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    out[i] = static_cast<Byte>(row[i] - predicted<kFilter>(left[i], above[i], corner[i]));
    sum += std::min<std::uint32_t>(out[i], 256u - out[i]);
  }
  return sum;
}

template <PngFilter kFilter, std::size_t kPixelBytes>
void unfilter_row(std::span<Byte> row, const Byte* above) {
  // What is to the left stays in registers: through memory each byte would wait for the one before.
  std::array<int, kPixelBytes> left{}, corner{};
  for (std::size_t i = 0; i < row.size(); i += kPixelBytes)
    for (std::size_t k = 0; k < kPixelBytes; ++k) {
      const int value = (row[i + k] + predicted<kFilter>(left[k], above[i + k], corner[k])) & 0xff;
      row[i + k] = static_cast<Byte>(value);
      left[k] = value;
      corner[k] = above[i + k];
    }
}

template <PngFilter kFilter>
void unfilter(std::span<Byte> row, const Byte* above, std::size_t pixel_bytes) {
  switch (pixel_bytes) {
    case 1: return unfilter_row<kFilter, 1>(row, above);
    case 2: return unfilter_row<kFilter, 2>(row, above);
    case 3: return unfilter_row<kFilter, 3>(row, above);
    case 4: return unfilter_row<kFilter, 4>(row, above);
    case 6: return unfilter_row<kFilter, 6>(row, above);
    default: return unfilter_row<kFilter, 8>(row, above);
  }
}

}  // namespace

void filter_png_row(std::span<const Byte> row, const Byte* above, std::size_t pixel_bytes, Byte* out, Byte* trial) {
  std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
  Byte* best = out;
  const auto attempt = [&](auto filter) {
    Byte* const into = best == out ? trial : out;
    const std::uint32_t sum = filter_row<filter()>(row, above, pixel_bytes, into + kFilterByte);
    if (sum >= least) return;
    into[0] = static_cast<Byte>(filter());
    best = into;
    least = sum;
  };
  attempt(Constant<PngFilter::none>());
  attempt(Constant<PngFilter::left>());
  attempt(Constant<PngFilter::above>());
  attempt(Constant<PngFilter::average>());
  attempt(Constant<PngFilter::paeth>());
  if (best != out) std::copy_n(best, kFilterByte + row.size(), out);
}

bool unfilter_png_row(Byte filter, std::span<Byte> row, const Byte* above, std::size_t pixel_bytes) {
  switch (static_cast<PngFilter>(filter)) {
    case PngFilter::none: return true;
    case PngFilter::left: unfilter<PngFilter::left>(row, above, pixel_bytes); return true;
    case PngFilter::above:
      for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<Byte>(row[i] + above[i]);
      return true;
    case PngFilter::average: unfilter<PngFilter::average>(row, above, pixel_bytes); return true;
    case PngFilter::paeth: unfilter<PngFilter::paeth>(row, above, pixel_bytes); return true;
  }
  return false;
}

}  // namespace ngforge
