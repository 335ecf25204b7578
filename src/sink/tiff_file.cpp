// SPDX-License-Identifier: Apache-2.0
// BigTIFF (www.awaresystems.be/imaging/tiff/bigtiff.html) with OME metadata (OME data model 2016-06). One page per
// plane, uncompressed, one strip each: all directories stand in front of the values, so that the file is written from
// front to back.
#include <fmt/format.h>

#include <cstring>
#include <string>

#include "core/affine.h"
#include "core/byte_cursor.h"
#include "ngforge/version.h"
#include "sink/volume_file.h"

namespace ngforge {
namespace {

constexpr std::size_t kFrontBytes = 16, kEntryBytes = 20;

enum class FieldType : std::uint16_t { ascii = 2, short_ = 3, long_ = 4, long8 = 16 };

struct Field {
  std::uint16_t tag;
  FieldType type;
  std::uint64_t count;
  std::uint64_t value;  // all values when they fit eight bytes, else where they are
};

// `value` `count` times, as the little-endian SHORTs of a field.
std::uint64_t repeated(std::uint16_t value, Index count) {
  std::uint64_t values = 0;
  for (Index n = 0; n < count; ++n) values |= static_cast<std::uint64_t>(value) << (16 * n);
  return values;
}

const char* ome_type(DataType type) {
  switch (type) {
    case DataType::uint8: return "uint8";
    case DataType::int8: return "int8";
    case DataType::uint16: return "uint16";
    case DataType::int16: return "int16";
    case DataType::uint32: return "uint32";
    case DataType::int32: return "int32";
    case DataType::float64: return "double";
    default: return "float";
  }
}

std::optional<DataType> stored_type(DataType type, bool) {
  return type == DataType::uint64 || type == DataType::int64 ? std::nullopt : std::optional(type);
}

Index samples_of(const VolumeImage& image) {
  return image.is_rgb ? image.channels : 1;
}

// Lengths are micrometres, the unit that OME means when none is given.
std::string ome_xml(const VolumeImage& image, Index pages) {
  const auto lengths_mm = column_lengths(image.affine_centre_to_mm);
  const VoxelVec& size = image.size_vox;
  std::string xml = fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" )"
      R"(Creator="ngforge {}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{}" )"
      R"(SizeX="{}" SizeY="{}" SizeZ="{}" SizeC="{}" SizeT="1" )"
      R"(PhysicalSizeX="{:.10g}" PhysicalSizeY="{:.10g}" PhysicalSizeZ="{:.10g}"{}>)",
      NGFORGE_VERSION, ome_type(image.type), size.x, size.y, size.z, image.channels, lengths_mm[0] * 1e3,
      lengths_mm[1] * 1e3, lengths_mm[2] * 1e3, image.is_rgb ? R"( Interleaved="true")" : "");
  const Index samples = samples_of(image);
  for (Index c = 0; c < image.channels / samples; ++c)
    xml += fmt::format(R"(<Channel ID="Channel:0:{}" SamplesPerPixel="{}"/>)", c, samples);
  return xml + fmt::format(R"(<TiffData IFD="0" PlaneCount="{}"/></Pixels></Image></OME>)", pages);
}

// The fields of every page, but for where its values are; in the order of their tags.
std::vector<Field> fields_of(const VolumeImage& image, std::uint64_t plane_bytes) {
  const Index samples = samples_of(image);
  const auto bits = static_cast<std::uint16_t>(8 * size_of(image.type));
  const std::uint16_t format = !is_integer(image.type) ? 3 : is_signed(image.type) ? 2 : 1;
  const auto width = static_cast<std::uint64_t>(image.size_vox.x),
             height = static_cast<std::uint64_t>(image.size_vox.y);
  const auto count = static_cast<std::uint64_t>(samples);
  std::vector<Field> fields{{256, FieldType::long_, 1, width},
                            {257, FieldType::long_, 1, height},
                            {258, FieldType::short_, count, repeated(bits, samples)},
                            {259, FieldType::short_, 1, 1},                      // no compression
                            {262, FieldType::short_, 1, samples > 1 ? 2u : 1u},  // RGB, or black is zero
                            {273, FieldType::long8, 1, 0},                       // where the strip is
                            {277, FieldType::short_, 1, count},
                            {278, FieldType::long_, 1, height},
                            {279, FieldType::long8, 1, plane_bytes},
                            {284, FieldType::short_, 1, 1}};           // voxel by voxel
  if (samples == 4) fields.push_back({338, FieldType::short_, 1, 2});  // alpha
  fields.push_back({339, FieldType::short_, count, repeated(format, samples)});
  return fields;
}

std::size_t directory_bytes(std::size_t fields) {
  return 8 + fields * kEntryBytes + 8;
}

void put_directory(std::span<const Field> fields, std::uint64_t next, std::byte* at) {
  store(at, static_cast<std::uint64_t>(fields.size()));
  at += 8;
  for (const Field& field : fields) {
    store(at, field.tag);
    store(at + 2, static_cast<std::uint16_t>(field.type));
    store(at + 4, field.count);
    store(at + 12, field.value);
    at += kEntryBytes;
  }
  store(at, next);
}

std::vector<std::byte> header_of(const VolumeImage& image) {
  const Index samples = samples_of(image), pages = image.size_vox.z * (image.channels / samples);
  const auto plane_bytes =
      static_cast<std::uint64_t>(image.size_vox.x * image.size_vox.y * samples) * size_of(image.type);
  std::vector<Field> fields = fields_of(image, plane_bytes);
  const std::string xml = ome_xml(image, pages);
  // Front, text, the first directory with its text, the others.
  const std::size_t text_bytes = (xml.size() + 1 + 7) / 8 * 8;
  const std::size_t first_at = kFrontBytes + text_bytes, first_bytes = directory_bytes(fields.size() + 1);
  const std::size_t other_bytes = directory_bytes(fields.size());
  std::vector<std::byte> header(first_at + first_bytes + static_cast<std::size_t>(pages - 1) * other_bytes);
  std::memcpy(header.data(), "II\x2b\x00\x08\x00\x00\x00", 8);
  store(header.data() + 8, static_cast<std::uint64_t>(first_at));
  std::memcpy(header.data() + kFrontBytes, xml.data(), xml.size());
  const auto strip = std::ranges::find(fields, 273, &Field::tag);
  for (Index page = 0; page < pages; ++page) {
    strip->value = header.size() + static_cast<std::uint64_t>(page) * plane_bytes;
    const std::size_t second_at = first_at + first_bytes;
    const std::size_t next_at = second_at + static_cast<std::size_t>(page) * other_bytes;
    const std::uint64_t next = page + 1 < pages ? next_at : 0;
    if (page > 0) {
      put_directory(fields, next, header.data() + next_at - other_bytes);
      continue;
    }
    std::vector<Field> first = fields;
    first.insert(std::ranges::find(first, 273, &Field::tag),
                 {270, FieldType::ascii, static_cast<std::uint64_t>(xml.size() + 1), kFrontBytes});
    put_directory(first, next, header.data() + first_at);
  }
  return header;
}

}  // namespace

extern const VolumeFileDescriptor tiff_file;
const VolumeFileDescriptor tiff_file{.name = "tiff",
                                     .title = "OME-TIFF (BigTIFF, a page per plane)",
                                     .suffixes = ".tif .tiff",
                                     .interleaves_colors = true,
                                     .is_big_endian = false,
                                     .stored_types = "integers of up to 32 bits, float32 and float64",
                                     .stored_type = stored_type,
                                     .header = header_of};

}  // namespace ngforge
