// SPDX-License-Identifier: Apache-2.0
#include "publish/web_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "ngforge/store.h"
#include "ngforge/text.h"
#include "source/precomputed.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostInfoBytes = std::uint64_t{1} << 26;
constexpr int kMostNames = 10'000;  // of a folder of meshes, that are looked at to see how they are called

constexpr const char* kPrecomputed = "precomputed";
// Files that make a folder a dataset, and what that is.
constexpr std::array<std::pair<const char*, const char*>, 5> kSigns{{{"info", kPrecomputed},
                                                                     {"zarr.json", "Zarr"},
                                                                     {".zattrs", "Zarr"},
                                                                     {".zarray", "Zarr"},
                                                                     {"attributes.json", "N5"}}};

std::string_view sign_of(Store& store, const std::string& prefix) {
  for (const auto& [file, kind] : kSigns)
    if (store.stat(prefix + file)) return kind;
  return {};
}

// Whether single-resolution meshes have manifests called ID or ID.json.
bool has_names_without_colon(Store& store, const std::string& folder) {
  bool found = false;
  int seen = 0;
  // The listing ends with the first name that tells, by an error that nobody reads.
  static_cast<void>(store.visit_names(folder + "/", [&](const std::string& name) -> Result<void> {
    std::string_view label = name;
    for (const std::string_view suffix : {".gz", ".json"})
      if (label.ends_with(suffix)) label.remove_suffix(suffix.size());
    found = !label.empty() && std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
    if (found || ++seen == kMostNames) return make_error(ErrorCode::cancelled, "enough is seen");
    return {};
  }));
  return found;
}

void look_at_meshes(const std::shared_ptr<Store>& store, const std::string& folder, WebDataset& dataset) {
  const auto meshes = PrecomputedMeshes::open(store, folder);
  if (!meshes || (*meshes)->info().format == MeshFormat::legacy) dataset.has_asked_names = false;
  if (!meshes) {
    dataset.description += "; meshes";
  } else if ((*meshes)->info().format == MeshFormat::multires) {
    dataset.description += (*meshes)->shards() != nullptr ? "; multires meshes, sharded" : "; multires meshes";
  } else {
    dataset.description += "; legacy meshes";
    if (!has_names_without_colon(*store, folder)) return;
    dataset.description += ", named without \":0\"";
    dataset.manifests_without_colon = folder;
  }
}

void look_at_volume(const PrecomputedVolume& volume, WebDataset& dataset) {
  const VolumeInfo& info = volume.info();
  dataset.description =
      fmt::format("{}, {}", info.is_segmentation ? "segmentation" : "image", name_of(volume.layout(0)));
  if (volume.has_gzip_names()) dataset.description += ", .gz";
  dataset.has_asked_names = info.skeletons.empty() &&
                            std::ranges::all_of(info.scales, [](const ScaleInfo& s) { return s.sharding.has_value(); });
  if (const std::string folder = linked_folder(info.mesh); !folder.empty())
    look_at_meshes(volume.store(), folder, dataset);
}

// The "@type" of an `info` that is not a volume's: meshes, skeletons, annotations; "" when it has none.
std::string type_in_info(Store& store) {
  const auto bytes = get_decoded(store, "info", kMostInfoBytes);
  if (!bytes) return {};
  const auto json = parse_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "info");
  if (!json || !json->is_object()) return {};
  const auto type = json->find("@type");
  return type != json->end() && type->is_string() ? type->get<std::string>() : std::string();
}

bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// `path`: of the dataset.
void add_dataset(const std::string& path, const std::string& name, std::string_view kind, WebFolder& folder) {
  WebDataset dataset;
  dataset.name = name;
  dataset.description = kind;
  dataset.is_precomputed = kind == kPrecomputed;
  if (const auto store = open_store(path); store && dataset.is_precomputed) {
    const std::string type = type_in_info(**store);
    if (!type.empty() && type != "neuroglancer_multiscale_volume") {
      if (is_word(type)) dataset.description = type;
    } else if (const auto volume = PrecomputedVolume::open(*store)) {
      look_at_volume(**volume, dataset);
    } else {
      folder.notices.push_back(fmt::format("{}: the viewer may not show it: {}", path, volume.error().message));
    }
  }
  folder.datasets.push_back(std::move(dataset));
}

// True also of what is not there.
bool others_may(const fs::path& path, fs::perms what) {
  std::error_code error;
  const fs::perms found = fs::status(path, error).permissions();
  return error || (found & what) == what;
}

// A web server that was started by the system reads as a user of its own.
void look_at_permissions(const WebFolder& folder, std::vector<std::string>& notices) {
  constexpr const char* kMeans = ": a server that runs as another user answers 403 or 404";
  for (fs::path path = folder.root; path.has_relative_path(); path = path.parent_path()) {
    if (others_may(path, fs::perms::others_exec)) continue;
    notices.push_back(fmt::format("{}: other users may not enter this folder{}", path.string(), kMeans));
    return;
  }
  for (const WebDataset& dataset : folder.datasets) {
    const fs::path path = fs::path(folder.root) / dataset.name;
    bool is_closed = !others_may(path, fs::perms::others_exec);
    for (const char* const name : {"info", "info.gz"})  // the other files are likely to be as one of these is
      is_closed |= !others_may(path / name, fs::perms::others_read);
    if (is_closed) notices.push_back(fmt::format("{}: other users may not read it{}", path.string(), kMeans));
  }
}

}  // namespace

Result<WebFolder> look_at_web_folder(const std::string& place) {
  if (place.find("://") != std::string::npos)
    return make_error(ErrorCode::unsupported, "{}: expected a folder on this machine, found a URL", place);
  auto store = open_store(place);
  if (!store) return std::move(store).error().of_source();
  WebFolder folder;
  std::error_code error;
  fs::path root = fs::absolute(place, error).lexically_normal();
  if (error) return make_error(ErrorCode::io, "{}: cannot be resolved: {}", place, error.message()).of_source();
  if (!root.has_filename()) root = root.parent_path();
  folder.root = root.string();
  if (const auto kind = sign_of(**store, ""); !kind.empty()) {
    add_dataset(folder.root, "", kind, folder);
  } else {
    auto names = (*store)->list("");
    if (!names) return std::move(names).error().of_source();
    for (const std::string& name : *names) {
      // A name of several lines could make a configuration say anything.
      if (!name.ends_with('/') || has_control_characters(name)) continue;
      if (const auto found = sign_of(**store, name); !found.empty())
        add_dataset(folder.root + "/" + name, name.substr(0, name.size() - 1), found, folder);
    }
  }
  if (folder.datasets.empty())
    return make_error(ErrorCode::not_found,
                      "{}: expected a dataset or a folder of datasets (with info, zarr.json...), found none", place)
        .of_source()
        .with_hint("ngforge convert makes datasets");
  look_at_permissions(folder, folder.notices);
  return folder;
}

}  // namespace ngforge
