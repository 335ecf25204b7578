// SPDX-License-Identifier: Apache-2.0
// FreeSurfer's MGH (surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat): big-endian, a header of 284 bytes, then
// the values, frames slowest. The orientation is told by direction cosines and the RAS of the voxel at half the size.
#include <array>
#include <bit>
#include <cmath>

#include "core/affine.h"
#include "core/byte_cursor.h"
#include "sink/volume_file.h"

namespace ngforge {
namespace {

constexpr std::size_t kHeaderBytes = 284;

std::int32_t code_of(DataType type) {
  switch (type) {
    case DataType::uint8: return 0;
    case DataType::int32: return 1;
    case DataType::float32: return 3;
    default: return 4;  // int16
  }
}

std::optional<DataType> stored_type(DataType type, bool is_label) {
  switch (type) {
    case DataType::uint8:
    case DataType::int16:
    case DataType::int32:
    case DataType::float32: return type;
    case DataType::int8: return DataType::int16;
    case DataType::uint16: return DataType::int32;
    case DataType::uint32: return is_label ? std::optional(DataType::int32) : std::nullopt;
    default: return std::nullopt;
  }
}

std::vector<std::byte> header_of(const VolumeImage& image) {
  std::vector<std::byte> header(kHeaderBytes);
  std::size_t at = 0;
  const auto put_int = [&](Index value) {
    store<std::endian::big>(header.data() + at, static_cast<std::int32_t>(value));
    at += 4;
  };
  const auto put_float = [&](double value) {
    store<std::endian::big>(header.data() + at, static_cast<float>(value));
    at += 4;
  };
  put_int(1);  // version
  for (int a = 0; a < 3; ++a) put_int(image.size_vox[a]);
  put_int(image.channels);
  put_int(code_of(image.type));
  put_int(0);                                                    // degrees of freedom
  store<std::endian::big>(header.data() + at, std::int16_t{1});  // the orientation is valid
  at += 2;
  const auto& m = image.affine_centre_to_mm.m;
  const auto lengths = column_lengths(image.affine_centre_to_mm);
  for (const double length : lengths) put_float(length);
  for (std::size_t column = 0; column < 3; ++column)
    for (std::size_t row = 0; row < 3; ++row) put_float(m[row][column] / lengths[column]);
  for (std::size_t row = 0; row < 3; ++row) {
    double centre = m[row][3];
    for (int a = 0; a < 3; ++a)
      centre += m[row][static_cast<std::size_t>(a)] * static_cast<double>(image.size_vox[a]) / 2;
    put_float(centre);
  }
  return header;
}

}  // namespace

extern const VolumeFileDescriptor mgh_file;
const VolumeFileDescriptor mgh_file{.name = "mgh",
                                    .title = "FreeSurfer MGH and MGZ",
                                    .suffixes = ".mgz .mgh .mgh.gz",
                                    .interleaves_colors = false,
                                    .is_big_endian = true,
                                    .stored_types = "uint8, int16, int32 and float32",
                                    .stored_type = stored_type,
                                    .header = header_of};

}  // namespace ngforge
