// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <optional>

#include "codec/codec.h"
#include "core/block.h"
#include "layout/provenance.h"
#include "layout/sharding.h"
#include "ngforge/op.h"
#include "op/finding_list.h"
#include "op/run_options.h"
#include "op/stored_chunks.h"
#include "pipeline/thread_pool.h"
#include "pyramid/downsample.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

constexpr const char* kMendByConverting = "convert the volume again, or restore the file from a copy";

/// A way in which a scale may have been made from the one before.
struct Method {
  Downsampling downsampling = Downsampling::average;
  Outside outside;
};

/// What is expected of one scale, and what is found.
struct ScaleCheck {
  const ScaleInfo* info = nullptr;
  const CodecDescriptor* codec = nullptr;  // null: this build cannot decode it
  StoredChunks stored;
  bool is_missing = false;            // nothing is there although something should be
  std::vector<Index> compared_cells;  // that must follow from the finer scale
  Factor factor{1, 1, 1};
  bool is_ours = false;         // provenance tells how it was made
  std::vector<Method> methods;  // that it may have been made by; one if it is ours
  std::deque<std::atomic<bool>> is_possible;
};

class Check {
 public:
  Check(std::shared_ptr<PrecomputedVolume> volume, const RunOptions& run)
      : volume_(std::move(volume)), info_(volume_->info()), run_(with_defaults(run)) {}

  Result<CheckReport> run() {
    check_info();
    NGFORGE_CHECK(read_provenance());
    NGFORGE_CHECK(plan_memory());
    scales_.resize(info_.scales.size());
    for (std::size_t k = 0; k < scales_.size(); ++k) NGFORGE_CHECK(list_scale(k));
    for (std::size_t k = 1; k < scales_.size(); ++k) plan_comparison(k);
    for (const ScaleCheck& scale : scales_) total_ += scale.stored.cells.size() + scale.compared_cells.size();
    for (std::size_t k = 0; k < scales_.size(); ++k) {
      if (scales_[k].codec != nullptr)
        NGFORGE_CHECK(for_each(scales_[k].stored.cells, [&](Index n) { return check_chunk(k, n); }));
      NGFORGE_CHECK(for_each(scales_[k].compared_cells, [&](Index n) { return compare_chunk(k, n); }));
      end_comparison(scales_[k]);
    }
    CheckReport report;
    report.findings = findings_.take();
    for (const ScaleCheck& scale : scales_) report.scales.push_back(report_of(scale));
    return report;
  }

 private:
  void find(int scale, const char* code, std::string where, std::string message, std::string hint) {
    findings_.add(scale, {code, std::move(where), std::move(message), std::move(hint)});
  }
  int number_of(std::size_t scale) const { return static_cast<int>(scale); }

  // What the viewer refuses or misreads although it is well-formed (specification, 0.3, 1.1 and section 12).
  void check_info() {
    constexpr Index kFloatExact = Index{1} << 24, kTextureSide = 2048;
    const int dataset = FindingList::kDataset;
    if (info_.is_segmentation && info_.channels != 1)
      find(dataset, "bad-info", "info",
           fmt::format("num_channels: expected 1 in a segmentation, found {}: the viewer refuses it", info_.channels),
           "use type image");
    if (info_.is_segmentation && info_.type == DataType::float32)
      find(dataset, "bad-info", "info",
           "data_type: expected integers in a segmentation, found float32: the viewer refuses it", "use type image");
    for (std::size_t k = 0; k < info_.scales.size(); ++k) {
      const ScaleInfo& scale = info_.scales[k];
      for (std::size_t a = 0; a < 3; ++a) {
        const Index far =
            std::max(std::abs(scale.voxel_offset[a]), std::abs(scale.voxel_offset[a] + scale.size_xyz[a]));
        if (far > kFloatExact && static_cast<Index>(static_cast<float>(far)) != far)
          find(number_of(k), "inexact-bounds", "info",
               fmt::format("scale {}: expected bounds that float32 can hold, found {} along {}: the viewer asks for "
                           "wrong chunks",
                           scale.key, far, "xyz"[a]),
               "move the volume with --voxel-offset");
        if (std::min(scale.chunk_size()[a], scale.size_xyz[a]) > kTextureSide &&
            scale.encoding != "compressed_segmentation")
          find(
              number_of(k), "large-chunk", "info",
              fmt::format("scale {}: expected chunks of at most {} voxels along {}, found {}: the viewer shows nothing",
                          scale.key, kTextureSide, "xyz"[a], scale.chunk_size()[a]),
              "convert with a smaller --chunk-size");
      }
    }
  }

