// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/mesh.h"
#include "layout/mesh_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// The parts of a multi-resolution mesh.
struct EncodedMesh {
  Bytes manifest, fragments;
};

/// Encodes a surface, in nm of the dataset, as a multi-resolution mesh with levels of detail down to a few hundred
/// triangles. Its octree is the surface's own: the box around it is the only node of level 0, and each level's only
/// node twice as large, so that all of it lies in the node's first octant and no triangle needs to be cut. Positions
/// are off by at most half of the box over 2^bits - 1, doubling with each level. Memory: some hundred bytes for each
/// triangle. Errors: internal.
Result<EncodedMesh> encode_multires(const Mesh& mesh_nm, const MeshInfo& info);

}  // namespace ngforge
