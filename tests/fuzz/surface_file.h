// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "surface/surface.h"

// What the fuzz targets of surface files share.
namespace ngforge::fuzz {

/// Reads `data` as a file of one format. What comes of it must be a mesh that holds together and can be written.
inline int run_surface(std::string_view format, const std::uint8_t* data, std::size_t size) {
  const SurfaceInput input{std::as_bytes(std::span(data, size)), "fuzz", {}};
  for (const SurfaceDescriptor* descriptor : all_surface_formats()) {
    if (descriptor->name != format) continue;
    static_cast<void>(descriptor->sniff(input.bytes, "fuzz"));
    const auto surface = descriptor->read(input);
    if (!surface) return 0;
    const Mesh& mesh = surface->mesh;
    if (mesh.triangles.empty()) std::abort();
    for (const auto& triangle : mesh.triangles)
      for (const auto corner : triangle)
        if (corner >= mesh.positions.size()) std::abort();
    for (const auto& position : mesh.positions)
      for (const float value : position)
        if (!std::isfinite(value)) std::abort();
    if (descriptor->write != nullptr && !descriptor->write(*surface).has_value()) std::abort();
    return 0;
  }
  std::abort();
}

}  // namespace ngforge::fuzz
