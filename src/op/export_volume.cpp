// SPDX-License-Identifier: Apache-2.0
#include "op/export_volume.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>

#include "core/affine.h"
#include "core/byte_order.h"
#include "core/orientation.h"
#include "core/saturated.h"
#include "op/box_reader.h"
#include "op/run_options.h"
#include "op/unpacked_source.h"
#include "op/volume_plan.h"
#include "pipeline/strip.h"
#include "pipeline/thread_pool.h"
#include "sink/output_file.h"
#include "sink/volume_file.h"
#include "source/source.h"

namespace ngforge {
namespace {

constexpr Index kMostSlabPlanes = 64;
constexpr std::uint64_t kMostSlabBytes = 64 << 20;
constexpr int kGzipLevel = 6;
// What the writer holds per thread: two blocks of 1 MiB on their way, as they are and packed.
constexpr std::uint64_t kWriterBytes = 4 << 20;

/// Reads slabs of output planes. One slab at a time.
class SlabReader {
 public:
  /// `is_unpacked`: the source is unpack_when_read()'s, whose errors need not be the source's.
  SlabReader(VolumeSource& source, bool is_unpacked, const VolumePlan& plan, ThreadPool& pool)
      : source_(source), is_unpacked_(is_unpacked), plan_(plan), pool_(pool) {}

  /// Fills `slab`, whose channels are `channels` of the source.
  Result<void> read(const MutableBlockView& slab, ChannelRange channels) {
    SourceBox whole = to_source(plan_.to_reordered(slab.box), plan_.size_ijk, plan_.axis_map);
    SourceVec step = source_.header().chunk_ijk;
    if (source_.access() == Access::once) whole = widened(whole);
    if (step.product() == 0 || source_.access() == Access::once) step = plan_.size_ijk;
    SourceVec first;
    for (int a = 0; a < 3; ++a) first[a] = whole.begin[a] / step[a] * step[a];
    for (Index k = first.z; k < whole.end.z; k += step.z)
      for (Index j = first.y; j < whole.end.y; j += step.y)
        for (Index i = first.x; i < whole.end.x; i += step.x) {
          const SourceBox box = SourceBox{{i, j, k}, {i + step.x, j + step.y, k + step.z}}.intersect(whole);
          pool_.submit([this, box, slab, channels](int) { load_or_fail(box, slab, channels); });
        }
    pool_.wait_idle();
    if (error_) return *error_;
    return {};
  }

 private:
  // A stream hands out whole planes anyway; what a crop leaves out is dropped on the way.
  SourceBox widened(SourceBox box) const {
    for (const int a : {0, 1}) {
      box.begin[a] = 0;
      box.end[a] = plan_.size_ijk[a];
    }
    return box;
  }

  void load_or_fail(const SourceBox& box, const MutableBlockView& slab, ChannelRange channels) {
    if (has_failed_) return;
    Result<void> loaded;
    try {
      loaded = load(box, slab, channels);
    } catch (const std::bad_alloc&) {
      loaded = make_error(ErrorCode::internal, "the machine has no memory left");
    }
    if (loaded) return;
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(loaded).error();
    has_failed_ = true;
  }

  Result<void> load(const SourceBox& box, MutableBlockView slab, ChannelRange channels) {
    BoxReader reader(source_, plan_);
    auto values = reader.read(box, channels);
    if (!values) {
      if (!is_unpacked_) values.error().concerns_source = true;
      return std::move(values).error();
    }
    slab.box = plan_.to_reordered(slab.box);
    copy_reordered(*values, box, {0, channels.size()}, plan_.size_ijk, plan_.axis_map, slab);
    return {};
  }

  VolumeSource& source_;
  const bool is_unpacked_;
  const VolumePlan& plan_;
  ThreadPool& pool_;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;  // guards error_
  std::optional<Error> error_;
};

class Export {
 public:
  Export(const VolumeFileDescriptor& file, const std::string& destination, const ConvertOptions& options,
         const RunOptions& run, std::unique_ptr<VolumeSource> source, const VolumePlan& plan)
      : file_(file),
        destination_(destination),
        options_(options),
        run_(with_defaults(run)),
        source_(std::move(source)),
        plan_(plan),
        box_(plan.scales[0].box_vox),
        image_(image()) {}

  Result<ConvertReport> run() {
    NGFORGE_CHECK(plan_memory());
    ConvertReport report = plan_report();
    if (options_.dry_run) return report;
    for (const std::string& notice : plan_.notices)
      if (run_.on_notice) run_.on_notice(notice);
    if (needs_unpacking_) unpack();
    NGFORGE_CHECK(write());
    if (!report.is_exact) {
      std::error_code code;
      report.scales[0].bytes = std::filesystem::file_size(destination_, code);
    }
    return report;
  }

