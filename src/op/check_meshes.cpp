// SPDX-License-Identifier: Apache-2.0
#include "op/check_meshes.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/affine.h"
#include "layout/provenance.h"
#include "op/check_mesh.h"
#include "op/check_server.h"
#include "op/for_each_item.h"
#include "op/run_options.h"
#include "source/precomputed_meshes.h"

namespace ngforge {
namespace {

using Labels = std::vector<std::uint64_t>;  // ascending

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 26;
constexpr const char* kMendInfo = "correct the info of the meshes, or mesh again";
constexpr const char* kMeshAgain = "mesh again with ngforge mesh --overwrite, or restore the files from a copy";

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void sort_once(Labels& labels) {
  std::ranges::sort(labels);
  labels.erase(std::ranges::unique(labels).begin(), labels.end());
}
bool has(const Labels& labels, std::uint64_t label) {
  return std::ranges::binary_search(labels, label);
}

// All of a text as a number.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "1,2,3"
Labels labels_in(std::string_view text) {
  Labels labels;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (const auto number = number_in(part)) labels.push_back(*number);
  }
  sort_once(labels);
  return labels;
}

std::string labels_text(const Labels& labels) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(labels.size(), kShown); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", labels[i]);
  return labels.size() > kShown ? fmt::format("{} and {} others", text, labels.size() - kShown) : text;
}

/// Which labels were to be meshed, as far as that is known.
struct Chosen {
  std::size_t scale = 0;
  std::optional<Labels> labels;  // nothing: all
  Labels excluded;
  std::uint64_t min_voxels = 1;
  bool is_of_voxels = true;  // false: surfaces of files, of whichever labels
  Labels of_files;           // labels of such surfaces among meshes of voxels

  bool wants(const LabelCount& count) const {
    return count.label != 0 && count.voxels >= min_voxels && (!labels || has(*labels, count.label)) &&
           !has(excluded, count.label);
  }
};

class Meshes final : public MeshCheck {
 public:
  Meshes(std::unique_ptr<PrecomputedMeshes> meshes, std::string folder, Chosen chosen, const RunOptions& run,
         FindingList& findings)
      : meshes_(std::move(meshes)),
        folder_(std::move(folder)),
        chosen_(std::move(chosen)),
        run_(run),
        findings_(findings),
        counts_(run.memory_bytes / 4 / LabelTotals<LabelCount>::kBytesPerLabel),
        names_(meshes_->info()) {}

  std::size_t scale() const override { return chosen_.scale; }
  LabelTotals<LabelCount>& labels() override { return counts_; }

  Result<void> run(bool is_whole) override {
    const bool is_counted = counts_.is_complete();
    if (!is_counted) notice("too many labels for --memory: meshes were not compared with voxels");
    const auto counts = counts_.take();
    Labels wanted;
    for (const auto& count : counts)
      if (chosen_.wants(count)) wanted.push_back(count.label);
    NGFORGE_CHECK(list());
    Labels missing;
    if (was_listed_)
      std::ranges::copy_if(wanted, std::back_inserter(missing),
                           [&](std::uint64_t label) { return !has(listed_, label) && !is_lost(label); });
    const Labels& asked = was_listed_ ? listed_ : wanted;
    if (!shards_answer_ranges_) return {};
    NGFORGE_TRY(const bool goes_on, ask_server(asked));
    if (!goes_on) return {};
    NGFORGE_CHECK(check_each(asked, missing));
    NGFORGE_CHECK(find_stray_files(missing));
    if (!is_counted || !chosen_.is_of_voxels) return {};
    tell_missing(missing);
    if (!is_whole || !was_listed_) return {};
    Labels stray;
    std::ranges::copy_if(listed_, std::back_inserter(stray), [&](std::uint64_t label) {
      const auto place = std::ranges::lower_bound(counts, label, {}, &LabelCount::label);
      const bool has_voxels = label != 0 && place != counts.end() && place->label == label;
      return !has_voxels && !has(chosen_.of_files, label);
    });
    tell_stray(stray);
    return {};
  }

