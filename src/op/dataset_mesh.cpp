// SPDX-License-Identifier: Apache-2.0
#include "op/dataset_mesh.h"

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "source/precomputed.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

constexpr std::string_view kSpelling = "|mesh:";
// A mesh is held as parts, joined, turned and as the bytes of its file.
constexpr std::uint64_t kTimes = 8;

struct Spelled {
  std::string dataset;
  std::uint64_t label = 0;
  int level = 0;
};

template <class T>
bool take_number(std::string_view& text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

Result<Spelled> parse(const std::string& place) {
  const std::size_t at = place.rfind(kSpelling);
  Spelled spelled{place.substr(0, at)};
  std::string_view rest = std::string_view(place).substr(at + kSpelling.size());
  bool is_well = take_number(rest, spelled.label);
  if (is_well && rest.starts_with(':')) {
    rest.remove_prefix(1);
    is_well = take_number(rest, spelled.level) && spelled.level >= 0;
  }
  if (!is_well || !rest.empty())
    return make_error(ErrorCode::invalid_argument, "{}: expected DATASET|mesh:ID or DATASET|mesh:ID:LEVEL", place);
  return spelled;
}

struct Opened {
  std::unique_ptr<PrecomputedMeshes> meshes;
  std::optional<Affine> transform_nm;
};

Result<Opened> open(const std::string& dataset) {
  Opened opened;
  NGFORGE_TRY(auto store, open_dataset_store(dataset));
  auto volume = PrecomputedVolume::open(store);
  if (!volume) {
    auto meshes = PrecomputedMeshes::open(store, "");
    if (!meshes) return std::move(volume).error();
    opened.meshes = std::move(*meshes);
    return opened;
  }
  const std::string folder = linked_folder((*volume)->info().mesh);
  if (folder.empty())
    return make_error(ErrorCode::not_found, "{}/info: expected a folder of meshes in this dataset, found {}",
                      store->describe(), (*volume)->info().mesh.empty() ? "none" : (*volume)->info().mesh)
        .with_hint("ngforge mesh makes them")
        .of_source();
  opened.transform_nm = (*volume)->transform_nm();
  NGFORGE_TRY(opened.meshes, PrecomputedMeshes::open(std::move(store), folder));
  return opened;
}

}  // namespace

bool is_dataset_mesh(std::string_view place) {
  return place.rfind(kSpelling) != std::string_view::npos;
}

Result<Surface> open_dataset_mesh(const std::string& place, std::uint64_t memory_bytes) {
  NGFORGE_TRY(const Spelled spelled, parse(place));
  NGFORGE_TRY(const Opened opened, open(spelled.dataset));
  auto mesh = opened.meshes->read(spelled.label, spelled.level, memory_bytes / kTimes);
  if (!mesh && mesh.error().code == ErrorCode::limit)
    return make_error(ErrorCode::needs_decision, "{}", mesh.error().message)
        .with_hint("use a larger --memory")
        .of_source();
  if (!mesh) return std::move(mesh).error();
  if (mesh->triangles.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected triangles, found none", place).of_source();
  Surface surface;
  surface.mesh = std::move(*mesh);
  surface.is_in_dataset_nm = true;
  surface.format = "precomputed mesh";
  if (opened.transform_nm) surface.to_world_mm = *opened.transform_nm;
  constexpr double kMmPerNm = 1e-6;
  for (std::size_t i = 0; i < 3; ++i)
    for (double& number : surface.to_world_mm.m[i]) number *= kMmPerNm;
  return surface;
}

}  // namespace ngforge
