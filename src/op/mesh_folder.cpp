// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_folder.h"

#include <algorithm>
#include <array>

#include "op/local_dataset.h"
#include "op/stored_properties.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

Result<bool> is_first_of(std::string_view option, const std::string& value, std::string_view first,
                         std::string_view second) {
  if (value != first && value != second)
    return make_error(ErrorCode::invalid_argument, "{}: expected {} or {}, found \"{}\"", option, first, second, value);
  return value == first;
}

}  // namespace

std::string_view name_of(MeshFormat format) {
  return format == MeshFormat::legacy ? "legacy" : "multires";
}

std::string_view layout_name(bool is_sharded) {
  return is_sharded ? "sharded" : "flat";
}

Result<MeshFolderKind> mesh_folder_kind(const MeshFolderOptions& options) {
  MeshFolderKind kind;
  if (!options.format.empty()) {
    NGFORGE_TRY(const bool is_multires, is_first_of("--format", options.format, "multires", "legacy"));
    if (!is_multires) kind = {MeshFormat::legacy, false};
  }
  if (options.layout.empty()) return kind;
  NGFORGE_TRY(kind.is_sharded, is_first_of("--layout", options.layout, "sharded", "flat"));
  if (kind.format == MeshFormat::legacy && kind.is_sharded)
    return make_error(ErrorCode::invalid_argument,
                      "--layout: expected flat with --format legacy, which has no shards, found \"sharded\"");
  return kind;
}

Result<void> check_colon_suffix(const MeshFolderOptions& options, MeshFormat format) {
  if (options.has_colon_suffix || format == MeshFormat::legacy) return {};
  return make_error(ErrorCode::invalid_argument, "--no-colon-suffix: expected --format legacy, found multires");
}

Result<std::string> mesh_folder_name(const PrecomputedVolume& volume, const std::string& wanted) {
  const std::string& linked = volume.info().mesh;
  std::string name = !wanted.empty() ? wanted : !linked.empty() ? linked : "mesh";
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  const VolumeInfo& info = volume.info();
  const auto is_scale = [&](const ScaleInfo& scale) { return scale.key == name || scale.key.starts_with(name + "/"); };
  const std::array others{std::string("."), std::string(".."), std::string(kPropertiesFolder),
                          linked_folder(info.segment_properties), linked_folder(info.skeletons)};
  if (name.find('/') != std::string::npos || std::ranges::count(others, name) > 0 ||
      std::ranges::any_of(info.scales, is_scale) || volume.store()->stat(name))
    return make_error(ErrorCode::invalid_argument,
                      "--mesh-dir: expected the name of a folder for meshes, found that of something else, \"{}\"",
                      name);
  return name;
}

Result<void> link_mesh_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& name) {
  if (volume.info().mesh == name) return {};
  return link_folder(volume, folder, "mesh", name);
}

}  // namespace ngforge
