// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "surface/surface.h"

namespace ngforge {

/// 3D Slicer says in a comment how it means its coordinates: "SPACE=LPS" counts left and posterior as positive.
inline void take_slicer_space(std::string_view comment, Surface& surface) {
  if (comment.find("SPACE=LPS") == std::string_view::npos) return;
  surface.to_world_mm.m[0][0] = -1;
  surface.to_world_mm.m[1][1] = -1;
}

}  // namespace ngforge
