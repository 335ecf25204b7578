// SPDX-License-Identifier: Apache-2.0
#include "op/export_nifti.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>

#include "core/affine.h"
#include "core/orientation.h"
#include "op/run_options.h"
#include "op/volume_plan.h"
#include "pipeline/strip.h"
#include "pipeline/thread_pool.h"
#include "sink/nifti_writer.h"
#include "source/source.h"

namespace ngforge {
namespace {

// Values of `box` (output voxels) for one run of output channels, read in pieces on the pool.
class SlabReader {
 public:
  SlabReader(VolumeSource& source, const VolumePlan& plan, ThreadPool& pool)
      : source_(source), plan_(plan), pool_(pool) {}

  Result<void> read(const MutableBlockView& slab, Index source_channel) {
    const SourceBox whole = to_source(plan_.to_reordered(slab.box), plan_.size_ijk, plan_.axis_map);
    SourceVec step = source_.header().chunk_ijk;
    if (step.product() == 0) step = whole.size();
    SourceVec first;
    for (int a = 0; a < 3; ++a) first[a] = whole.begin[a] / step[a] * step[a];
    for (Index k = first.z; k < whole.end.z; k += step.z)
      for (Index j = first.y; j < whole.end.y; j += step.y)
        for (Index i = first.x; i < whole.end.x; i += step.x) {
          const SourceBox box = SourceBox{{i, j, k}, {i + step.x, j + step.y, k + step.z}}.intersect(whole);
          pool_.submit([this, box, slab, source_channel](int) { load(box, slab, source_channel); });
        }
    pool_.wait_idle();
    if (error_) return *error_;
    return {};
  }

 private:
  void load(const SourceBox& box, MutableBlockView slab, Index source_channel) {
    if (failed_) return;
    const auto count = static_cast<std::size_t>(box.volume());
    Buffer stored(count * size_of(plan_.values.from)), mapped;
    auto read = source_.read(box, {source_channel, source_channel + 1}, stored.span());
    if (!read) return fail(std::move(read).error().of_source());
    std::span<const std::byte> values = stored.span();
    if (!plan_.values.is_identity()) {
      mapped = Buffer(count * size_of(plan_.type));
      if (const auto bad = map_values(plan_.values, stored.span(), mapped.span()))
        return fail(bad_value_error(plan_, *bad, box));
      values = mapped.span();
    }
    slab.box = plan_.to_reordered(slab.box);
    copy_reordered(values, box, {0, 1}, plan_.size_ijk, plan_.axis_map, slab);
  }

  void fail(Error error) {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    failed_ = true;
  }

  VolumeSource& source_;
  const VolumePlan& plan_;
  ThreadPool& pool_;
  std::mutex mutex_;
  std::optional<Error> error_;
  std::atomic<bool> failed_ = false;
};

class Export {
 public:
  Export(const std::string& destination, const ConvertOptions& options, const RunOptions& run, VolumeSource& source,
         const VolumePlan& plan)
      : destination_(destination),
        options_(options),
        run_(with_defaults(run)),
        source_(source),
        plan_(plan),
        box_(plan.scales[0].box_vox) {}

  Result<ConvertReport> run() {
    ConvertReport report;
    report.destination = destination_;
    report.format = destination_.ends_with(".gz") ? "NIfTI, gzip" : "NIfTI";
    report.type = plan_.is_segmentation ? "segmentation" : "image";
    report.data_type = name_of(plan_.type);
    report.channels = plan_.channels;
    report.notices = plan_.notices;
    ScaleReport scale;
    scale.key = "volume";
    scale.resolution_nm = plan_.scales[0].resolution_nm;
    const auto size = box_.size();
    scale.size_xyz = {size.x, size.y, size.z};
    scale.encoding = "raw";
    scale.chunk_size_xyz = scale.size_xyz;
    scale.chunks = scale.files = 1;
    const auto header_bytes = nifti_header(image()).size();
    scale.bytes = header_bytes + static_cast<std::uint64_t>(size.product() * plan_.channels) * size_of(plan_.type);
    report.is_exact = !destination_.ends_with(".gz");
    report.scales.push_back(scale);
    const std::uint64_t plane =
        static_cast<std::uint64_t>(size.x * size.y * (plan_.is_rgb ? plan_.channels : 1)) * size_of(plan_.type);
    slab_planes_ =
        static_cast<Index>(std::clamp<std::uint64_t>(run_.memory_bytes / 4 / std::max<std::uint64_t>(plane, 1), 1, 64));
    report.peak_memory_bytes =
        plane * static_cast<std::uint64_t>(slab_planes_) * 2 + (4u << 20) * static_cast<unsigned>(run_.threads);
    if (report.peak_memory_bytes > run_.memory_bytes)
      return make_error(ErrorCode::needs_decision,
                        "--memory: expected at least {} MiB to write planes of this volume, found {} MiB",
                        (report.peak_memory_bytes >> 20) + 1, run_.memory_bytes >> 20)
          .with_hint(fmt::format("use --memory {}MiB", (report.peak_memory_bytes >> 20) + 1));
    if (options_.dry_run) return report;
    NGFORGE_CHECK(write());
    if (!report.is_exact) {
      std::error_code code;
      report.scales[0].bytes = std::filesystem::file_size(destination_, code);
    }
    return report;
  }

