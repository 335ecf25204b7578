// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>

#include "codec/codec.h"
#include "compress/gzip.h"
#include "core/block.h"
#include "layout/provenance.h"
#include "ngforge/op.h"
#include "op/check_info.h"
#include "op/check_meshes.h"
#include "op/check_properties.h"
#include "op/check_server.h"
#include "op/finding_list.h"
#include "op/for_each_item.h"
#include "op/repair.h"
#include "op/run_options.h"
#include "op/scale_comparison.h"
#include "op/stored_chunks.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

constexpr const char* kMendInfo = "restore info from a copy, or convert the volume again";
constexpr const char* kMendByConverting = "convert the volume again, or restore the file from a copy";
constexpr std::uint64_t kMaxProvenanceBytes = std::uint64_t{1} << 26;

/// What is expected of one scale, and what is found.
struct ScaleCheck {
  const ScaleInfo* info = nullptr;
  const CodecDescriptor* codec = nullptr;   // null: this build cannot decode it
  const Provenance::Scale* told = nullptr;  // what this program wrote; null: it did not
  StoredChunks stored;
  bool is_missing = false;           // nothing is there although something should be
  std::optional<std::size_t> finer;  // the scale that it is compared with
  CellSet missing;
  std::optional<ScaleComparison> comparison;  // with the finer scale

  bool may_miss_chunks() const { return told == nullptr || told->stored_chunks > stored.cells.size(); }
};

class Check {
 public:
  /// `meshes`: counts the labels of its scale; may be null.
  Check(std::shared_ptr<PrecomputedVolume> volume, MeshCheck* meshes, FindingList& findings, const RunOptions& run)
      : volume_(std::move(volume)),
        meshes_(meshes),
        info_(volume_->info()),
        findings_(findings),
        run_(with_defaults(run)),
        scales_(info_.scales.size()) {}

  /// What was found goes into the list, not into the report.
  Result<CheckReport> run() {
    check_info(info_, *volume_->store(), findings_);
    NGFORGE_CHECK(read_provenance());
    NGFORGE_CHECK(plan_memory());
    for (std::size_t k = 0; k < scales_.size(); ++k) NGFORGE_CHECK(list_scale(k));
    plan_comparisons();
    for (std::size_t k = 0; k < scales_.size(); ++k) total_ += work_of(k);
    for (std::size_t k = 0; k < scales_.size(); ++k) NGFORGE_CHECK(check_scale(k));
    for (std::size_t k = 0; k < scales_.size(); ++k) count_chunks(k);
    CheckReport report;
    for (const ScaleCheck& scale : scales_) report.scales.push_back(report_of(scale));
    return report;
  }

 private:
  void find(std::size_t scale, FindingCode code, std::string where, std::string message, std::string hint) {
    findings_.add(static_cast<int>(scale), code, std::move(where), std::move(message), std::move(hint));
  }