 private:
  VolumeImage image() const {
    VolumeImage image;
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

  // Colours that lie voxel by voxel come together.
  bool interleaves() const { return image_.is_rgb && file_.interleaves_colors; }
  Index slab_channels() const { return interleaves() ? plan_.channels : 1; }
  std::uint64_t value_bytes() const { return size_of(plan_.type); }
  std::uint64_t read_bytes() const {
    return size_of(plan_.values.from) + (plan_.values.is_identity() ? 0 : value_bytes());
  }

  // Output planes come in the order of a stream, and each channel when its turn comes.
  bool follows_stream() const {
    const bool comes_at_once = interleaves() || plan_.channels == 1 || !source_->header().channels_come_together();
    return plan_.axis_map.source_axis[2] == 2 && !plan_.axis_map.reversed[2] && comes_at_once;
  }

  struct Needs {
    std::uint64_t plane_bytes = 0;   // of a plane of a slab, as it is read, mapped, put in order and interleaved
    std::uint64_t thread_bytes = 0;  // chunks that are decoded, blocks that are packed
  };

  Needs needs() const {
    const bool is_stream = source_->access() == Access::once && !needs_unpacking_;
    const SourceVec chunk = source_->header().chunk_ijk;
    const VoxelVec size = box_.size();
    const std::uint64_t chunk_values = times(chunk.x, chunk.y, chunk.z);
    const std::uint64_t plane = times(size.x, size.y, slab_channels());
    const std::uint64_t read_plane = is_stream           ? times(plan_.size_ijk.x, plan_.size_ijk.y, slab_channels())
                                     : chunk_values == 0 ? plane
                                                         : 0;
    Needs needs;
    needs.plane_bytes = plus(times(plane, value_bytes(), interleaves() ? 2 : 1), times(read_plane, read_bytes()));
    needs.thread_bytes = plus(kWriterBytes, plus(times(chunk_values, slab_channels(), read_bytes()),
                                                 times(chunk_values, 2, source_->header().channels, value_bytes())));
    return needs;
  }

  Result<void> plan_memory() {
    needs_unpacking_ = source_->access() == Access::once && !follows_stream();
    unpacked_bytes_ = needs_unpacking_ ? run_.memory_bytes / 2 : 0;
    const Needs needs = this->needs();
    const std::uint64_t least = times(plus(needs.plane_bytes, needs.thread_bytes), needs_unpacking_ ? 2 : 1);
    if (least > run_.memory_bytes)
      return make_error(ErrorCode::needs_decision,
                        "--memory: expected at least {} MiB to write planes of this volume, found {} MiB",
                        (least >> 20) + 1, run_.memory_bytes >> 20)
          .with_hint(fmt::format("use --memory {}MiB", (least >> 20) + 1));
    plan_slabs(needs, run_.memory_bytes - unpacked_bytes_);
    return {};
  }

  // How many threads, and how many planes at once. `memory` holds a plane and a thread.
  void plan_slabs(const Needs& needs, std::uint64_t memory) {
    threads_ = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(run_.threads),
                                                        (memory - needs.plane_bytes) / needs.thread_bytes));
    const std::uint64_t threads_bytes = static_cast<std::uint64_t>(threads_) * needs.thread_bytes;
    const std::uint64_t slab_bytes = std::min(memory - threads_bytes, std::max(needs.plane_bytes, kMostSlabBytes));
    slab_planes_ = std::clamp<Index>(static_cast<Index>(slab_bytes / needs.plane_bytes), 1, kMostSlabPlanes);
    // Whole layers of chunks, so that none is decoded twice.
    const Index layer = source_->header().chunk_ijk[plan_.axis_map.source_axis[2]];
    if (layer > 0 && slab_planes_ > layer) slab_planes_ -= slab_planes_ % layer;
    peak_bytes_ = static_cast<std::uint64_t>(slab_planes_) * needs.plane_bytes + threads_bytes;
  }

  // What a stream holds of the planes and channels that are kept.
  std::uint64_t unpacked_volume_bytes() const {
    const SourceBox kept = to_source(plan_.to_reordered(box_), plan_.size_ijk, plan_.axis_map);
    return times(plan_.size_ijk.x, plan_.size_ijk.y, kept.size().z, plan_.channels, size_of(plan_.values.from));
  }

  void unpack() {
    RunOptions run = run_;
    if (run.scratch.empty()) run.scratch = std::filesystem::absolute(destination_).parent_path().string();
    const SourceBox kept = to_source(plan_.to_reordered(box_), plan_.size_ijk, plan_.axis_map);
    source_ =
        unpack_when_read(std::move(source_), kept.begin.z, kept.end.z, plan_.source_channels, unpacked_bytes_, run);
  }

