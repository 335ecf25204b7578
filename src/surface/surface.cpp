// SPDX-License-Identifier: Apache-2.0
#include "surface/surface.h"

#include <utility>

#include "core/affine.h"
#include "ngforge/text.h"

namespace ngforge {

#define SURFACE(name, target) extern const SurfaceDescriptor name##_surface;
#include "surface/surfaces.def"
#undef SURFACE

std::span<const SurfaceDescriptor* const> all_surface_formats() {
  static constexpr const SurfaceDescriptor* kFormats[] = {
#define SURFACE(name, target) &name##_surface,
#include "surface/surfaces.def"
#undef SURFACE
  };
  return kFormats;
}

const SurfaceDescriptor* find_surface_writer(std::string_view path) {
  for (const SurfaceDescriptor* format : all_surface_formats())
    if (format->write != nullptr && ends_with_any_case(path, format->suffixes)) return format;
  return nullptr;
}

Result<Surface> read_surface(const SurfaceInput& input) {
  std::string name = lower_case(input.place);
  if (ends_with_any_case(name, ".gz")) name.resize(name.size() - 3);
  const SurfaceDescriptor* best = nullptr;
  int best_score = 0;
  std::string tried;
  for (const SurfaceDescriptor* format : all_surface_formats()) {
    tried += (tried.empty() ? "" : ", ") + std::string(format->name);
    if (const int score = format->sniff(input.bytes, name); score > best_score) {
      best = format;
      best_score = score;
    }
  }
  if (best == nullptr)
    return make_error(ErrorCode::unsupported, "{}: expected a surface file ({}), found {} bytes of none of them",
                      input.place, tried, input.bytes.size())
        .of_source();
  auto surface = best->read(input);
  if (!surface) return std::move(surface).error().of_source();
  return surface;
}

void transform_mesh(Mesh& mesh, const Affine& affine) {
  for (auto& position : mesh.positions) {
    const auto moved = transform_point(affine, {position[0], position[1], position[2]});
    for (std::size_t a = 0; a < 3; ++a) position[a] = static_cast<float>(moved[a]);
  }
  const auto& m = affine.m;
  const double determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                             m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                             m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  if (determinant >= 0) return;
  for (auto& triangle : mesh.triangles) std::swap(triangle[1], triangle[2]);
}

}  // namespace ngforge