 private:
  NiftiImage image() const {
    NiftiImage image;
    image.size_vox = box_.size();
    image.channels = plan_.channels;
    image.type = plan_.type;
    image.is_rgb = plan_.is_rgb && plan_.type == DataType::uint8;
    image.is_label = plan_.is_segmentation;
    // T speaks of the dataset's coordinates; the file counts from the corner of what is kept.
    const auto& resolution = plan_.scales[0].resolution_nm;
    Affine shift;
    for (int a = 0; a < 3; ++a) shift.m[static_cast<std::size_t>(a)][3] = static_cast<double>(box_.begin[a]);
    image.affine_centre_to_mm = multiply(centre_mm_affine(plan_.transform_nm.value_or(Affine{}), resolution), shift);
    return image;
  }

  Result<void> write() {
    ThreadPool reading(run_.threads), packing(run_.threads);
    const NiftiImage header = image();
    NGFORGE_TRY(const auto writer,
                NiftiWriter::create(destination_, header, options_.level, options_.overwrite, packing));
    SlabReader reader(source_, plan_, reading);
    const Index planes = box_.size().z;
    const auto total = static_cast<std::uint64_t>(box_.volume() * plan_.channels);
    std::uint64_t done = 0;
    const Index passes = header.is_rgb ? 1 : plan_.channels;
    Buffer interleaved;
    for (Index pass = 0; pass < passes; ++pass)
      for (Index z = 0; z < planes; z += slab_planes_) {
        if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
        Box part = box_;
        part.begin.z = box_.begin.z + z;
        part.end.z = std::min(part.begin.z + slab_planes_, box_.end.z);
        Block slab(plan_.type, part, header.is_rgb ? plan_.channels : 1);
        for (Index c = 0; c < slab.channels(); ++c) {
          MutableBlockView view = slab.view();
          view.data += c * view.stride_channel;
          view.channels = 1;
          NGFORGE_CHECK(reader.read(view, plan_.source_channels[static_cast<std::size_t>(pass + c)]));
        }
        NGFORGE_CHECK(writer->append(header.is_rgb ? interleave(slab, interleaved) : slab.bytes()));
        done += static_cast<std::uint64_t>(part.volume() * slab.channels());
        if (run_.on_progress) run_.on_progress({"writing", done, total, "voxels"});
      }
    return writer->finish();
  }

  // RGB24 and RGBA32 hold their bytes voxel by voxel.
  static std::span<const std::byte> interleave(const Block& slab, Buffer& space) {
    const auto out = ensure(space, slab.bytes().size());
    const auto channels = static_cast<std::size_t>(slab.channels()), voxels = slab.bytes().size() / channels;
    for (std::size_t v = 0; v < voxels; ++v)
      for (std::size_t c = 0; c < channels; ++c) out[v * channels + c] = slab.bytes()[c * voxels + v];
    return out;
  }

  const std::string& destination_;
  const ConvertOptions& options_;
  const RunOptions run_;
  VolumeSource& source_;
  const VolumePlan& plan_;
  const Box box_;
  Index slab_planes_ = 1;
};

}  // namespace

Result<ConvertReport> export_nifti(const std::string& place, const std::string& destination,
                                   const ConvertOptions& options, const RunOptions& run) {
  if (options.resume)
    return make_error(ErrorCode::invalid_argument, "--resume: expected a dataset as destination, found a file")
        .with_hint("use --overwrite");
  NGFORGE_TRY(const auto source, open_source(place));
  if (source->access() == Access::once)
    return make_error(ErrorCode::unsupported, "{}: expected a source that can be read anywhere, found a stream", place)
        .with_hint("gunzip it first, or convert it to a dataset and that to NIfTI");
  VolumeOptions volume_options = options;
  volume_options.scales = 1;
  volume_options.encoding = "raw";
  NGFORGE_TRY(const VolumePlan plan, plan_volume(source->header(), volume_options));
  return Export(destination, options, run, *source, plan).run();
}

}  // namespace ngforge
