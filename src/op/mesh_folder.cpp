// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_folder.h"

#include <algorithm>
#include <filesystem>

#include "core/json.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxInfoBytes = std::uint64_t{1} << 26;

}  // namespace

Result<std::string> local_folder(const PrecomputedVolume& volume, const std::string& place) {
  std::string folder = volume.store()->describe();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return make_error(ErrorCode::unsupported, "{}: expected a dataset in a folder of this machine", place).of_source();
  return folder;
}

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
  const std::string path = folder + "/info";
  NGFORGE_TRY(const Bytes bytes, get_decoded(*volume.store(), "info", kMaxInfoBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  NGFORGE_TRY(Json json, parse_json(text, path));
  json["mesh"] = name;
  const std::string changed = dump_json(json);
  FolderWriter writer;
  NGFORGE_CHECK(writer.open(folder));
  return writer.write_synced("info", std::as_bytes(std::span(changed)));
}

}  // namespace ngforge
