// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_output.h"

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>

#include <fmt/ranges.h>

#include "codec/mesh_fragment.h"
#include "layout/mesh_manifest.h"
#include "mesh/close_slits.h"
#include "mesh/weld.h"
#include "op/mesh_walk.h"
#include "sink/mesh_sink.h"

namespace ngforge {
namespace {

// So many labels are named in a message.
constexpr std::size_t kMostNamed = 10;
// Memory for each triangle of a label that is welded and written as a whole.
constexpr std::uint64_t kWeldBytes = 120;

// Vertices on a straight piece of a contour are off it by rounding only.
constexpr float kSlitVoxels = 0.01f;

using Records = std::span<const FragmentRecord>;

// The records of one label, by level.
struct LabelRecords {
  std::uint64_t label = 0, voxels = 0;
  std::vector<Records> levels;  // those that are kept

  bool has_surface() const {
    return !levels.empty() && std::ranges::any_of(levels.front(), [](const auto& r) { return r.triangles > 0; });
  }
};

std::uint64_t triangles_of(Records records) {
  std::uint64_t triangles = 0;
  for (const FragmentRecord& record : records) triangles += record.triangles;
  return triangles;
}

// `records`: all of one label, by level. Levels above the first that is small are not kept.
LabelRecords records_of_label(Records records) {
  LabelRecords of{records.front().label, 0, {}};
  while (!records.empty()) {
    const auto end = std::ranges::find_if(
        records, [&](const FragmentRecord& record) { return record.level != records.front().level; });
    const auto count = static_cast<std::size_t>(end - records.begin());
    of.levels.push_back(records.first(count));
    records = records.subspan(count);
    if (triangles_of(of.levels.back()) <= kFewTriangles) break;
  }
  for (const FragmentRecord& record : of.levels.front()) of.voxels += record.voxels;
  return of;
}

// Calls visit(LabelRecords) for every label, shard by shard.
template <class Visit>
Result<void> visit_labels(const MeshSpool& spool, const std::optional<ShardingSpec>& sharding,
                          const std::stop_token& stop, const Visit& visit) {
  const std::size_t shards = sharding ? std::min<std::size_t>(kMeshBuckets, std::size_t{1} << sharding->shard_bits) : 1;
  const auto shard_of = [&](const FragmentRecord& record) {
    return sharding ? shard_place(*sharding, record.label).shard : 0;
  };
  for (std::size_t shard = 0; shard < shards; ++shard)
    for (std::size_t bucket = shard; bucket < kMeshBuckets; bucket += shards) {
      NGFORGE_TRY(std::vector<FragmentRecord> records, spool.bucket(bucket));
      // A bucket of its own may hold several shards.
      if (shards == kMeshBuckets)
        std::ranges::stable_sort(records, [&](const auto& a, const auto& b) { return shard_of(a) < shard_of(b); });
      for (Records rest = records; !rest.empty();) {
        if (stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
        const auto end = std::ranges::find_if(
            rest, [&](const FragmentRecord& record) { return record.label != rest.front().label; });
        const auto count = static_cast<std::size_t>(end - rest.begin());
        NGFORGE_CHECK(visit(records_of_label(rest.first(count))));
        rest = rest.subspan(count);
      }
    }
  return {};
}

std::string named(std::vector<std::uint64_t> labels) {
  std::ranges::sort(labels);
  const std::size_t count = labels.size();
  labels.resize(std::min(count, kMostNamed));
  return fmt::format("label{} {}{}", count == 1 ? "" : "s", fmt::join(labels, ", "),
                     count > kMostNamed ? fmt::format(" and {} more", count - kMostNamed) : "");
}

Result<void> check_labels(const MeshPlan& plan, const std::vector<std::uint64_t>& found,
                          const std::vector<std::uint64_t>& flat) {
  std::vector<std::uint64_t> missing;
  std::ranges::set_difference(plan.labels, found, std::back_inserter(missing));
  if (!missing.empty())
    return make_error(ErrorCode::not_found, "expected the labels that are asked for in the volume, found none of {}",
                      named(missing));
  if (!flat.empty())
    return make_error(ErrorCode::needs_decision, "expected a surface of every label, found none of {}", named(flat))
        .with_hint(plan.is_open ? "leave them out with --exclude, or close the border: without --open"
                                : "leave them out with --exclude, or use a smaller --max-error");
  return {};
}

class MeshWriter {
 public:
  MeshWriter(const MeshPlan& plan, const MeshSpool& spool, MeshSink& sink, std::uint64_t memory_bytes)
      : plan_(plan), spool_(spool), sink_(sink), memory_bytes_(memory_bytes) {}

  Result<void> write(const LabelRecords& of) {
    return plan_.format == MeshFormat::legacy ? write_legacy(of) : write_multires(of);
  }

 private:
  Result<void> write_multires(const LabelRecords& of) {
    MeshManifest manifest{plan_.chunk_shape_nm(), plan_.grid_origin_nm(), {}};
    std::vector<std::array<std::uint32_t, 3>> wanted;  // parents of the level before
    for (std::size_t l = 0; l < of.levels.size(); ++l) {
      MeshLevel level;
      level.scale = static_cast<float>(plan_.lod_scale_nm(static_cast<int>(l)));
      // Fragments and parents without a surface of their own, in Z order.
      auto parent = wanted.begin();
      const auto add_parents_below = [&](const FragmentRecord* record) {
        for (; parent != wanted.end() && (record == nullptr || compare_z_order(*parent, record->node) < 0); ++parent)
          level.nodes.push_back({*parent, 0});
      };
      for (const FragmentRecord& record : of.levels[l]) {
        if (record.bytes == 0) continue;
        add_parents_below(&record);
        if (parent != wanted.end() && *parent == record.node) ++parent;
        level.nodes.push_back({record.node, record.bytes});
      }
      add_parents_below(nullptr);
      wanted.clear();
      for (const MeshNode& node : level.nodes) {
        const std::array<std::uint32_t, 3> above{node.xyz[0] / 2, node.xyz[1] / 2, node.xyz[2] / 2};
        if (wanted.empty() || wanted.back() != above) wanted.push_back(above);
      }
      manifest.levels.push_back(std::move(level));
    }
    const std::uint64_t bytes = manifest.fragment_bytes();
    NGFORGE_CHECK(check_memory(of.label, bytes));
    fragments_.clear();
    fragments_.reserve(bytes);
    for (const Records& level : of.levels)
      for (const FragmentRecord& record : level) {
        const std::size_t at = fragments_.size();
        fragments_.resize(at + record.bytes);
        NGFORGE_CHECK(spool_.read(record.offset, std::span(fragments_).subspan(at)));
      }
    return sink_.put(of.label, encode_mesh_manifest(manifest), fragments_);
  }

  Result<void> write_legacy(const LabelRecords& of) {
    NGFORGE_CHECK(check_memory(of.label, triangles_of(of.levels.front()) * kWeldBytes));
    std::vector<Mesh> meshes;
    std::vector<MeshPart> parts;
    meshes.reserve(of.levels.front().size());
    for (const FragmentRecord& record : of.levels.front()) {
      if (record.triangles == 0) continue;
      Mesh& mesh = meshes.emplace_back();
      NGFORGE_CHECK(spool_.read({record.label, record.offset, record.positions, record.triangles}, mesh));
      MeshPart part{mesh.positions, mesh.triangles, {}, plan_.node_extent(0)};
      for (std::size_t a = 0; a < 3; ++a) part.corner[a] = static_cast<float>(record.node[a]) * part.size[a];
      parts.push_back(part);
    }
    Mesh whole = weld(parts);
    meshes.clear();
    close_slits(whole, kSlitVoxels);
    for (auto& position : whole.positions) position = plan_.to_nm(position);
    const std::string name = legacy_fragment_name(of.label, plan_.has_colon_suffix);
    const std::string manifest = write_legacy_manifest(std::span(&name, 1));
    return sink_.put(of.label, std::as_bytes(std::span(manifest)), encode_mesh_fragment(whole));
  }

  Result<void> check_memory(std::uint64_t label, std::uint64_t bytes) const {
    if (bytes <= memory_bytes_) return {};
    return make_error(ErrorCode::needs_decision, "--memory: expected at least {} bytes for label {}, found {}", bytes,
                      label, memory_bytes_);
  }

  const MeshPlan& plan_;
  const MeshSpool& spool_;
  MeshSink& sink_;
  const std::uint64_t memory_bytes_;
  Bytes fragments_;
};

Result<std::unique_ptr<MeshSink>> open_sink(const MeshPlan& plan, const std::string& folder,
                                            const std::optional<ShardingSpec>& sharding, bool resume) {
  if (sharding) return open_mesh_shard_sink(folder, *sharding, resume);
  MeshFileNames names = [](std::uint64_t label) {
    return std::pair(multires_manifest_name(label), multires_fragments_name(label));
  };
  if (plan.format == MeshFormat::legacy)
    names = [has_colon = plan.has_colon_suffix](std::uint64_t label) {
      return std::pair(legacy_manifest_name(label, has_colon), legacy_fragment_name(label, has_colon));
    };
  return open_mesh_file_sink(folder, names, resume);
}

}  // namespace

Result<MeshTotals> count_meshes(const MeshPlan& plan, const MeshSpool& spool, const std::stop_token& stop) {
  MeshTotals totals;
  std::vector<std::uint64_t> found, flat;
  const auto count = [&](const LabelRecords& of) -> Result<void> {
    if (of.voxels < plan.min_voxels) return {};
    if (!plan.labels.empty()) found.push_back(of.label);
    if (!of.has_surface()) {
      flat.push_back(of.label);
      return {};
    }
    ++totals.labels;
    totals.levels.resize(std::max(totals.levels.size(), of.levels.size()));
    for (std::size_t l = 0; l < of.levels.size(); ++l)
      for (const FragmentRecord& record : of.levels[l]) {
        if (record.triangles == 0) continue;
        ++totals.levels[l].fragments;
        totals.levels[l].triangles += record.triangles;
        totals.levels[l].bytes += record.bytes;
        totals.bytes += record.bytes;
      }
    return {};
  };
  NGFORGE_CHECK(visit_labels(spool, std::nullopt, stop, count));
  std::ranges::sort(found);
  NGFORGE_CHECK(check_labels(plan, found, flat));
  if (totals.labels == 0)
    return make_error(ErrorCode::not_found, "expected labels{}, found none",
                      plan.min_voxels > 1 ? fmt::format(" of at least {} voxels", plan.min_voxels) : "");
  return totals;
}

Result<void> write_meshes(const MeshPlan& plan, const MeshSpool& spool, const std::string& folder,
                          const std::optional<ShardingSpec>& sharding, bool resume, std::uint64_t memory_bytes,
                          const std::stop_token& stop, const std::function<void(std::uint64_t)>& tell,
                          MeshReport& report) {
  NGFORGE_TRY(const std::unique_ptr<MeshSink> sink, open_sink(plan, folder, sharding, resume));
  MeshWriter writer(plan, spool, *sink, memory_bytes);
  std::uint64_t done = 0;
  NGFORGE_CHECK(visit_labels(spool, sharding, stop, [&](const LabelRecords& of) -> Result<void> {
    if (of.voxels < plan.min_voxels) return {};
    NGFORGE_CHECK(writer.write(of));
    tell(++done);
    return {};
  }));
  NGFORGE_CHECK(sink->finish());
  report.files += sink->files();
  report.bytes += sink->bytes();
  return {};
}

}  // namespace ngforge
