// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/mesh.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// Where a file says that its coordinates lie: `matrix` takes those of `data_space` to `transformed_space`, both in mm
/// and named as GIfTI does ("NIFTI_XFORM_SCANNER_ANAT").
struct SpaceTransform {
  std::string data_space, transformed_space;
  Affine matrix;
};

/// A surface as its file has it.
struct Surface {
  Mesh mesh;  // positions as stored; finite, at least one triangle, indices in range
  /// Stored coordinates to world millimetres, RAS+: the scanner's where the file tells of it, else what it takes for
  /// granted. Formats that name no unit are taken to be in millimetres.
  Affine to_world_mm;
  /// Stored coordinates are nanometres of a precomputed dataset, before its transform.json.
  bool is_in_dataset_nm = false;
  std::vector<SpaceTransform> transforms;
  std::string format;  // "GIfTI", "FreeSurfer" ...
};

/// A surface file to be read.
struct SurfaceInput {
  std::span<const std::byte> bytes;  // of the whole file, gunzipped
  std::string_view place;            // for messages
  /// Reads a part of a file that lies beside this one; empty where there is none.
  std::function<Result<Bytes>(std::string_view name, ByteRange range)> read_beside;
  /// What an array may have once it is unpacked; more is an error (limit).
  std::uint64_t most_array_bytes = std::uint64_t{1} << 34;

  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

/// Reads a surface file; its format is found by looking at the bytes, in doubt by the name. Memory: some times the size
/// of the input. Errors: unsupported (no format fits, or a variant of it), invalid_data (with the line or byte), limit;
/// all have concerns_source.
Result<Surface> read_surface(const SurfaceInput& input);

/// A row of surfaces.def.
struct SurfaceDescriptor {
  const char* name;      // "gifti"
  const char* title;     // for `ngforge formats`
  const char* suffixes;  // of files that are written, ".gii"; "" when none are
  /// 0 (certainly not) to 100 (certainly). `name`: the file's, in lower case, without ".gz".
  int (*sniff)(std::span<const std::byte> bytes, std::string_view name);
  /// Errors need not have concerns_source.
  Result<Surface> (*read)(const SurfaceInput& input);
  /// The same surface always gives the same bytes. nullptr: not written. Errors: limit (too many triangles for the
  /// format).
  Result<Bytes> (*write)(const Surface& surface) = nullptr;
  /// The file says where its coordinates lie, so that they are written as they are, not in world millimetres.
  bool keeps_transforms = false;
};
std::span<const SurfaceDescriptor* const> all_surface_formats();
/// The format that a destination's suffix names; nullptr when it is none.
const SurfaceDescriptor* find_surface_writer(std::string_view path);

/// Applies an affine to all positions; when it mirrors, triangles are turned around, so that outside stays outside.
void transform_mesh(Mesh& mesh, const Affine& affine);

}  // namespace ngforge