  Result<void> read_provenance() {
    const auto bytes = get_decoded(*volume_->store(), "provenance", kMaxProvenanceBytes);
    if (!bytes && bytes.error().code == ErrorCode::not_found) return {};
    auto parsed = bytes ? parse_provenance({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "provenance")
                        : bytes.error();
    if (parsed)
      provenance_ = std::move(*parsed);
    else
      findings_.add(FindingList::kDataset, FindingCode::bad_provenance, "provenance",
                    parsed.error().message + ": counts and scales cannot be compared with it, the picture is the same",
                    "restore it from a copy, or remove it");
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

  static bool is_other_box(const Provenance::Scale& told, const ScaleInfo& info) {
    const bool is_said = told.size_xyz != std::array<Index, 3>{};
    return is_said && (told.size_xyz != info.size_xyz || told.voxel_offset_xyz != info.voxel_offset);
  }

  Result<void> list_scale(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    scale.info = &info_.scales[k];
    const std::string& key = scale.info->key;
    // Whose chunks they are cannot be told: each scale would find those of the other to be wrong.
    if (std::ranges::count(info_.scales, key, &ScaleInfo::key) > 1) return {};
    const Provenance::Scale* const told = provenance_of(key);
    if (told != nullptr && is_other_box(*told, *scale.info)) {
      // No chunk of another grid is where this one has it.
      find(k, FindingCode::wrong_size, "info",
           fmt::format("scale {}: expected {} voxels at {} as provenance says, found {} at {}: the picture jumps on "
                       "zooming",
                       key, fmt::join(told->size_xyz, ","), fmt::join(told->voxel_offset_xyz, ","),
                       fmt::join(scale.info->size_xyz, ","), fmt::join(scale.info->voxel_offset, ",")),
           kMendInfo);
      return {};
    }
    scale.told = told;
    scale.codec = find_decoder(scale.info->encoding, info_.type, info_.channels);
    NGFORGE_TRY(scale.stored,
                list_stored_chunks(*volume_->store(), *scale.info, static_cast<int>(k), findings_, run_.stop));
    if (!scale.stored.was_listed && k == 0)
      notice("the server lists no folders: names that no reader asks for were not looked for");
    scale.is_missing = !scale.stored.has_files && !scale.stored.is_incomplete &&
                       (scale.told == nullptr || scale.told->stored_chunks > 0);
    if (scale.is_missing)
      find(k, FindingCode::missing_scale, key,
           "expected a folder with the scale's chunks, found none: the viewer shows zeros",
           "restore the folder, or take the scale out of info");
    return {};
  }

  // Each scale with the next finer one, in whatever order `info` has them.
  void plan_comparisons() {
    std::vector<std::size_t> order(scales_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const bool is_told = std::ranges::all_of(scales_, [](const ScaleCheck& scale) { return scale.told != nullptr; });
    std::ranges::stable_sort(order, {}, [&](std::size_t k) {
      if (is_told) return static_cast<double>(scales_[k].told - provenance_.scales.data());
      const auto& length = info_.scales[k].resolution_nm;
      return length[0] * length[1] * length[2];
    });
    for (std::size_t i = 1; i < order.size(); ++i) plan_comparison(order[i], order[i - 1]);
  }

  // How the scale may have been made, if that can be compared.
  void plan_comparison(std::size_t k, std::size_t finer_number) {
    ScaleCheck &scale = scales_[k], &finer = scales_[finer_number];
    const auto is_readable = [](const ScaleCheck& of) { return of.codec != nullptr && !of.is_missing; };
    if (!is_readable(scale) || !is_readable(finer)) return;
    ScaleMethod method;
    const std::string made_by = provenance_.option("downsample");
    // Scales that convert took from its source (--scales keep) were made by someone else.
    const bool is_kept = scale.told != nullptr && made_by == "none", is_ours = scale.told != nullptr && !is_kept;
    if (is_kept) method.reach_cells = 1;
    if (scale.told != nullptr) method.factor = scale.told->factor;
    if (is_ours) {
      method.downsampling = find_downsampling(made_by);
      if (!method.downsampling) return;
      if (const std::string text = provenance_.option("outside"); !text.empty() && text != "edge") {
        method.outside.is_edge = false;
        std::from_chars(text.data(), text.data() + text.size(), method.outside.value);
      }
    } else if (scale.told == nullptr) {
      for (std::size_t a = 0; a < 3; ++a)
        method.factor[a] = std::max<Index>(
            1, std::llround(std::min(scale.info->resolution_nm[a] / finer.info->resolution_nm[a], 1e6)));
    }
    const Box expected = coarse_box(finer.info->box_vox(), method.factor), found = scale.info->box_vox();
    bool is_aligned = expected == found;
    if (!is_ours)  // others begin their cells where the volume begins
      for (std::size_t a = 0; a < 3; ++a) {
        const double length = scale.info->resolution_nm[a] / finer.info->resolution_nm[a];
        is_aligned &= finer.info->voxel_offset[a] % method.factor[a] == 0 &&
                      std::abs(length - static_cast<double>(method.factor[a])) <= 1e-4 * length;
      }
    if (is_aligned) {
      scale.finer = finer_number;
      scale.comparison.emplace(*volume_, side(finer_number), side(k), method, piece_bytes_, findings_);
    } else if (!is_ours) {
      notice(fmt::format("scale {} was not compared with the finer one: its voxels are not cells of the global grid",
                         scale.info->key));
    } else {
      find(k, FindingCode::wrong_size, "info",
           fmt::format("scale {}: expected voxels {} made of scale {}, found {}: the picture jumps on zooming",
                       scale.info->key, chunk_name(expected), finer.info->key, chunk_name(found)),
           kMendInfo);
    }
  }

  ComparedScale side(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    return {k, &scale.stored, scale.may_miss_chunks(), scale.codec->is_lossy, &scale.missing};
  }

  std::uint64_t work_of(std::size_t k) const {
    const ScaleCheck& scale = scales_[k];
    const std::uint64_t chunks = scale.codec == nullptr ? 0 : scale.stored.cells.size();
    return scale.comparison ? 2 * chunks + scales_[*scale.finer].stored.cells.size() : chunks;
  }

  Result<void> check_scale(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    if (scale.codec != nullptr) NGFORGE_CHECK(for_each(scale.stored.cells, [&](Index n) { return check_chunk(k, n); }));
    if (!scale.comparison) return {};
    NGFORGE_CHECK(for_each(scale.stored.cells, [&](Index n) {
      scale.comparison->compare_stored(n);
      return Result<void>();
    }));
    return for_each(scales_[*scale.finer].stored.cells, [&](Index n) {
      scale.comparison->compare_around(n);
      return Result<void>();
    });
  }

  // Calls `work(number)` for all numbers on all threads; stops at the first error.
  template <class Work>
  Result<void> for_each(const std::vector<Index>& numbers, const Work& work) {
    std::mutex mutex;  // guards done_ and on_progress
    return for_each_item(threads_, numbers.size(), run_.stop, [&](int, std::size_t i) -> Result<void> {
      NGFORGE_CHECK(work(numbers[i]));
      const std::lock_guard lock(mutex);
      if (run_.on_progress) run_.on_progress({"checking", ++done_, total_, "chunks"});
      return {};
    });
  }

  // Errors: only those that concern the whole run; what is wrong with the chunk is a finding.
  Result<void> check_chunk(std::size_t k, Index number) {
    const ScaleCheck& scale = scales_[k];
    if (scale.stored.is_damaged(number)) return {};
    const GridVec cell = cell_of_number(number, scale.info->grid_shape());
    Block chunk(info_.type, scale.info->chunk_box(cell), info_.channels);
    const auto decoded = volume_->read_chunk(k, cell, chunk.view());
    if (decoded && meshes_ != nullptr && k == meshes_->scale()) meshes_->labels().add(std::as_const(chunk).view());
    if (decoded) return {};
    const Error& error = decoded.error();
    if (error.code == ErrorCode::internal || error.code == ErrorCode::cancelled) return error;
    const std::string where = place_of_chunk(*scale.info, scale.stored.is_deep, cell);
    if (error.code == ErrorCode::io || error.code == ErrorCode::permission || error.code == ErrorCode::unavailable)
      find(k, FindingCode::unreadable_file, where, error.message + ": the viewer shows a hole",
           "see that the file can be read");
    else if (is_unnamed_gzip(k, cell, chunk))
      find(k, FindingCode::unnamed_gzip, where,
           "expected a chunk as it is, found it in gzip that neither its name nor the server tells: the viewer shows a "
           "hole",
           "call the file NAME.gz and use ngforge serve or a server as ngforge webserver configures it, which send "
           "Content-Encoding: gzip");
    else
      find(k, FindingCode::undecodable_chunk, where, error.message + ": the viewer shows a hole", kMendByConverting);
    return {};
  }

  // Whether a chunk file that does not decode does so after gunzip.
  bool is_unnamed_gzip(std::size_t k, const GridVec& cell, Block& chunk) const {
    if (scales_[k].info->sharding) return false;
    const auto bytes = volume_->read_chunk_bytes(k, cell);
    if (!bytes || !*bytes) return false;
    const std::uint64_t limit = 8 * chunk.bytes().size() + (std::uint64_t{1} << 20);
    const auto plain = gunzip(**bytes, "chunk", limit);
    return plain && scales_[k].codec->decode(*plain, {scales_[k].info->block_size_xyz}, chunk.view());
  }

  // What the comparisons have shown to be missing, and what only the count of what was written shows.
  void count_chunks(std::size_t k) {
    ScaleCheck& scale = scales_[k];
    const auto missing = scale.missing.take();
    for (const Index number : missing)
      find(k, FindingCode::missing_chunk,
           place_of_chunk(*scale.info, scale.stored.is_deep, cell_of_number(number, scale.info->grid_shape())),
           "expected a chunk, since the scale beside it has voxels there; found none: the viewer shows zeros",
           kMendByConverting);
    if (scale.told == nullptr || scale.is_missing || scale.stored.is_incomplete) return;
    const auto stored = static_cast<std::uint64_t>(scale.stored.cells.size());
    const std::uint64_t written = scale.told->stored_chunks;
    if (written > stored + missing.size())
      find(k, FindingCode::missing_chunk, scale.info->key,
           fmt::format("expected {} chunks as provenance says, found {}: the viewer shows zeros where one is missing",
                       written, stored),
           kMendByConverting);
    if (written < stored)
      find(k, FindingCode::extra_chunk, scale.info->key,
           fmt::format("expected {} chunks as provenance says, found {}: the viewer shows some that are not of this "
                       "volume",
                       written, stored),
           "convert the volume again");
  }

  void notice(const std::string& text) const {
    if (run_.on_notice) run_.on_notice(text);
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
  MeshCheck* const meshes_;
  const VolumeInfo& info_;
  FindingList& findings_;
  const RunOptions run_;
  Provenance provenance_;
  int threads_ = 1;
  std::uint64_t piece_bytes_ = 0;
  std::deque<ScaleCheck> scales_;
  std::uint64_t done_ = 0, total_ = 0;
};

// What a dataset that does not even open is said to have. Errors: those of a place that is no dataset.
Result<void> find_closed(Store& store, const Error& error, FindingList& findings) {
  if (error.code != ErrorCode::invalid_data && error.code != ErrorCode::limit && !store.stat("info")) return error;
  const bool is_transform = error.message.find("/transform.json") != std::string::npos;
  findings.add(FindingList::kDataset, is_transform ? FindingCode::bad_transform : FindingCode::bad_info,
               is_transform ? "transform.json" : "info",
               error.message + (is_transform ? ": the volume is shown elsewhere" : ": the viewer shows nothing"),
               error.hint.empty() ? "mend it by hand or restore it from a copy, then check again" : error.hint);
  return {};
}

}  // namespace

Result<CheckReport> check(const std::string& place, const CheckOptions& options, const RunOptions& run) {
  CheckReport report;
  std::vector<std::string> mended;
  if (options.repair) {
    NGFORGE_TRY(mended, repair_dataset(place, run));
  }
  FindingList findings;
  NGFORGE_TRY(const auto store, open_dataset_store(place));
  auto goes_on = check_server(*store, findings);
  if (!goes_on) return std::move(goes_on).error().of_source();
  if (*goes_on) {
    auto volume = PrecomputedVolume::open(store);
    if (!volume) {
      NGFORGE_CHECK(find_closed(*store, volume.error(), findings));
    } else {
      goes_on = check_server_volume(*store, (*volume)->info(), findings);
      if (!goes_on) return std::move(goes_on).error().of_source();
      if (*goes_on) {
        NGFORGE_CHECK(check_properties(**volume, run, findings));
        NGFORGE_TRY(const auto meshes, open_mesh_check(**volume, run, findings));
        NGFORGE_TRY(report, Check(*volume, meshes.get(), findings, run).run());
        if (meshes) NGFORGE_CHECK(meshes->run(!findings.has_of_scales()));
      }
    }
  }
  if (!*goes_on && run.on_notice) run.on_notice("chunks were not looked at: the server does not answer as it should");
  report.findings = findings.take();
  report.mended = std::move(mended);
  return report;
}

}  // namespace ngforge
