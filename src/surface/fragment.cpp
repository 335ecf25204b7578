// SPDX-License-Identifier: Apache-2.0
// A fragment of a neuroglancer_legacy_mesh: there is nothing to know it by but that its size fits
// (codec/mesh_fragment).
#include "codec/mesh_fragment.h"
#include "core/byte_cursor.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

/// Whether the size can be a fragment's, with a vertex and a triangle at least.
bool has_fragment_size(std::span<const std::byte> bytes) {
  constexpr std::size_t kCountBytes = 4, kRowBytes = 12;
  if (bytes.size() < kCountBytes || bytes.size() % kRowBytes != kCountBytes) return false;
  const std::uint64_t vertices = load<std::uint32_t>(bytes.data());
  return vertices > 0 && kCountBytes + vertices * kRowBytes < bytes.size();
}

Result<Surface> read(const SurfaceInput& input) {
  Surface surface;
  surface.format = "precomputed fragment";
  surface.is_in_dataset_nm = true;
  for (std::size_t a = 0; a < 3; ++a) surface.to_world_mm.m[a][a] = 1e-6;
  NGFORGE_TRY(surface.mesh, decode_mesh_fragment(input.bytes, input.place));
  NGFORGE_CHECK(expect_triangles(surface.mesh, input.place));
  return surface;
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  return has_fragment_size(bytes) ? 20 : 0;
}

}  // namespace

extern const SurfaceDescriptor fragment_surface;
const SurfaceDescriptor fragment_surface{.name = "fragment",
                                         .title = "fragment of a precomputed mesh, not Draco",
                                         .suffixes = "",
                                         .sniff = sniff,
                                         .read = read};

}  // namespace ngforge
