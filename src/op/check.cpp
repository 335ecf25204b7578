// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>

#include "codec/codec.h"
#include "core/block.h"
#include "layout/provenance.h"
#include "layout/sharding.h"
#include "ngforge/op.h"
#include "op/run_options.h"
#include "pipeline/thread_pool.h"
#include "pyramid/downsample.h"
#include "source/precomputed.h"
#include "store/sharded.h"

namespace ngforge {
namespace {

// A dataset that is broken everywhere is told by its first faults.
constexpr std::size_t kMostFindings = 1000;

class Check {
 public:
  Check(std::shared_ptr<PrecomputedVolume> volume, const RunOptions& run)
      : volume_(std::move(volume)), info_(volume_->info()), run_(with_defaults(run)), pool_(run_.threads) {}

  Result<CheckReport> run() {
    NGFORGE_CHECK(read_provenance());
    for (std::size_t k = 0; k < info_.scales.size(); ++k)
      total_ += static_cast<std::uint64_t>(info_.scales[k].grid_shape().product());
    for (std::size_t k = 0; k < info_.scales.size(); ++k) NGFORGE_CHECK(check_scale(k));
    std::sort(report_.findings.begin(), report_.findings.end(), [](const Finding& a, const Finding& b) {
      return std::tie(a.where, a.code, a.message) < std::tie(b.where, b.code, b.message);
    });
    return std::move(report_);
  }

 private:
  void find(const char* code, std::string where, std::string message, std::string hint) {
    std::lock_guard lock(mutex_);
    if (report_.findings.size() < kMostFindings)
      report_.findings.push_back({code, std::move(where), std::move(message), std::move(hint)});
  }

