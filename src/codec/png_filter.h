// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ngforge {

/// The filter types of PNG rows: what is taken off each byte. Left is the byte of the pixel before, above the byte of
/// the row before; both are 0 outside of the picture.
enum class PngFilter : std::uint8_t { none, left, above, average, paeth };

/// A filtered row is this much longer than its pixels: it begins with its filter type.
inline constexpr std::size_t kFilterByte = 1;
/// Bytes of a pixel at most: 4 channels of 16 bits.
inline constexpr std::size_t kMostPixelBytes = 8;

/// Filters a row by the type whose differences are smallest, the usual heuristic. `row` and `above` have
/// kMostPixelBytes of zeros before them and row.size() bytes; `out` takes kFilterByte + row.size(), and `trial` as
/// many.
void filter_png_row(std::span<const std::uint8_t> row, const std::uint8_t* above, std::size_t pixel_bytes,
                    std::uint8_t* out, std::uint8_t* trial);

/// Gives a filtered row its values, in place. `above` holds the values of the row before (zeros for the first). `row`
/// is whole pixels of 1, 2, 3, 4, 6 or 8 bytes. False for a filter type that does not exist.
bool unfilter_png_row(std::uint8_t filter, std::span<std::uint8_t> row, const std::uint8_t* above,
                      std::size_t pixel_bytes);

}  // namespace ngforge
