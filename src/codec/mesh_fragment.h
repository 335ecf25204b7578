// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "core/mesh.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// A plain fragment of a single-resolution mesh; positions are nm in the dataset's frame.
Bytes encode_mesh_fragment(const Mesh& mesh);
/// The inverse. `where` begins messages. Errors: invalid_data (cut off, bytes left over, a position that is no finite
/// number, a triangle with a vertex that is not there). Allocates no more than the bytes are long.
Result<Mesh> decode_mesh_fragment(std::span<const std::byte> bytes, std::string_view where);

}  // namespace ngforge