  Result<void> read_provenance() {
    auto bytes = get_decoded(*volume_->store(), "provenance");
    if (!bytes)
      return bytes.error().code == ErrorCode::not_found ? Result<void>{}
                                                        : Result<void>(std::move(bytes).error().of_source());
    auto parsed = parse_provenance({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "provenance");
    if (parsed)
      provenance_ = std::move(*parsed);
    else
      find("bad-provenance", "provenance", parsed.error().message,
           "the viewer never reads it; remove it or write it anew");
    return {};
  }

  Result<void> check_scale(std::size_t k) {
    const ScaleInfo& scale = info_.scales[k];
    if (find_codec(scale.encoding) == nullptr) {
      find("unknown-encoding", scale.key, fmt::format("cannot be decoded by this build: {}", scale.encoding), "");
      return {};
    }
    if (scale.sharding)
      NGFORGE_CHECK(check_shards(k));
    else
      NGFORGE_CHECK(check_names(k));
    stored_ = 0;
    const GridVec grid = scale.grid_shape();
    // Bounded queueing: a layer of chunks at a time.
    for (Index z = 0; z < grid.z; ++z) {
      if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      for (Index y = 0; y < grid.y; ++y)
        for (Index x = 0; x < grid.x; ++x)
          pool_.submit([this, k, cell = GridVec{x, y, z}](int) { check_chunk(k, cell); });
      pool_.wait_idle();
      if (run_.on_progress) run_.on_progress({"checking", done_, total_, "chunks"});
    }
    ScaleReport row;
    row.key = scale.key;
    row.size_xyz = scale.size_xyz;
    row.chunks = static_cast<std::uint64_t>(grid.product());
    row.stored_chunks = stored_;
    row.empty_chunks = row.chunks - stored_;
    report_.scales.push_back(row);
    compare_counts(row);
    return {};
  }

  void compare_counts(const ScaleReport& row) {
    for (const Provenance::Scale& scale : provenance_.scales) {
      if (scale.key != row.key || scale.stored_chunks == row.stored_chunks) continue;
      find("missing-chunks", row.key,
           fmt::format("expected {} stored chunks (provenance), found {}: the viewer shows zeros where they were",
                       scale.stored_chunks, row.stored_chunks),
           "copy the dataset again, or convert it anew");
    }
  }

  // Names in a flat scale folder that are no chunk of the grid.
  Result<void> check_names(std::size_t k) {
    const ScaleInfo& scale = info_.scales[k];
    auto names = volume_->store()->list(scale.key + "/");
    if (!names) return {};  // nothing stored, or a store that cannot list
    for (std::string name : *names) {
      if (name.ends_with("/")) continue;
      const std::string where = scale.key + "/" + name;
      if (name.ends_with(".gz")) name.resize(name.size() - 3);
      const auto box = parse_chunk_name(name);
      if (box && is_cell(scale, *box)) continue;
      find("stray-file", where, "expected a chunk of the grid, found another name: the viewer never asks for it",
           "remove it");
    }
    return {};
  }

  static bool is_cell(const ScaleInfo& scale, const Box& box) {
    GridVec cell;
    for (int a = 0; a < 3; ++a) {
      const auto i = static_cast<std::size_t>(a);
      cell[a] = floor_div(box.begin[a] - scale.voxel_offset[i], scale.chunk_size()[i]);
      if (cell[a] < 0 || cell[a] >= scale.grid_shape()[a]) return false;
    }
    return scale.chunk_box(cell) == box;
  }

  // Every shard that the grid can have: its index, and that its values lie apart and belong to the grid.
  Result<void> check_shards(std::size_t k) {
    const ScaleInfo& scale = info_.scales[k];
    const GridVec grid = scale.grid_shape();
    ShardedReader reader(volume_->store(), scale.key + "/", *scale.sharding);
    std::set<std::uint64_t> shards;
    for (Index z = 0; z < grid.z; ++z)
      for (Index y = 0; y < grid.y; ++y)
        for (Index x = 0; x < grid.x; ++x)
          shards.insert(shard_place(*scale.sharding, encode_morton({x, y, z}, grid)).shard);
    for (const std::uint64_t shard : shards) {
      const std::string where = reader.shard_key(shard);
      auto entries = reader.list(shard);
      if (!entries) {
        find("bad-shard-index", where, entries.error().message + ": the viewer shows nothing of this shard",
             "copy it again, or convert anew");
        continue;
      }
      check_entries(*entries, scale, shard, where);
    }
    return {};
  }

  void check_entries(std::vector<ShardEntry>& entries, const ScaleInfo& scale, std::uint64_t shard,
                     const std::string& where) {
    const GridVec grid = scale.grid_shape();
    for (const ShardEntry& entry : entries) {
      const GridVec cell = decode_morton(entry.key, grid);
      const bool in_grid =
          cell.x < grid.x && cell.y < grid.y && cell.z < grid.z && encode_morton(cell, grid) == entry.key;
      if (!in_grid || shard_place(*scale.sharding, entry.key).shard != shard)
        find("stray-chunk", where,
             fmt::format("key {}: expected a chunk of this shard, found another key: the viewer never asks for it",
                         entry.key),
             "convert anew");
    }
    std::sort(entries.begin(), entries.end(),
              [](const ShardEntry& a, const ShardEntry& b) { return a.offset < b.offset; });
    for (std::size_t i = 1; i < entries.size(); ++i)
      if (entries[i - 1].offset + entries[i - 1].size > entries[i].offset)
        find("overlapping-chunks", where,
             fmt::format("keys {} and {} share bytes: at least one of them is wrong", entries[i - 1].key,
                         entries[i].key),
             "convert anew");
  }

  void check_chunk(std::size_t k, const GridVec& cell) {
    ++done_;
    const ScaleInfo& scale = info_.scales[k];
    const std::string where = fmt::format("{}/{}", scale.key, chunk_name(scale.chunk_box(cell)));
    Block chunk(info_.type, scale.chunk_box(cell), info_.channels);
    const auto found = volume_->read_chunk(k, cell, chunk.view());
    if (!found) {
      ++stored_;
      find("undecodable-chunk", where, found.error().message + ": the viewer shows a hole",
           "copy it again, or convert anew");
      return;
    }
    if (*found) ++stored_;
    if (k > 0) compare_with_finer(k, chunk, where);
  }

  // Scales of one run of ours agree exactly: they are made from each other as stored.
  void compare_with_finer(std::size_t k, const Block& chunk, const std::string& where) {
    if (provenance_.task.empty() || k >= provenance_.scales.size() || provenance_.scales[k].key != info_.scales[k].key)
      return;
    const ScaleInfo& finer = info_.scales[k - 1];
    if (find_codec(finer.encoding) == nullptr || find_codec(finer.encoding)->is_lossy) return;
    const std::string method_name = provenance_.option("downsample"), outside_name = provenance_.option("outside");
    const Factor factor = provenance_.scales[k].factor;
    const Box needed = fine_box(chunk.box(), factor, finer.box_vox());
    Block fine(info_.type, needed, info_.channels);
    if (!volume_->read(k - 1, needed, fine.view())) return;  // found and told at its own scale
    Outside outside;
    if (!outside_name.empty() && outside_name != "edge") outside = {false, std::strtod(outside_name.c_str(), nullptr)};
    Downsampling method = Downsampling::average;
    for (const Downsampling candidate : {Downsampling::majority, Downsampling::stride})
      if (name_of(candidate) == method_name) method = candidate;
    Block expected(info_.type, chunk.box(), info_.channels);
    downsample(std::as_const(fine).view(), finer.box_vox(), factor, method, outside, expected.view());
    if (std::memcmp(expected.bytes().data(), chunk.bytes().data(), expected.bytes().size()) == 0) return;
    find("scales-disagree", where,
         fmt::format("expected the {} of scale {}, found other values: the picture changes on zooming", method_name,
                     finer.key),
         "rebuild the coarser scales: convert anew");
  }

  const std::shared_ptr<PrecomputedVolume> volume_;
  const VolumeInfo& info_;
  const RunOptions run_;
  Provenance provenance_;
  std::atomic<std::uint64_t> stored_ = 0, done_ = 0;
  std::uint64_t total_ = 0;
  std::mutex mutex_;  // guards report_.findings
  CheckReport report_;
  ThreadPool pool_;  // last: its tasks use all of the above
};

// What the viewer refuses or misreads although it is well-formed (specification, 0.3, 1.1 and section 12).
void check_info(const VolumeInfo& info, std::vector<Finding>& findings) {
  constexpr Index kFloatExact = Index{1} << 24;
  if (info.is_segmentation && info.channels != 1)
    findings.push_back(
        {"bad-info", "info",
         fmt::format("expected one channel in a segmentation, found {}: the viewer refuses it", info.channels), ""});
  if (info.is_segmentation && info.type == DataType::float32)
    findings.push_back({"bad-info", "info", "expected integers in a segmentation, found float32: the viewer refuses it",
                        "use type image"});
  for (const ScaleInfo& scale : info.scales)
    for (std::size_t a = 0; a < 3; ++a) {
      const Index far = std::max(std::abs(scale.voxel_offset[a]), std::abs(scale.voxel_offset[a] + scale.size_xyz[a]));
      if (far > kFloatExact && static_cast<Index>(static_cast<float>(far)) != far)
        findings.push_back({"inexact-bounds", "info",
                            fmt::format("{}: bound {} is no float32: the viewer asks for wrong chunks", scale.key, far),
                            "use an offset and size below 2^24"});
      if (scale.chunk_size()[a] > 2048 && scale.encoding != "compressed_segmentation")
        findings.push_back(
            {"large-chunk", "info",
             fmt::format("{}: chunks of {} along {} are larger than a 3-D texture: the viewer shows nothing", scale.key,
                         scale.chunk_size()[a], "xyz"[a]),
             "use smaller chunks"});
    }
}

}  // namespace

Result<CheckReport> check(const std::string& place, const RunOptions& run) {
  auto volume = PrecomputedVolume::open(place);
  if (!volume) {
    const Error& error = volume.error();
    if (error.code != ErrorCode::invalid_data && error.code != ErrorCode::unsupported) return std::move(volume).error();
    CheckReport report;
    report.findings.push_back({"bad-info", place, error.message + ": the viewer shows nothing", error.hint});
    return report;
  }
  NGFORGE_TRY(CheckReport report, Check(*volume, run).run());
  check_info((*volume)->info(), report.findings);
  return report;
}

}  // namespace ngforge