 private:
  void find(FindingCode code, std::string where, std::string message, std::string hint) {
    findings_.add(FindingList::kDataset, code, std::move(where), std::move(message), std::move(hint));
  }
  void notice(const std::string& text) const {
    if (run_.on_notice) run_.on_notice(text);
  }
  // Whether the place of a label could not be read.
  bool is_lost(std::uint64_t label) const {
    return meshes_->shards() != nullptr && has(broken_shards_, shard_place(meshes_->shards()->spec(), label).shard);
  }

  void tell_missing(const Labels& missing) {
    if (missing.empty()) return;
    find(FindingCode::missing_mesh, folder_,
         fmt::format("expected a mesh of each label that has voxels, found none of {}: the viewer shows nothing of "
                     "them in 3-D",
                     labels_text(missing)),
         "mesh again with ngforge mesh --overwrite");
  }
  void tell_stray(const Labels& stray) {
    if (stray.empty()) return;
    find(FindingCode::stray_mesh, folder_,
         fmt::format("expected meshes of labels that have voxels, found {}: they may be those of another volume",
                     labels_text(stray)),
         "mesh again with ngforge mesh --overwrite");
  }

  // Whether the folder could be listed. Errors: cancelled.
  template <class Visit>
  Result<bool> visit_names(const Visit& visit) {
    Result<void> stopped;
    const auto visited = meshes_->store()->visit_names(meshes_->key(""), [&](const std::string& name) -> Result<void> {
      if (run_.stop.stop_requested()) return stopped = make_error(ErrorCode::cancelled, "interrupted");
      visit(name);
      return {};
    });
    if (!stopped) return std::move(stopped).error();
    return visited.has_value();
  }

  // The labels that have a manifest.
  Result<void> list() {
    NGFORGE_TRY(was_listed_, visit_names([&](const std::string& name) { names_.add(names_.read(name)); }));
    has_names_ = was_listed_;
    names_.sort();
    listed_ = names_.labels();
    if (ShardedReader* const reader = meshes_->shards()) {
      constexpr int kMostAskedBits = 10;
      Labels shards = names_.shards();
      if (!was_listed_ && reader->spec().shard_bits <= kMostAskedBits) {
        was_listed_ = true;
        for (std::uint64_t shard = 0; shard >> reader->spec().shard_bits == 0; ++shard) shards.push_back(shard);
      }
      for (const std::uint64_t shard : shards)
        if (shards_answer_ranges_) NGFORGE_CHECK(list_shard(*reader, shard));
    }
    if (!was_listed_) notice("the server lists no folders: meshes of labels without voxels were not looked for");
    sort_once(listed_);
    sort_once(broken_shards_);
    sort_once(damaged_);
    return {};
  }

  // Files that no manifest names. `missing`: labels of which more is missing than that.
  Result<void> find_stray_files(const Labels& missing) {
    if (!has_names_ || was_unread_) return {};
    std::uint64_t aside = 0;
    NGFORGE_TRY(const bool was_listed, visit_names([&](const std::string& name) {
                  if (names_.read(name).kind == MeshNames::Kind::aside) ++aside;
                  if (names_.is_stray(name, missing))
                    find(FindingCode::stray_file, meshes_->key(name),
                         "expected files of meshes that a manifest names, found one that nobody asks for: it is never "
                         "shown",
                         "remove it, or mesh again with ngforge mesh --overwrite");
                }));
    if (was_listed && aside > 0)
      notice(fmt::format("{}: {} file{} that igneous left while it worked, and nobody asks for", folder_, aside,
                         aside == 1 ? "" : "s"));
    return {};
  }

  // Whether the web server, if it is one, gives the files of meshes as they are asked for.
  Result<bool> ask_server(const Labels& labels) {
    constexpr std::size_t kMostAsked = 16;
    if (meshes_->shards() != nullptr) return true;  // they were listed
    Store& store = *meshes_->store();
    const bool is_legacy = meshes_->info().format == MeshFormat::legacy;
    for (const std::uint64_t label : labels | std::views::take(kMostAsked)) {
      const std::string name = is_legacy ? legacy_manifest_name(label, true) : multires_fragments_name(label);
      if (!is_legacy) {
        NGFORGE_TRY(const bool goes_on, check_server_range(store, meshes_->key(name), findings_));
        if (!goes_on) return false;
        continue;
      }
      NGFORGE_TRY(const ServedName served, check_server_name(store, meshes_->key(name), findings_));
      if (served != ServedName::absent) return served != ServedName::unreadable;
    }
    return true;
  }

