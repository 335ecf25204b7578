// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_folder.h"

#include <algorithm>

#include "op/local_dataset.h"

namespace ngforge {
Result<std::string> mesh_folder_name(const PrecomputedVolume& volume, const std::string& wanted) {
  const std::string& linked = volume.info().mesh;
  std::string name = !wanted.empty() ? wanted : !linked.empty() ? linked : "mesh";
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  const auto is_scale = [&](const ScaleInfo& scale) { return scale.key == name || scale.key.starts_with(name + "/"); };
  if (name.find('/') != std::string::npos || name == "." || name == ".." || name == "info" ||
      std::ranges::any_of(volume.info().scales, is_scale))
    return make_error(ErrorCode::invalid_argument, "--mesh-dir: expected the name of a folder for meshes, found \"{}\"",
                      name);
  return name;
}

Result<void> link_mesh_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& name) {
  if (volume.info().mesh == name) return {};
  return link_folder(volume, folder, "mesh", name);
}

}  // namespace ngforge
