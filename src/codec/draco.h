// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/mesh.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Encodes a mesh as Draco with its positions as they are, which must be 0 .. 2^30. Triangles with a corner twice are
/// left out, and vertices that no triangle uses; nothing at all when no triangle remains, which Draco cannot say. The
/// same mesh gives the same bytes. Decoded again, vertices and triangles are in another order, and vertices where the
/// surface touches itself are there once for each sheet. Takes about 250 bytes of memory per triangle while it works.
/// Errors: internal (Draco refuses). Pure.
Result<Bytes> encode_draco(const QuantizedMesh& mesh);

/// Decodes a Draco mesh with its positions as they are stored: what Draco itself quantised stays quantised, as the
/// viewer takes it (spec 3.2). Takes several times `limit_bytes` of memory at most. `where` begins messages.
/// Errors: invalid_data (no Draco, corrupt, cut off), unsupported (a point cloud, positions that are no whole numbers),
/// limit (vertices and triangles of more than `limit_bytes`, found before they are allocated). Pure.
Result<QuantizedMesh> decode_quantized_draco(std::span<const std::byte> bytes, std::string_view where,
                                             std::uint64_t limit_bytes);
/// The same with the positions that are meant: Draco's own quantisation is undone.
Result<Mesh> decode_draco(std::span<const std::byte> bytes, std::string_view where, std::uint64_t limit_bytes);
/// Whether bytes begin as Draco does.
bool looks_like_draco(std::span<const std::byte> bytes);

}  // namespace ngforge
