// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <new>

#include "core/affine.h"
#include "core/orientation.h"
#include "ngforge/scales.h"
#include "op/scale_writer.h"

namespace ngforge {
namespace {

std::uint64_t voxels_of(const VolumeInfo& info, std::size_t first, std::size_t end) {
  std::uint64_t voxels = 0;
  for (std::size_t k = first; k < end; ++k) voxels += static_cast<std::uint64_t>(info.scales[k].box_vox().volume());
  return voxels;
}

// Exceptions of libraries end here.
template <class Work>
Result<ScalesReport> guarded(const RunOptions& run, Work&& work) {
  try {
    Result<ScalesReport> report = work();
    // Ctrl-C ends whoever feeds the pipe too: that the source broke off is then not what happened.
    if (!report && run.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    return report;
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  } catch (const std::exception& error) {
    return make_error(ErrorCode::internal, "unexpected: {}", error.what());
  }
}

Result<std::unique_ptr<VolumeSource>> open_scale(const std::string& dataset, std::size_t scale) {
  NGFORGE_TRY(auto source, open_source(dataset + "|neuroglancer-precomputed:"));
  if (scale == 0) return source;
  return source->open_level(scale);
}

// That a scale is not absent as a whole, as one behind a server that does not find its names is.
Result<void> check_there(const PrecomputedVolume& volume, std::size_t scale) {
  const ScaleInfo& info = volume.info().scales[scale];
  const GridVec grid = info.grid_shape();
  for (Index z = 0; z < grid.z; ++z)
    for (Index y = 0; y < grid.y; ++y)
      for (Index x = 0; x < grid.x; ++x) {
        NGFORGE_TRY(const auto bytes, volume.read_chunk_bytes(scale, {x, y, z}));
        if (bytes) return {};
      }
  return make_error(ErrorCode::not_found, "{}/{}: expected chunks, found none of {}", volume.store()->describe(),
                    info.key, grid.product())
      .of_source();
}

VolumeOptions options_of(const ScaleComputation& computation) {
  VolumeOptions options;
  options.downsample = computation.downsample;
  options.outside = computation.outside;
  return options;
}

// Scale `first` is there; those behind it are made of it, as many at once as are stored alike.
Result<void> write_coarser(ScaleWriter& writer, std::size_t first, const ScaleComputation& computation,
                           ScalesReport& report) {
  const std::size_t end = writer.info().scales.size();
  while (first + 1 < end) {
    NGFORGE_TRY(const auto source, open_scale(writer.folder(), first));
    NGFORGE_TRY(VolumePlan plan, writer.plan_scale(source->header(), options_of(computation), first, writer.folder()));
    NGFORGE_TRY(const std::size_t next, writer.add_scales(plan, first, end, true));
    const CodecDescriptor* const codec = find_codec(writer.info().scales[first].encoding);
    if (codec != nullptr && codec->is_lossy)
      report.notices.push_back(fmt::format("scale {} is made of scale {}, which is stored with loss ({})",
                                           writer.info().scales[first + 1].key, writer.info().scales[first].key,
                                           codec->name));
    NGFORGE_CHECK(writer.write(*source, std::move(plan), first, true, report));
    first = next - 1;
  }
  return {};
}

// `low` and `high` become the ends of the type's range.
Result<void> stretch(const std::array<double, 2>& ends, VolumePlan& plan) {
  const auto [from_low, from_high] = ends;
  if (from_low == from_high || !std::isfinite(from_high - from_low))
    return make_error(ErrorCode::invalid_argument,
                      "expected two different values to become the ends of the range, "
                      "found {} and {}",
                      from_low, from_high);
  const std::array<double, 2> range = visit_type(plan.type, [](auto value) -> std::array<double, 2> {
    using T = decltype(value);
    if constexpr (!std::is_integral_v<T>) return {0, 1};
    return {static_cast<double>(std::numeric_limits<T>::lowest()), static_cast<double>(std::numeric_limits<T>::max())};
  });
  const double slope = (range[1] - range[0]) / (from_high - from_low), intercept = range[0] - from_low * slope;
  plan.values.intercept = plan.values.intercept * slope + intercept;
  plan.values.slope *= slope;
  return {};
}

// What a user should know before the values are converted.
void note_differences(const VolumeHeader& header, const VolumePlan& plan, bool keeps_axes, ScalesReport& report) {
  constexpr double kTolerance = 1e-5;
  const auto lengths_mm = column_lengths(header.affine_ijk_to_mm);
  const auto& resolution_nm = plan.info.scales[0].resolution_nm;
  bool agrees = true;
  for (std::size_t a = 0; a < 3; ++a)
    agrees &= std::abs(lengths_mm[a] * 1e6 - resolution_nm[a]) <= kTolerance * resolution_nm[a];
  if (keeps_axes && header.has_voxel_size && !agrees)
    report.notices.push_back(
        fmt::format("the voxels of the source are {:.7g} x {:.7g} x {:.7g} mm, those of info "
                    "{:.7g} x {:.7g} x {:.7g} mm",
                    lengths_mm[0], lengths_mm[1], lengths_mm[2], resolution_nm[0] * 1e-6, resolution_nm[1] * 1e-6,
                    resolution_nm[2] * 1e-6));
  if (!plan.values.is_identity() && is_integer(plan.type))
    report.notices.push_back(fmt::format("values are rounded and clamped to {}", name_of(plan.type)));
}

Result<ScalesReport> fill(std::span<const std::string> sources, const std::string& dataset, const FillOptions& options,
                          const RunOptions& run) {
  NGFORGE_TRY(ScaleWriter writer, ScaleWriter::open(dataset, options.storage, run));
  NGFORGE_TRY(const auto source, open_source(sources, options.source));
  const VolumeHeader& header = source->header();
  VolumeOptions volume = options_of(options.computation);
  volume.ignore_scaling = options.ignore_scaling;
  if (!options.orientation.empty())
    volume.orientation = options.orientation;
  else if (header.is_anatomical)
    volume.orientation = axis_codes(header.affine_ijk_to_mm);
  NGFORGE_TRY(VolumePlan plan, writer.plan_scale(header, volume, 0, sources.front()));
  if (options.ends) NGFORGE_CHECK(stretch(*options.ends, plan));
  ScalesReport report{writer.folder(), {}, {}};
  note_differences(header, plan, options.orientation.empty(), report);
  for (const std::string& notice : report.notices)
    if (run.on_notice) run.on_notice(notice);
  const std::size_t end = options.all_scales ? writer.info().scales.size() : 1;
  NGFORGE_TRY(const std::size_t next, writer.add_scales(plan, 0, end, false));
  writer.set_total(voxels_of(writer.info(), 0, end));
  NGFORGE_CHECK(writer.write(*source, std::move(plan), 0, false, report));
  if (next < end) NGFORGE_CHECK(write_coarser(writer, next - 1, options.computation, report));
  NGFORGE_CHECK(writer.update_provenance());
  return report;
}

Result<ScalesReport> compute(const std::string& dataset, const ScaleComputation& computation,
                             const ChunkStorage& storage, const RunOptions& run) {
  NGFORGE_TRY(ScaleWriter writer, ScaleWriter::open(dataset, storage, run));
  ScalesReport report{writer.folder(), {}, {}};
  const VolumeInfo& info = writer.info();
  if (info.scales.size() == 1) return report;
  NGFORGE_CHECK(check_there(writer.volume(), 0));
  writer.set_total(voxels_of(info, 0, info.scales.size()));
  NGFORGE_CHECK(write_coarser(writer, 0, computation, report));
  NGFORGE_CHECK(writer.update_provenance());
  return report;
}

// Chunks as those of the finest scale lie in their files.
ChunkStorage storage_like(const PrecomputedVolume& volume, ChunkStorage storage) {
  storage.layout = volume.layout(0) == Layout::deep ? "deep" : "flat";
  storage.compress = volume.has_gzip_names() ? "gzip" : "none";
  return storage;
}

// The finest scale as it is, and those that convert would make of it.
Result<std::vector<ScaleInfo>> plan_new_scales(const VolumeInfo& info, const VolumeHeader& header,
                                               const DownsampleOptions& options) {
  const ScaleInfo& finest = info.scales[0];
  VolumeOptions volume = options_of(options.computation);
  volume.type = "image";  // decides nothing here
  volume.dtype = name_of(info.type);
  volume.encoding = finest.encoding;
  volume.block_size_xyz = finest.block_size_xyz;
  volume.layout = finest.sharding ? "sharded" : "flat";
  volume.compress = finest.sharding && finest.sharding->gzip_data ? "gzip" : "none";
  volume.factor = options.factor;
  volume.scales = options.scales;
  volume.chunk_size_xyz = options.chunk_size_xyz;
  NGFORGE_TRY(const VolumePlan plan, plan_volume(header, volume));
  std::vector<ScaleInfo> scales = plan.info.scales;
  scales[0] = finest;
  for (std::size_t k = 1; k < scales.size(); ++k)
    if (scales[k].key == finest.key)
      return make_error(ErrorCode::unsupported, "scale {}: expected a key unlike that of the finest scale", finest.key)
          .of_source();
  return scales;
}

Result<ScalesReport> make_scales(const std::string& dataset, const DownsampleOptions& options, const RunOptions& run) {
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(dataset));
  const ChunkStorage storage = storage_like(*volume, options.storage);
  NGFORGE_TRY(ScaleWriter writer, ScaleWriter::open(dataset, storage, run));
  const std::vector<ScaleInfo> former = writer.info().scales;
  const bool keeps_list = options.factor == "auto" && !options.scales && !options.chunk_size_xyz && former.size() > 1;
  if (!keeps_list) {
    NGFORGE_TRY(const auto source, open_scale(writer.folder(), 0));
    NGFORGE_TRY(std::vector<ScaleInfo> scales, plan_new_scales(writer.info(), source->header(), options));
    writer.set_scales(std::move(scales));
  }
  ScalesReport report{writer.folder(), {}, {}};
  if (options.dry_run) {
    for (std::size_t k = 1; k < writer.info().scales.size(); ++k)
      report.scales.push_back(report_of(writer.info().scales[k]));
    return report;
  }
  NGFORGE_CHECK(check_there(*volume, 0));
  writer.set_total(voxels_of(writer.info(), 0, writer.info().scales.size()));
  NGFORGE_CHECK(write_coarser(writer, 0, options.computation, report));
  if (!keeps_list) NGFORGE_CHECK(writer.replace_info());
  NGFORGE_CHECK(writer.update_provenance());
  for (const ScaleInfo& scale : former) {
    std::error_code ignored;
    if (std::ranges::find(writer.info().scales, scale.key, &ScaleInfo::key) == writer.info().scales.end())
      std::filesystem::remove_all(writer.folder() + "/" + scale.key, ignored);
  }
  return report;
}

Result<ScalesReport> recode(const std::string& from, const std::string& dataset, const ChunkStorage& storage,
                            const RunOptions& run) {
  NGFORGE_TRY(ScaleWriter writer, ScaleWriter::open(dataset, storage, run));
  NGFORGE_TRY(const auto volume, PrecomputedVolume::open(from));
  ScalesReport report{writer.folder(), {}, {}};
  const auto& scales = volume->info().scales;
  writer.set_total(voxels_of(writer.info(), 0, writer.info().scales.size()));
  for (std::size_t k = writer.info().scales.size(); k-- > 0;) {
    const std::string& key = writer.info().scales[k].key;
    const auto found = std::ranges::find(scales, key, &ScaleInfo::key);
    if (found == scales.end())
      return make_error(ErrorCode::not_found, "{}: expected a scale called {}, found none", from, key).of_source();
    if (found->box_vox() != writer.info().scales[k].box_vox())
      return make_error(ErrorCode::invalid_data,
                        "{}: scale {}: expected the size and voxel_offset that {}/info says, "
                        "found others",
                        from, key, writer.folder())
          .of_source();
    if (const CodecDescriptor* const codec = find_codec(found->encoding); codec != nullptr && codec->is_lossy)
      report.notices.push_back(fmt::format("scale {} is made of one that is stored with loss ({})", key, codec->name));
    const auto number = static_cast<std::size_t>(found - scales.begin());
    NGFORGE_CHECK(check_there(*volume, number));
    NGFORGE_TRY(const auto source, open_scale(from, number));
    NGFORGE_TRY(VolumePlan plan, writer.plan_scale(source->header(), {}, k, from));
    NGFORGE_CHECK(writer.write(*source, std::move(plan), k, false, report));
  }
  std::ranges::reverse(report.scales);
  NGFORGE_CHECK(writer.update_provenance());
  return report;
}

}  // namespace

Result<ScalesReport> fill_scales(std::span<const std::string> sources, const std::string& dataset,
                                 const FillOptions& options, const RunOptions& run) {
  return guarded(run, [&] { return fill(sources, dataset, options, run); });
}

Result<ScalesReport> compute_scales(const std::string& dataset, const ScaleComputation& computation,
                                    const ChunkStorage& storage, const RunOptions& run) {
  return guarded(run, [&] { return compute(dataset, computation, storage, run); });
}

Result<ScalesReport> downsample_scales(const std::string& dataset, const DownsampleOptions& options,
                                       const RunOptions& run) {
  return guarded(run, [&] { return make_scales(dataset, options, run); });
}

Result<ScalesReport> recode_scales(const std::string& source, const std::string& dataset, const ChunkStorage& storage,
                                   const RunOptions& run) {
  return guarded(run, [&] { return recode(source, dataset, storage, run); });
}

}  // namespace ngforge