  // What is wrong with a shard itself. Errors: only those that end the run.
  Result<void> list_shard(ShardedReader& reader, std::uint64_t shard) {
    const std::string key = reader.shard_key(shard);
    const auto stored = meshes_->store()->stat(key);
    if (!stored && stored.error().code == ErrorCode::not_found) return {};
    NGFORGE_TRY(shards_answer_ranges_, check_server_range(*meshes_->store(), key, findings_));
    if (!shards_answer_ranges_) return {};
    bool has_zlib = false;
    auto entries = stored ? reader.list(shard, &has_zlib) : stored.error();
    if (!entries) {
      if (ends_check(entries.error())) return std::move(entries).error();
      broken_shards_.push_back(shard);
      const FindingCode code = is_unreadable(entries.error()) ? FindingCode::unreadable_file
                               : stored && stored->size < shard_index_bytes(reader.spec()) ? FindingCode::bad_shard
                                                                                           : FindingCode::bad_minishard;
      find(code, key, entries.error().message + ": the viewer shows no meshes of it", kMeshAgain);
      return {};
    }
    NGFORGE_CHECK(find_zlib(reader, shard, *entries, has_zlib));
    for (const ShardEntry& entry : *entries) {
      const std::string where = fmt::format("{}: key {}", key, entry.key);
      const auto found = reader.find(entry.key);
      const bool is_here = shard_place(reader.spec(), entry.key).shard == shard && found && *found == entry;
      if (!is_here) {
        find(FindingCode::stray_chunk, where,
             "expected the key in the shard and minishard that its hash names, found it elsewhere: the viewer does not "
             "find this mesh",
             kMeshAgain);
        damaged_.push_back(entry.key);
      } else if (const std::uint64_t end = shard_index_bytes(reader.spec()) + entry.offset + entry.size;
                 end > stored->size) {
        find(FindingCode::cut_chunk, where,
             fmt::format("expected a manifest up to byte {}, found a file of {} bytes: the viewer shows no mesh", end,
                         stored->size),
             kMeshAgain);
        damaged_.push_back(entry.key);
      }
      listed_.push_back(entry.key);
    }
    find_overlaps(key, std::move(*entries));
    return {};
  }

  // `has_zlib`: an index is. One manifest tells how all are packed. Errors: only those that end the run.
  Result<void> find_zlib(ShardedReader& reader, std::uint64_t shard, const std::vector<ShardEntry>& entries,
                         bool has_zlib) {
    const std::string key = reader.shard_key(shard);
    constexpr std::uint64_t kHead = 2;
    if (!entries.empty() && entries.front().size >= kHead && reader.spec().gzip_data) {
      const auto head =
          meshes_->store()->get_range(key, {shard_index_bytes(reader.spec()) + entries.front().offset, kHead});
      if (!head && ends_check(head.error())) return head.error();
      has_zlib |= head && looks_like_zlib(*head);
    }
    if (has_zlib)
      find(FindingCode::zlib_shard, key, "expected gzip as info says, found zlib: the viewer shows no meshes of it",
           kMeshAgain);
    return {};
  }

  void find_overlaps(const std::string& shard_key, std::vector<ShardEntry> entries) {
    std::ranges::sort(entries, {}, &ShardEntry::offset);
    for (std::size_t i = 1; i < entries.size(); ++i) {
      const ShardEntry &before = entries[i - 1], &entry = entries[i];
      if (before.offset + before.size <= entry.offset) continue;
      find(FindingCode::overlap, fmt::format("{}: key {}", shard_key, entry.key),
           fmt::format("expected manifests on bytes of their own, found this one on those of key {}: the viewer shows "
                       "no mesh of one of them",
                       before.key),
           kMeshAgain);
      damaged_.insert(damaged_.end(), {before.key, entry.key});
    }
  }

