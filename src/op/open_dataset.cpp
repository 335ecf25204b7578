// SPDX-License-Identifier: Apache-2.0
#include "op/open_dataset.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "layout/provenance.h"
#include "ngforge/op.h"
#include "ngforge/text.h"
#include "op/contrast.h"
#include "op/live_meshes.h"
#include "op/render.h"
#include "op/run_options.h"
#include "op/stored_properties.h"
#include "op/surface_layer.h"
#include "op/volume_plan.h"
#include "source/precomputed.h"
#include "source/slices.h"
#include "source/source.h"
#include "store/viewer_names.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

// Reading this much and scaling it down takes no longer than people wait for a program to start.
constexpr std::uint64_t kQuickBytes = 256 << 20;

/// The longest suffix of a volume or surface file that the name has, or "".
std::string_view suffix_of(std::string_view name) {
  std::string_view longest;
  for (const SurfaceDescriptor* surface : all_surface_formats())
    for (const std::string packed : {"", ".gz"}) {
      const std::string suffix = surface->suffixes + packed;
      if (*surface->suffixes != 0 && suffix.size() > longest.size() && ends_with_any_case(name, suffix))
        longest = name.substr(name.size() - suffix.size());
    }
  for (const SourceDescriptor* source : all_sources())
    for (std::string_view rest = source->suffixes; !rest.empty();) {
      const std::string_view suffix = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), suffix.size() + 1));
      if (suffix.size() > longest.size() && ends_with_any_case(name, suffix)) longest = suffix;
    }
  return longest;
}

Result<Dataset> open_precomputed(const std::string& place, const RunOptions& run) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(place));
  const VolumeInfo& info = volume->info();
  Dataset dataset;
  dataset.store = make_viewer_view(volume->store());
  const std::uint64_t memory_bytes = run.memory_bytes / static_cast<std::uint64_t>(run.memory_shares);
  if (const auto plan = plan_live_meshes(info, {memory_bytes, 0, false}, run)) {
    const auto read = [volume, scale = plan->meshes.scale](const Box& box, const MutableBlockView& out) {
      return volume->read(scale, box, out);
    };
    NGFORGE_TRY(dataset.store, with_live_meshes(std::move(dataset.store), *plan, read, run.stop));
  }
  dataset.format = "Neuroglancer precomputed";
  dataset.scales = info.scales.size();
  dataset.type = info.is_segmentation ? "segmentation" : "image";
  dataset.data_type = info.type;
  dataset.channels = info.channels;
  // Three or four channels of uint8 that others wrote are taken for colours.
  dataset.is_rgb = has_channels_of_colors(info) && says_colors(*volume).value_or(true);
  dataset.box_vox = info.scales.front().box_vox();
  dataset.resolution_nm = info.scales.front().resolution_nm;
  dataset.transform_nm = volume->transform_nm();
  if (info.is_segmentation) dataset.segment_colors = stored_colors(*volume->store(), info);
  return dataset;
}

Result<Dataset> open_live(const std::string& place, VolumeOptions options, const RunOptions& run) {
  // How a result would be stored means nothing here.
  options.layout = "flat";
  options.compress = "none";
  options.sharding.clear();
  NGFORGE_TRY(auto source, open_source(place, options.source));
  NGFORGE_TRY(SourceLevels levels, open_levels(std::move(source), options));
  NGFORGE_TRY(const VolumePlan plan, plan_volume(headers_of(levels), options));
  for (const std::string& notice : plan.notices) {
    if (run.on_notice) run.on_notice(notice);
  }
  // The coarsest scale is made of the finest, unless it is a level of the source.
  const ScaleGeometry& read = plan.kept_levels.empty() ? plan.scales.front() : plan.scales.back();
  const std::uint64_t voxels = static_cast<std::uint64_t>(read.box_vox.size().product());
  const std::uint64_t read_bytes = voxels * plan.source_channels.size() * size_of(plan.values.from);
  Dataset dataset;
  dataset.format = levels.front()->header().format;
  dataset.scales = plan.scales.size();
  dataset.contrast_is_slow = levels.front()->access() == Access::once || read_bytes > kQuickBytes;
  dataset.computed_from_bytes = plan.kept_levels.empty() ? read_bytes : 0;
  NGFORGE_TRY(dataset.store, render(place, std::move(levels), plan, run));
  dataset.type = plan.is_segmentation ? "segmentation" : "image";
  dataset.data_type = plan.type;
  dataset.channels = plan.channels;
  dataset.is_rgb = plan.is_rgb;
  dataset.box_vox = plan.scales.front().box_vox;
  dataset.resolution_nm = plan.scales.front().resolution_nm;
  dataset.transform_nm = plan.transform_nm;
  return dataset;
}

Result<Dataset> open_any(const std::string& place, const VolumeOptions& options, const RunOptions& run) {
  if (is_surface_layer(place)) return open_surface_layer(place, "", run);
  if (is_precomputed(place)) return open_precomputed(place, run);
  auto live = open_live(place, options, run);
  std::error_code ignored;
  if (live || live.error().code != ErrorCode::unsupported || !std::filesystem::is_regular_file(place, ignored))
    return live;
  // Plain fragments of meshes tell what they are by nothing but their size: anything else goes first.
  auto surface = open_surface_layer(place, "", run);
  return surface ? std::move(surface) : std::move(live);
}

}  // namespace

std::string dataset_name(const std::string& place) {
  std::string_view path = place;
  // "FILE|hdf5:/a/b"
  if (const auto bar = path.rfind('|'); bar != std::string_view::npos && path.find(':', bar) != std::string_view::npos)
    path = path.substr(0, bar);
  if (const auto colon = path.rfind("://"); colon != std::string_view::npos) path.remove_prefix(colon + 3);
  if (path == "-") return "stdin";
  // "." and ".." are called what they lead to.
  std::error_code ignored;
  std::filesystem::path whole = std::filesystem::absolute(path, ignored).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  // Slices are called what holds them.
  while (is_pattern(whole.string())) whole = whole.parent_path();
  std::string name = whole.filename().string();
  if (const auto suffix = suffix_of(name); suffix.size() < name.size()) name.resize(name.size() - suffix.size());
  return name.empty() || name == "/" ? "dataset" : name;
}

bool takes_memory(const std::string& place) {
  if (!is_precomputed(place)) return true;
  const auto volume = PrecomputedVolume::open(place);
  return volume && (*volume)->info().is_segmentation && (*volume)->info().mesh.empty();
}

Result<Dataset> open_dataset(const std::string& place, const VolumeOptions& options, const RunOptions& run) {
  NGFORGE_TRY(Dataset dataset, open_any(place, options, with_defaults(run)));
  dataset.name = dataset_name(place);
  dataset.source = place;
  dataset.contrast = [store = dataset.store] { return contrast_of(store); };
  return dataset;
}

bool is_called_regions(const std::string& place) {
  const auto suffixes = {".annot", ".label.gii", ".label.gii.gz"};
  return std::ranges::any_of(suffixes, [&](const char* suffix) { return ends_with_any_case(place, suffix); });
}

Result<Dataset> open_regions(const std::string& surface, const std::string& regions, const RunOptions& run) {
  NGFORGE_TRY(Dataset dataset, open_surface_layer(surface, regions, with_defaults(run)));
  dataset.name = dataset_name(surface);
  dataset.source = surface;
  return dataset;
}

}  // namespace ngforge
