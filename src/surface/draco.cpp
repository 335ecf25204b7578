// SPDX-License-Identifier: Apache-2.0
// Draco files as codec/draco decodes them, with the positions that are meant.
#include "codec/draco.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

// Flat surfaces take the least: a hundredth of what they are decoded.
constexpr std::uint64_t kMostExpansion = 256, kLeastLimit = 1 << 20;

Result<Surface> read(const SurfaceInput& input) {
  Surface surface;
  surface.format = "Draco";
  NGFORGE_TRY(surface.mesh, decode_draco(input.bytes, input.place, kLeastLimit + kMostExpansion * input.bytes.size()));
  NGFORGE_CHECK(expect_triangles(surface.mesh, input.place));
  return surface;
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  return looks_like_draco(bytes) ? 95 : 0;
}

}  // namespace

extern const SurfaceDescriptor draco_surface;
const SurfaceDescriptor draco_surface{
    .name = "draco", .title = "Draco mesh (.drc)", .suffixes = "", .sniff = sniff, .read = read};

}  // namespace ngforge
