// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ngforge/error.h"
#include "surface/surface.h"

namespace ngforge {

/// Reads the whole of a file that may be gzip and hands it to `take`, with a reader of files beside it. Files are read
/// only if what is made of them stays below `memory_bytes`. Errors: needs_decision (larger, naming --memory), those of
/// ByteSource and of `take`; all have concerns_source.
Result<void> with_surface_input(const std::string& place, std::uint64_t memory_bytes,
                                const std::function<Result<void>(const SurfaceInput&)>& take);

/// Whether a place is the mesh of a label, or a file that begins as a surface file does that can be told from its first
/// bytes.
bool looks_like_surface(const std::string& place);

/// How sure it is that a file on this machine is a surface file, by its first bytes and its name: 0 (certainly not) to
/// 100.
int surface_score(const std::string& place);
/// The format that fits it best, as surfaces.def names it ("gifti"); "" when none does.
std::string surface_format(const std::string& place);

/// Reads a surface file, or the mesh of a label ("DATASET|mesh:ID"). Errors: as read_surface and with_surface_input;
/// those of open_dataset_mesh.
Result<Surface> open_surface(const std::string& place, std::uint64_t memory_bytes);

}  // namespace ngforge
