// SPDX-License-Identifier: Apache-2.0
// A fragment of a neuroglancer_legacy_mesh, little-endian: u32 vertices, f32 position[vertices][3] in nm of the
// dataset, u32 triangle[][3] to the end. There is nothing to know it by but that its size and its indices fit.
#include "core/byte_cursor.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

constexpr std::size_t kCountBytes = 4, kRecordBytes = 12;

/// Where the triangles begin; 0 when the size cannot be a fragment's.
std::size_t triangles_at(std::span<const std::byte> bytes) {
  if (bytes.size() < kCountBytes || bytes.size() % kRecordBytes != kCountBytes) return 0;
  const std::uint64_t vertices = load<std::uint32_t>(bytes.data());
  const std::uint64_t begin = kCountBytes + vertices * kRecordBytes;
  return begin <= bytes.size() ? begin : 0;
}

Result<Surface> read(const SurfaceInput& input) {
  const auto& bytes = input.bytes;
  const std::size_t begin = triangles_at(bytes);
  if (begin == 0)
    return make_error(
        ErrorCode::invalid_data,
        "{}: expected a fragment: a count of vertices, 12 bytes for each, then triangles of 12, found {} bytes",
        input.place, bytes.size());
  Surface surface;
  surface.format = "precomputed fragment";
  surface.is_in_dataset_nm = true;
  for (std::size_t a = 0; a < 3; ++a) surface.to_world_mm.m[a][a] = 1e-6;
  MeshBuilder mesh(input.place);
  mesh.reserve(begin / kRecordBytes, (bytes.size() - begin) / kRecordBytes);
  for (std::size_t i = kCountBytes; i < begin; i += kRecordBytes)
    mesh.add_vertex(load<float>(&bytes[i]), load<float>(&bytes[i + 4]), load<float>(&bytes[i + 8]));
  for (std::size_t i = begin; i < bytes.size(); i += kRecordBytes) {
    const std::int64_t face[] = {load<std::uint32_t>(&bytes[i]), load<std::uint32_t>(&bytes[i + 4]),
                                 load<std::uint32_t>(&bytes[i + 8])};
    NGFORGE_CHECK(mesh.add_face(face));
  }
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  const std::size_t begin = triangles_at(bytes);
  return begin > kCountBytes && begin < bytes.size() ? 20 : 0;
}

}  // namespace

extern const SurfaceDescriptor fragment_surface;
const SurfaceDescriptor fragment_surface{.name = "fragment",
                                         .title = "fragment of a precomputed mesh, not Draco",
                                         .suffixes = "",
                                         .sniff = sniff,
                                         .read = read};

}  // namespace ngforge
