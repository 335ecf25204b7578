// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/stored_type.h"
#include "source/source.h"

// What the sources share whose axes have no names and no lengths: .npy, raw binary, HDF5.
namespace ngforge {

/// The type of numbers and their byte order.
struct NumberType {
  StoredType type = StoredType::uint8;
  bool is_foreign_order = false;  // not the machine's

  /// Of one number: half a complex value.
  std::size_t number_bytes() const;
};

/// Reads a type as NumPy spells it: "uint16", "u2", "<u2", ">f4", "|u1", "=i4", "?", "bool", "complex64". Nothing when
/// it is another one (objects, text, records, dates).
std::optional<NumberType> parse_numpy_type(std::string_view text);

/// Takes the axes of an array, the fastest first, as those of a volume, and fills size_ijk, channels, their order and
/// the affine of a volume without lengths (voxels of 1, the corner at 0).
///
/// The fastest axis is x, then y, then z; two axes are one plane. A fourth axis holds channels: it is the fastest one
/// if that has at most 4 values (three or four of uint8 are colours), else the slowest. Axes of length 1 behind the
/// third do not count. header.type must be set. Returns which axis holds the channels, if one does. Errors:
/// invalid_data (an axis of length 0), unsupported (more axes, none).
Result<std::optional<std::size_t>> take_plain_axes(std::span<const Index> shape_fastest_first, std::string_view place,
                                                   VolumeHeader& header);

}  // namespace ngforge
