// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy, format version 1.0 (numpy.lib.format): magic, length of the text, a Python dictionary, spaces up to a
// multiple of 64 bytes, newline. Values in Fortran order, so that array[x, y, z] is the voxel.
#include <fmt/format.h>

#include <cstring>
#include <string>

#include "core/byte_cursor.h"
#include "sink/volume_file.h"

namespace ngforge {
namespace {

std::optional<DataType> stored_type(DataType type, bool) {
  return type;
}

std::vector<std::byte> header_of(const VolumeImage& image) {
  constexpr std::size_t kFront = 10, kUnit = 64;
  const char kind = !is_integer(image.type) ? 'f' : is_signed(image.type) ? 'i' : 'u';
  const std::size_t bytes = size_of(image.type);
  std::string shape = fmt::format("{}, {}, {}", image.size_vox.x, image.size_vox.y, image.size_vox.z);
  if (image.channels > 1) shape += fmt::format(", {}", image.channels);
  std::string text = fmt::format("{{'descr': '{}{}{}', 'fortran_order': True, 'shape': ({}), }}",
                                 bytes == 1 ? '|' : '<', kind, bytes, shape);
  text.resize((kFront + text.size() + kUnit) / kUnit * kUnit - kFront - 1, ' ');
  text += '\n';
  std::vector<std::byte> header(kFront + text.size());
  std::memcpy(header.data(), "\x93NUMPY\x01\x00", 8);
  store(header.data() + 8, static_cast<std::uint16_t>(text.size()));
  std::memcpy(header.data() + kFront, text.data(), text.size());
  return header;
}

}  // namespace

extern const VolumeFileDescriptor npy_file;
const VolumeFileDescriptor npy_file{.name = "npy",
                                    .title = "NumPy array [x, y, z] or [x, y, z, channel], without geometry",
                                    .suffixes = ".npy",
                                    .interleaves_colors = false,
                                    .is_big_endian = false,
                                    .stored_types = "every type",
                                    .stored_type = stored_type,
                                    .header = header_of};

}  // namespace ngforge