  ConvertReport plan_report() const {
    const bool is_gzip = is_gzip_file(destination_);
    ConvertReport report;
    report.destination = destination_;
    report.format = fmt::format("{}{}", file_.title, is_gzip ? ", gzip" : "");
    report.type = plan_.is_segmentation ? "segmentation" : "image";
    report.data_type = name_of(plan_.type);
    report.channels = plan_.channels;
    report.notices = plan_.notices;
    report.is_exact = !is_gzip;
    report.peak_memory_bytes = peak_bytes_;
    if (needs_unpacking_) {
      const std::uint64_t volume = unpacked_volume_bytes();
      auto& bytes = volume > unpacked_bytes_ ? report.scratch_bytes : report.peak_memory_bytes;
      bytes = plus(bytes, volume);
    }
    const VoxelVec size = box_.size();
    ScaleReport scale;
    scale.key = "volume";
    scale.resolution_nm = plan_.scales[0].resolution_nm;
    scale.size_xyz = scale.chunk_size_xyz = {size.x, size.y, size.z};
    scale.encoding = "raw";
    scale.chunks = scale.stored_chunks = scale.files = 1;
    scale.bytes = plus(file_.header(image_).size(), times(size.x, size.y, size.z, plan_.channels, value_bytes()));
    report.scales.push_back(scale);
    return report;
  }

  Result<void> write() {
    ThreadPool reading(threads_), packing(threads_);
    const OutputFile::Options how{is_gzip_file(destination_), options_.level.value_or(kGzipLevel), options_.overwrite};
    NGFORGE_TRY(const auto writer, OutputFile::create(destination_, how, packing));
    NGFORGE_CHECK(writer->append(file_.header(image_)));
    SlabReader reader(*source_, needs_unpacking_, plan_, reading);
    for (Index c = 0; c < plan_.channels; c += slab_channels()) NGFORGE_CHECK(write_channels(reader, *writer, c));
    return writer->finish();
  }

  // All planes of the output channels from `first` on that lie in one slab.
  Result<void> write_channels(SlabReader& reader, OutputFile& writer, Index first) {
    const Index source_channel = plan_.source_channels[static_cast<std::size_t>(first)];
    const auto total = static_cast<std::uint64_t>(box_.volume() * plan_.channels);
    Buffer interleaved;
    for (Index z = box_.begin.z; z < box_.end.z;) {
      if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      Box part = box_;
      part.begin.z = z;
      part.end.z =
          std::min(plan_.origin_vox.z + ((z - plan_.origin_vox.z) / slab_planes_ + 1) * slab_planes_, box_.end.z);
      Block slab(plan_.type, part, slab_channels());
      NGFORGE_CHECK(reader.read(slab.view(), {source_channel, source_channel + slab.channels()}));
      if (file_.is_big_endian) swap_numbers({slab.view().data, slab.bytes().size()}, value_bytes());
      NGFORGE_CHECK(writer.append(interleaves() ? interleave(slab, interleaved) : slab.bytes()));
      done_ += static_cast<std::uint64_t>(part.volume() * slab.channels());
      if (run_.on_progress) run_.on_progress({"writing", done_, total, "voxels"});
      z = part.end.z;
    }
    return {};
  }

  // Bytes of colours, voxel by voxel.
  static std::span<const std::byte> interleave(const Block& slab, Buffer& space) {
    const auto out = ensure(space, slab.bytes().size());
    const auto channels = static_cast<std::size_t>(slab.channels()), voxels = slab.bytes().size() / channels;
    for (std::size_t v = 0; v < voxels; ++v)
      for (std::size_t c = 0; c < channels; ++c) out[v * channels + c] = slab.bytes()[c * voxels + v];
    return out;
  }

  const VolumeFileDescriptor& file_;
  const std::string& destination_;
  const ConvertOptions& options_;
  const RunOptions run_;
  std::unique_ptr<VolumeSource> source_;
  const VolumePlan& plan_;
  const Box box_;
  const VolumeImage image_;
  bool needs_unpacking_ = false;
  std::uint64_t unpacked_bytes_ = 0, peak_bytes_ = 0, done_ = 0;
  int threads_ = 1;
  Index slab_planes_ = 1;
};

}  // namespace

Result<ConvertReport> export_volume(std::span<const std::string> sources, const std::string& destination,
                                    const ConvertOptions& options, const RunOptions& run) {
  if (options.resume)
    return make_error(ErrorCode::invalid_argument, "--resume: expected a dataset as destination, found a file")
        .with_hint("use --overwrite");
  const VolumeFileDescriptor& file = *find_volume_file(destination);
  try {
    NGFORGE_TRY(auto source, open_source(sources, options.source));
    VolumeOptions volume_options = options;
    volume_options.scales = 1;
    volume_options.keep_scales = false;
    volume_options.encoding = "raw";
    NGFORGE_TRY(VolumePlan plan, plan_volume(source->header(), volume_options, DatasetKind::file));
    const auto stored = file.stored_type(plan.type, plan.is_segmentation);
    if (!stored)
      return make_error(ErrorCode::needs_decision, "{}: expected {}, found {}", destination, file.stored_types,
                        name_of(plan.type))
          .with_hint("convert the values with --dtype");
    plan.type = plan.values.to = *stored;
    return Export(file, destination, options, run, std::move(source), plan).run();
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  }
}

}  // namespace ngforge
