// SPDX-License-Identifier: Apache-2.0
// Draco meshes by libdraco. What is looked at here before it allocates anything:
//   char[5] "DRACO", u8 major, u8 minor, u8 1 (a mesh), u8 method (0 sequential, 1 edgebreaker), u16 flags,
//   [metadata, flag 0x8000], edgebreaker: u8 traversal, [before 2.2: new vertices], vertices, faces;
//   sequential: faces, vertices. Counts are varints, u32 before 2.0 (edgebreaker) and 2.2 (sequential).
#include "codec/draco.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <vector>

#include <draco/compression/decode.h>
#include <draco/compression/encode.h>
#include <draco/compression/mesh/mesh_decoder.h>
#include <draco/core/varint_decoding.h>
#include <draco/metadata/metadata_decoder.h>

namespace ngforge {
namespace {

// 1.55 bytes per triangle of voxel surfaces at 3.3 M triangles/s; higher speeds are hardly faster and larger.
constexpr int kSpeed = 3;
constexpr std::string_view kMagic = "DRACO";

struct Counts {
  std::uint32_t vertices = 0, faces = 0;
};

bool read_count(draco::DecoderBuffer& buffer, bool is_varint, std::uint32_t& count) {
  return is_varint ? draco::DecodeVarint(&count, &buffer) : buffer.Decode(&count);
}

// What stands behind the header, or nothing when it is cut off.
std::optional<Counts> read_counts(draco::DecoderBuffer& buffer, const draco::DracoHeader& header) {
  constexpr std::uint16_t kHasMetadata = 0x8000;
  const auto version = static_cast<std::uint16_t>(header.version_major << 8 | header.version_minor);
  buffer.set_bitstream_version(version);
  if ((header.flags & kHasMetadata) != 0) {
    draco::GeometryMetadata metadata;
    draco::MetadataDecoder decoder;
    if (!decoder.DecodeGeometryMetadata(&buffer, &metadata)) return std::nullopt;
  }
  Counts counts;
  if (header.encoder_method == draco::MESH_SEQUENTIAL_ENCODING) {
    const bool is_varint = version >= 0x0202;
    if (!read_count(buffer, is_varint, counts.faces) || !read_count(buffer, is_varint, counts.vertices))
      return std::nullopt;
    return counts;
  }
  const bool is_varint = version >= 0x0200;
  std::uint8_t traversal = 0;
  std::uint32_t new_vertices = 0;
  if (!buffer.Decode(&traversal) || (version < 0x0202 && !read_count(buffer, is_varint, new_vertices)) ||
      !read_count(buffer, is_varint, counts.vertices) || !read_count(buffer, is_varint, counts.faces))
    return std::nullopt;
  return counts;
}

Result<void> check_header(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes) {
  if (!looks_like_draco(bytes))
    return make_error(ErrorCode::invalid_data, "{}: expected Draco, found {} bytes that begin otherwise", where,
                      bytes.size());
  draco::DecoderBuffer buffer;
  buffer.Init(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  draco::DracoHeader header;
  if (!draco::PointCloudDecoder::DecodeHeader(&buffer, &header).ok())
    return make_error(ErrorCode::invalid_data, "{}: expected the header of Draco, found {} bytes", where, bytes.size());
  if (header.encoder_type != draco::TRIANGULAR_MESH)
    return make_error(ErrorCode::unsupported, "{}: expected a Draco mesh, found a point cloud", where);
  const auto counts = read_counts(buffer, header);
  if (!counts)
    return make_error(ErrorCode::invalid_data, "{}: expected the numbers of vertices and triangles, found {} bytes",
                      where, bytes.size());
  const std::uint64_t memory = 12 * (std::uint64_t{counts->vertices} + counts->faces);
  if (memory > limit_bytes)
    return make_error(ErrorCode::limit, "{}: expected a mesh of at most {} bytes, found {} vertices and {} triangles",
                      where, limit_bytes, counts->vertices, counts->faces);
  return {};
}

template <class T, class Position>
Result<void> take_positions(const draco::PointAttribute& attribute, std::uint32_t points, std::string_view where,
                            std::vector<Position>& positions) {
  positions.resize(points);
  for (std::uint32_t i = 0; i < points; ++i) {
    std::array<T, 3> value;
    const draco::AttributeValueIndex at = attribute.mapped_index(draco::PointIndex(i));
    if (!attribute.ConvertValue<T, 3>(at, value.data()))
      return make_error(ErrorCode::unsupported, "{}: expected positions that are {} numbers, found others", where,
                        std::is_integral_v<T> ? "whole" : "real");
    positions[i] = value;
  }
  return {};
}

template <class AnyMesh>
Result<void> take_triangles(const draco::Mesh& draco_mesh, std::string_view where, AnyMesh& mesh) {
  mesh.triangles.reserve(draco_mesh.num_faces());
  for (std::uint32_t f = 0; f < draco_mesh.num_faces(); ++f) {
    const draco::Mesh::Face& face = draco_mesh.face(draco::FaceIndex(f));
    std::array<std::uint32_t, 3> corners;
    for (std::size_t c = 0; c < 3; ++c) {
      corners[c] = face[c].value();
      if (corners[c] >= draco_mesh.num_points())
        return make_error(ErrorCode::invalid_data, "{}: triangle {}: expected a vertex below {}, found {}", where, f,
                          draco_mesh.num_points(), corners[c]);
    }
    mesh.triangles.push_back(corners);
  }
  return {};
}

// Whether the stored values of an attribute are whole numbers.
bool is_whole(draco::DataType type) {
  return type != draco::DT_FLOAT32 && type != draco::DT_FLOAT64;
}

template <class T, class AnyMesh>
Result<AnyMesh> decode(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes) {
  constexpr bool kAsStored = std::is_integral_v<T>;
  try {
    NGFORGE_CHECK(check_header(bytes, where, limit_bytes));
    draco::DecoderBuffer buffer;
    buffer.Init(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    draco::Decoder decoder;
    if (kAsStored) decoder.SetSkipAttributeTransform(draco::GeometryAttribute::POSITION);
    auto decoded = decoder.DecodeMeshFromBuffer(&buffer);
    if (!decoded.ok())
      return make_error(ErrorCode::invalid_data, "{}: expected a Draco mesh, found {} bytes that do not decode", where,
                        bytes.size());
    const draco::Mesh& draco_mesh = *decoded.value();
    const draco::PointAttribute* position = draco_mesh.GetNamedAttribute(draco::GeometryAttribute::POSITION);
    if (position == nullptr || position->num_components() != 3)
      return make_error(ErrorCode::unsupported, "{}: expected positions of 3 numbers, found {}", where,
                        position == nullptr ? "none" : fmt::format("{}", position->num_components()));
    if (kAsStored && !is_whole(position->data_type()))
      return make_error(ErrorCode::unsupported, "{}: expected positions that are whole numbers, found real ones",
                        where);
    AnyMesh mesh;
    NGFORGE_CHECK(take_positions<T>(*position, draco_mesh.num_points(), where, mesh.positions));
    NGFORGE_CHECK(take_triangles(draco_mesh, where, mesh));
    return mesh;
  } catch (const std::exception& error) {
    return make_error(ErrorCode::invalid_data, "{}: expected a Draco mesh, found {} bytes that do not decode ({})",
                      where, bytes.size(), error.what());
  }
}

// The mesh without degenerate triangles, and without vertices that are not used then.
void fill(const QuantizedMesh& mesh, draco::Mesh& out) {
  constexpr std::uint32_t kUnused = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> number(mesh.positions.size(), kUnused);
  std::vector<std::uint32_t> used;
  const auto is_proper = [](const std::array<std::uint32_t, 3>& t) {
    return t[0] != t[1] && t[1] != t[2] && t[2] != t[0];
  };
  const auto faces = std::ranges::count_if(mesh.triangles, is_proper);
  out.SetNumFaces(static_cast<std::size_t>(faces));
  draco::FaceIndex face_number(0);
  for (const auto& triangle : mesh.triangles) {
    if (!is_proper(triangle)) continue;
    draco::Mesh::Face face;
    for (std::size_t c = 0; c < 3; ++c) {
      std::uint32_t& n = number[triangle[c]];
      if (n == kUnused) {
        n = static_cast<std::uint32_t>(used.size());
        used.push_back(triangle[c]);
      }
      face[c] = n;
    }
    out.SetFace(face_number++, face);
  }
  const auto points = static_cast<std::uint32_t>(used.size());
  out.set_num_points(points);
  draco::GeometryAttribute attribute;
  attribute.Init(draco::GeometryAttribute::POSITION, nullptr, 3, draco::DT_INT32, false, 12, 0);
  draco::PointAttribute* positions = out.attribute(out.AddAttribute(attribute, true, points));
  for (std::uint32_t i = 0; i < points; ++i)
    positions->SetAttributeValue(draco::AttributeValueIndex(i), mesh.positions[used[i]].data());
}

}  // namespace

Result<Bytes> encode_draco(const QuantizedMesh& mesh) {
  try {
    draco::Mesh draco_mesh;
    fill(mesh, draco_mesh);
    if (draco_mesh.num_faces() == 0) return Bytes();
    draco::Encoder encoder;
    encoder.SetSpeedOptions(kSpeed, kSpeed);
    draco::EncoderBuffer buffer;
    if (const draco::Status status = encoder.EncodeMeshToBuffer(draco_mesh, &buffer); !status.ok())
      return make_error(ErrorCode::internal, "Draco cannot encode a mesh of {} triangles: {}", draco_mesh.num_faces(),
                        status.error_msg());
    const auto bytes = std::as_bytes(std::span(buffer.data(), buffer.size()));
    return Bytes(bytes.begin(), bytes.end());
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  } catch (const std::exception& error) {
    return make_error(ErrorCode::internal, "Draco cannot encode a mesh of {} triangles: {}", mesh.triangles.size(),
                      error.what());
  }
}

Result<QuantizedMesh> decode_quantized_draco(std::span<const std::byte> bytes, std::string_view where,
                                             std::uint64_t limit_bytes) {
  return decode<std::int32_t, QuantizedMesh>(bytes, where, limit_bytes);
}

Result<Mesh> decode_draco(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes) {
  return decode<float, Mesh>(bytes, where, limit_bytes);
}

bool looks_like_draco(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::ranges::equal(bytes.first(kMagic.size()), std::as_bytes(std::span(kMagic)));
}

}  // namespace ngforge