  Result<void> read_provenance() {
    auto bytes = get_decoded(*volume_->store(), "provenance");
    if (!bytes && bytes.error().code == ErrorCode::not_found) return {};
    if (!bytes) return std::move(bytes).error().of_source();
    auto parsed = parse_provenance({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "provenance");
    if (parsed)
      provenance_ = std::move(*parsed);
    else
      find(FindingList::kDataset, "bad-provenance", "provenance",
           parsed.error().message + ": counts and scales cannot be compared with it",
           "restore it from a copy; no viewer needs it");
    return {};
  }

  // Threads that can work at once, and how much of a comparison each may hold.
  Result<void> plan_memory() {
    std::uint64_t chunk = 0;
    for (const ScaleInfo& scale : info_.scales) {
      auto bytes = static_cast<std::uint64_t>(info_.channels) * size_of(info_.type);
      for (std::size_t a = 0; a < 3; ++a)
        bytes *= static_cast<std::uint64_t>(std::min(scale.chunk_size()[a], scale.size_xyz[a]));
      chunk = std::max(chunk, bytes);
    }
    // A chunk as stored, unpacked and decoded; the same for one of the finer scale while the chunk is compared.
    const std::uint64_t least = 6 * chunk + 2 * kLeastPieceBytes;
    if (least > run_.memory_bytes)
      return make_error(ErrorCode::needs_decision,
                        "--memory: expected at least {} MiB for chunks of {} MiB, found {} MiB", (least >> 20) + 1,
                        chunk >> 20, run_.memory_bytes >> 20)
          .with_hint(fmt::format("use --memory {}MiB", (least >> 20) + 1));
    threads_ =
        static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(run_.threads), run_.memory_bytes / least));
    piece_bytes_ = run_.memory_bytes / static_cast<std::uint64_t>(threads_) - 6 * chunk;
    return {};
  }

  const Provenance::Scale* provenance_of(const std::string& key) const {
    if (provenance_.task.empty()) return nullptr;
    for (const Provenance::Scale& scale : provenance_.scales)
      if (scale.key == key) return &scale;
    return nullptr;
  }

  Result<void> list_scale(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    scale.info = &info_.scales[k];
    const std::string& key = scale.info->key;
    scale.codec = find_decoder(scale.info->encoding, info_.type, info_.channels);
    if (scale.codec == nullptr)
      find(number_of(k), "unknown-encoding", "info",
           fmt::format("scale {}: expected an encoding that this build can decode, found {} of {} channel(s) of {}: "
                       "its chunks were not looked at",
                       key, scale.info->encoding, info_.channels, name_of(info_.type)),
           "ngforge formats lists what can be decoded");
    NGFORGE_TRY(scale.stored, list_stored_chunks(*volume_->store(), *scale.info, number_of(k), findings_, run_.stop));
    const Provenance::Scale* told = provenance_of(key);
    // Scales that convert took from its source (--scales keep) were made by someone else.
    scale.is_ours = told != nullptr && provenance_.option("downsample") != "none";
    scale.is_missing = !scale.stored.has_files && (told == nullptr || told->stored_chunks > 0);
    if (scale.is_missing) {
      find(number_of(k), "missing-scale", key,
           "expected a folder with the scale's chunks, found none: the viewer shows zeros",
           "restore the folder, or take the scale out of info");
      return {};
    }
    const auto stored = static_cast<std::uint64_t>(scale.stored.cells.size());
    const auto empty = static_cast<std::uint64_t>(scale.info->grid_shape().product()) - stored;
    if (told != nullptr && (told->stored_chunks != stored || told->empty_chunks != empty))
      find(number_of(k), "missing-chunks", key,
           fmt::format("expected {} stored and {} empty chunks as provenance says, found {} and {}: the viewer shows "
                       "zeros where chunks are missing",
                       told->stored_chunks, told->empty_chunks, stored, empty),
           "convert the volume again, or restore the missing files from a copy");
    return {};
  }

  // How the scale may have been made, and which of its chunks have voxels to compare.
  void plan_comparison(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    const ScaleCheck& finer = scales_[k - 1];
    const auto is_exact = [](const ScaleCheck& of) {
      return of.codec != nullptr && !of.codec->is_lossy && !of.is_missing;
    };
    if (!is_exact(scale) || !is_exact(finer)) return;
    if (const Provenance::Scale* told = provenance_of(scale.info->key))
      scale.factor = told->factor;
    else
      for (std::size_t a = 0; a < 3; ++a)
        scale.factor[a] = std::max<Index>(
            1, std::llround(std::min(scale.info->resolution_nm[a] / finer.info->resolution_nm[a], 1e6)));
    const Box expected = coarse_box(finer.info->box_vox(), scale.factor), found = scale.info->box_vox();
    if (expected != found) {
      if (!scale.is_ours) return notice(*scale.info, "its size and offset are not those of cells on the global grid");
      find(number_of(k), "wrong-size", "info",
           fmt::format("scale {}: expected voxels {} made of scale {}, found {}: the picture jumps on zooming",
                       scale.info->key, chunk_name(expected), finer.info->key, chunk_name(found)),
           "restore info from a copy, or convert the volume again");
      return;
    }
    choose_methods(scale);
    for (std::size_t m = 0; m < scale.methods.size(); ++m) scale.is_possible.emplace_back(true);
    list_compared(finer, scale);
  }

  void choose_methods(ScaleCheck& scale) const {
    const auto add = [&](Downsampling method, Outside outside = {}) { scale.methods.push_back({method, outside}); };
    if (!scale.is_ours) {
      if (!info_.is_segmentation) add(Downsampling::average);
      if (is_integer(info_.type)) add(Downsampling::majority);
      add(Downsampling::stride);
      return;
    }
    Outside outside;
    if (const std::string text = provenance_.option("outside"); !text.empty() && text != "edge") {
      outside.is_edge = false;
      std::from_chars(text.data(), text.data() + text.size(), outside.value);
    }
    if (const auto method = find_downsampling(provenance_.option("downsample"))) add(*method, outside);
  }

  // Cells that are stored, or that stored cells of the finer scale lie in: all others are zero in both.
  void list_compared(const ScaleCheck& finer, ScaleCheck& scale) const {
    if (scale.methods.empty()) return;
    scale.compared_cells = scale.stored.cells;
    const GridVec grid = scale.info->grid_shape(), finer_grid = finer.info->grid_shape();
    for (const Index number : finer.stored.cells) {
      const Box box = coarse_box(finer.info->chunk_box(cell_of_number(number, finer_grid)), scale.factor);
      GridBox cells;
      for (int a = 0; a < 3; ++a) {
        const auto i = static_cast<std::size_t>(a);
        cells.begin[a] = floor_div(box.begin[a] - scale.info->voxel_offset[i], scale.info->chunk_size()[i]);
        cells.end[a] = ceil_div(box.end[a] - scale.info->voxel_offset[i], scale.info->chunk_size()[i]);
      }
      for (Index z = cells.begin.z; z < cells.end.z; ++z)
        for (Index y = cells.begin.y; y < cells.end.y; ++y)
          for (Index x = cells.begin.x; x < cells.end.x; ++x) {
            const Index cell = cell_number({x, y, z}, grid);
            if (scale.compared_cells.empty() || scale.compared_cells.back() != cell)
              scale.compared_cells.push_back(cell);
          }
    }
    std::sort(scale.compared_cells.begin(), scale.compared_cells.end());
    scale.compared_cells.erase(std::unique(scale.compared_cells.begin(), scale.compared_cells.end()),
                               scale.compared_cells.end());
  }

  // Calls `work(number)` for all numbers on all threads; stops at the first error.
  template <class Work>
  Result<void> for_each(const std::vector<Index>& numbers, const Work& work) {
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;  // guards error and progress
    std::optional<Error> error;
    const auto run_worker = [&]() -> Result<void> {
      for (std::size_t i = next++; i < numbers.size(); i = next++) {
        if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
        NGFORGE_CHECK(work(numbers[i]));
        const std::lock_guard lock(mutex);
        if (run_.on_progress) run_.on_progress({"checking", ++done_, total_, "chunks"});
      }
      return {};
    };
    {
      ThreadPool pool(threads_);
      for (int t = 0; t < threads_; ++t)
        pool.submit([&](int) {
          Result<void> result;
          try {
            result = run_worker();
          } catch (const std::bad_alloc&) {
            result = make_error(ErrorCode::internal, "the machine has no memory left");
          }
          if (result) return;
          next = numbers.size();
          const std::lock_guard lock(mutex);
          if (!error) error = std::move(result).error();
        });
    }
    if (error) return std::move(*error);
    return {};
  }

  std::string where_of(const ScaleInfo& scale, const Box& box) const {
    return fmt::format("{}/{}", scale.key, chunk_name(box));
  }

  // Errors: only those that concern the whole run; what is wrong with the chunk is a finding.
  Result<void> check_chunk(std::size_t k, Index number) {
    const ScaleInfo& scale = *scales_[k].info;
    const GridVec cell = cell_of_number(number, scale.grid_shape());
    const Box box = scale.chunk_box(cell);
    Block chunk(info_.type, box, info_.channels);
    const auto decoded = volume_->read_chunk(k, cell, chunk.view());
    if (decoded) return {};
    const ErrorCode code = decoded.error().code;
    if (code == ErrorCode::internal || code == ErrorCode::cancelled) return decoded.error();
    const bool is_readable = code != ErrorCode::io && code != ErrorCode::permission && code != ErrorCode::unavailable;
    find(number_of(k), is_readable ? "undecodable-chunk" : "unreadable-chunk", object_of(k, box),
         decoded.error().message + ": the viewer shows a hole",
         is_readable ? kMendByConverting : "see that the file can be read");
    return {};
  }

  // The file of a chunk, and the chunk itself when the file has several.
  std::string object_of(std::size_t k, const Box& box) const {
    const ScaleInfo& scale = *scales_[k].info;
    if (!scale.sharding && scales_[k].stored.is_deep) return fmt::format("{}/{}", scale.key, deep_chunk_name(box));
    if (!scale.sharding) return where_of(scale, box);
    GridVec cell;
    for (int a = 0; a < 3; ++a) {
      const auto i = static_cast<std::size_t>(a);
      cell[a] = (box.begin[a] - scale.voxel_offset[i]) / scale.chunk_size()[i];
    }
    const ShardPlace place = shard_place(*scale.sharding, encode_morton(cell, scale.grid_shape()));
    return fmt::format("{}/{}: {}", scale.key, shard_file_name(*scale.sharding, place.shard), chunk_name(box));
  }

  Result<void> compare_chunk(std::size_t k, Index number) {
    ScaleCheck& scale = scales_[k];
    const GridVec cell = cell_of_number(number, scale.info->grid_shape());
    Block chunk(info_.type, scale.info->chunk_box(cell), info_.channels);
    if (!volume_->read_chunk(k, cell, chunk.view())) return {};  // found and told before
    return compare_piece(k, std::as_const(chunk).view(), chunk.box());
  }

  // Compares a part of a chunk; halves it when its fine voxels are too many to hold at once.
  Result<void> compare_piece(std::size_t k, const BlockView& chunk, const Box& part) {
    ScaleCheck& scale = scales_[k];
    const Box fine_bounds = info_.scales[k - 1].box_vox(), needed = fine_box(part, scale.factor, fine_bounds);
    const std::uint64_t bytes =
        static_cast<std::uint64_t>((needed.volume() + part.volume()) * info_.channels) * size_of(info_.type);
    if (bytes > piece_bytes_ && part.volume() > 1) {
      const VoxelVec size = part.size();
      const int axis = size.z >= size.y && size.z >= size.x ? 2 : size.y >= size.x ? 1 : 0;
      Box low = part, high = part;
      low.end[axis] = high.begin[axis] = part.begin[axis] + size[axis] / 2;
      NGFORGE_CHECK(compare_piece(k, chunk, low));
      return compare_piece(k, chunk, high);
    }
    Block fine(info_.type, needed, info_.channels);
    if (!volume_->read(k - 1, needed, fine.view())) return {};  // found and told at its own scale
    Block expected(info_.type, part, info_.channels);
    for (std::size_t m = 0; m < scale.methods.size(); ++m) {
      if (!scale.is_ours && !scale.is_possible[m]) continue;
      const Method& method = scale.methods[m];
      downsample(std::as_const(fine).view(), fine_bounds, scale.factor, method.downsampling, method.outside,
                 expected.view());
      if (are_equal(std::as_const(expected).view(), chunk)) continue;
      scale.is_possible[m] = false;
      if (scale.is_ours)
        find(number_of(k), "scales-disagree", object_of(k, chunk.box),
             fmt::format("expected the {} of scale {}, found other values: the picture changes on zooming",
                         name_of(method.downsampling), info_.scales[k - 1].key),
             "convert the volume again");
    }
    return {};
  }

  // Whether `chunk` has the same bits in `part`.
  static bool are_equal(const BlockView& part, const BlockView& chunk) {
    const BlockView found = chunk.crop(part.box);
    const auto row_bytes = static_cast<std::size_t>(part.size().x) * part.value_bytes();
    for (Index c = 0; c < part.channels; ++c)
      for (Index z = part.box.begin.z; z < part.box.end.z; ++z)
        for (Index y = part.box.begin.y; y < part.box.end.y; ++y)
          if (std::memcmp(part.row(y, z, c), found.row(y, z, c), row_bytes) != 0) return false;
    return true;
  }

  void end_comparison(const ScaleCheck& scale) {
    if (scale.is_ours || scale.compared_cells.empty()) return;
    if (std::none_of(scale.is_possible.begin(), scale.is_possible.end(),
                     [](const auto& possible) { return possible.load(); }))
      notice(*scale.info, "it was made in a way that ngforge does not know");
  }

  void notice(const ScaleInfo& scale, std::string_view why) const {
    if (run_.on_notice) run_.on_notice(fmt::format("scale {} was not compared with the finer one: {}", scale.key, why));
  }

  static ScaleReport report_of(const ScaleCheck& scale) {
    ScaleReport report;
    report.key = scale.info->key;
    report.size_xyz = scale.info->size_xyz;
    report.voxel_offset = scale.info->voxel_offset;
    report.chunk_size_xyz = scale.info->chunk_size();
    report.resolution_nm = scale.info->resolution_nm;
    report.encoding = scale.info->encoding;
    report.chunks = static_cast<std::uint64_t>(scale.info->grid_shape().product());
    report.stored_chunks = scale.stored.cells.size();
    report.empty_chunks = report.chunks - report.stored_chunks;
    report.files = scale.stored.files;
    report.bytes = scale.stored.bytes;
    return report;
  }

  static constexpr std::uint64_t kLeastPieceBytes = 1 << 20;

  const std::shared_ptr<PrecomputedVolume> volume_;
  const VolumeInfo& info_;
  const RunOptions run_;
  Provenance provenance_;
  FindingList findings_;
  int threads_ = 1;
  std::uint64_t piece_bytes_ = 0;
  std::deque<ScaleCheck> scales_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Result<CheckReport> check(const std::string& place, const RunOptions& run) {
  auto volume = PrecomputedVolume::open(place);
  if (volume) return Check(std::move(*volume), run).run();
  const Error& error = volume.error();
  if (error.code != ErrorCode::invalid_data && error.code != ErrorCode::limit && !is_precomputed(place)) return error;
  const bool is_transform = error.message.find("/transform.json") != std::string::npos;
  CheckReport report;
  report.findings.push_back(
      {is_transform ? "bad-transform" : "bad-info", is_transform ? "transform.json" : "info",
       error.message + (is_transform ? ": the volume is shown elsewhere" : ": the viewer shows nothing"),
       error.hint.empty() ? "mend it by hand or restore it from a copy, then check again" : error.hint});
  return report;
}

}  // namespace ngforge