  Result<void> check_each(const Labels& labels, Labels& missing) {
    std::mutex mutex;  // guards missing, done and on_progress
    std::uint64_t done = 0;
    std::atomic<bool> was_too_large = false;
    const std::uint64_t memory_bytes = run_.memory_bytes / 4 / static_cast<std::uint64_t>(run_.threads);
    NGFORGE_CHECK(for_each_item(run_.threads, labels.size(), run_.stop, [&](int, std::size_t i) -> Result<void> {
      if (!has(damaged_, labels[i])) {
        NGFORGE_TRY(const MeshState state, check_mesh(*meshes_, labels[i], memory_bytes, findings_, names_));
        if (state == MeshState::unread) was_unread_ = true;
        if (state == MeshState::too_large) was_too_large = true;
        if (state == MeshState::absent) {
          const std::lock_guard lock(mutex);
          missing.push_back(labels[i]);
        }
      }
      const std::lock_guard lock(mutex);
      if (run_.on_progress) run_.on_progress({"checking", ++done, labels.size(), "meshes"});
      return {};
    }));
    if (was_too_large) notice("some meshes are too large for --memory: not all of their fragments were looked at");
    sort_once(missing);
    return {};
  }

  const std::unique_ptr<PrecomputedMeshes> meshes_;
  const std::string folder_;
  const Chosen chosen_;
  const RunOptions run_;
  FindingList& findings_;
  LabelTotals<LabelCount> counts_;
  MeshNames names_;
  bool has_names_ = false;   // of all files
  bool was_listed_ = false;  // the labels are known
  std::atomic<bool> was_unread_ = false;
  bool shards_answer_ranges_ = true;
  Labels listed_;   // labels that have a manifest
  Labels damaged_;  // those whose place is wrong
  Labels broken_shards_;
};

// What this program or igneous says of the labels and the scale that were meshed.
Chosen read_chosen(const PrecomputedMeshes& meshes, const VolumeInfo& info) {
  Chosen chosen;
  const auto bytes = get_decoded(*meshes.store(), meshes.key("provenance"), kMaxJsonBytes);
  const auto provenance = bytes ? parse_provenance(text_of(*bytes), "provenance") : bytes.error();
  if (provenance && provenance->task == "ngforge surfaces") {
    chosen.is_of_voxels = false;
    return chosen;
  }
  if (provenance && provenance->task == "ngforge mesh") {
    const auto place = std::ranges::find(info.scales, provenance->option("scale"), &ScaleInfo::key);
    if (place != info.scales.end()) chosen.scale = static_cast<std::size_t>(place - info.scales.begin());
    if (const std::string labels = provenance->option("labels"); labels != "all") chosen.labels = labels_in(labels);
    chosen.excluded = labels_in(provenance->option("excluded"));
    chosen.of_files = labels_in(provenance->option("surfaces"));
    chosen.min_voxels = number_in(provenance->option("min_voxels")).value_or(1);
    return chosen;
  }
  if (const auto mip = meshes.info().mip; mip && *mip < static_cast<Index>(info.scales.size()))
    chosen.scale = static_cast<std::size_t>(*mip);
  return chosen;
}

}  // namespace

Result<std::unique_ptr<MeshCheck>> open_mesh_check(const PrecomputedVolume& volume, const RunOptions& given,
                                                   FindingList& findings) {
  const RunOptions run = with_defaults(given);
  const VolumeInfo& info = volume.info();
  const std::string folder = linked_folder(info.mesh);
  if (folder.empty() || !info.is_segmentation || !is_integer(info.type)) return std::unique_ptr<MeshCheck>();
  auto meshes = PrecomputedMeshes::open(volume.store(), folder);
  const std::string where = folder + "/info";
  if (!meshes) {
    const Error& error = meshes.error();
    if (ends_check(error)) return error;
    findings.add(FindingList::kDataset,
                 is_unreadable(error) ? FindingCode::unreadable_file : FindingCode::bad_mesh_info, where,
                 error.message + ": the viewer shows no meshes", kMendInfo);
    return std::unique_ptr<MeshCheck>();
  }
  if (!(*meshes)->has_info()) {
    const auto names = volume.store()->list(folder + "/");
    if (names ? names->empty() : names.error().code == ErrorCode::not_found) return std::unique_ptr<MeshCheck>();
  }
  if (!inverse((*meshes)->to_nm()))
    findings.add(
        FindingList::kDataset, FindingCode::bad_mesh_info, where,
        "transform: expected a matrix that has an inverse, found one that has none: the viewer shows no meshes",
        kMendInfo);
  Chosen chosen = read_chosen(**meshes, info);
  return std::make_unique<Meshes>(std::move(*meshes), folder, std::move(chosen), run, findings);
}

}  // namespace ngforge
