// SPDX-License-Identifier: Apache-2.0
#include "op/live_meshes.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/mesh_fragment.h"
#include "core/json.h"
#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"
#include "mesh/label_scan.h"
#include "op/fixed_store.h"
#include "op/for_each_item.h"
#include "op/once_cache.h"
#include "pipeline/memory_budget.h"

namespace ngforge {
namespace {

// People wait some seconds for their first mesh: so many voxels are looked through for their labels.
constexpr Index kMostMeshedVoxels = Index{1} << 28;
// Where coarse scales are computed, this much is read for it. More takes minutes.
constexpr Index kMostReadVoxels = Index{1} << 33;
constexpr std::uint64_t kLeastSharedBytes = std::uint64_t{96} << 20;
constexpr std::uint64_t kMaxInfoBytes = std::uint64_t{1} << 26;

/// Which nodes the surface of each label goes through. Filled by several threads, then only read.
class LabelPlaces {
 public:
  LabelPlaces(std::size_t nodes, std::uint64_t limit_bytes) : labels_(nodes), limit_bytes_(limit_bytes) {}

  /// The labels of a node, which is given once. Errors: needs_decision (too many).
  Result<void> set(std::size_t node, std::vector<std::uint64_t> labels) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t bytes = labels.size() * sizeof(std::uint64_t);
    if (bytes > limit_bytes_ - used_bytes_)
      return make_error(ErrorCode::needs_decision,
                        "--memory: expected fewer labels in all blocks, found {} MiB of them", (limit_bytes_ >> 20) + 1)
          .with_hint("use a larger --memory, or convert the volume and make its meshes");
    used_bytes_ += bytes;
    std::ranges::sort(labels);
    labels_[node] = std::move(labels);
    return {};
  }

  bool has(std::size_t node, std::uint64_t label) const { return std::ranges::binary_search(labels_[node], label); }
  std::size_t nodes() const { return labels_.size(); }

 private:
  std::mutex mutex_;
  std::vector<std::vector<std::uint64_t>> labels_;  // ascending
  const std::uint64_t limit_bytes_;
  std::uint64_t used_bytes_ = 0;
};

/// Meshers that threads borrow from each other.
class Meshers {
 public:
  Meshers(int count, const MeshPlan& plan) : plan_(plan) {
    for (int i = 0; i < count; ++i) free_.push_back(std::make_unique<NodeMesher>(plan));
  }
  /// Calls `use` with a mesher as soon as one is free. `use` sets its flag when the mesher has taken so much memory
  /// that it shall not keep it.
  template <class Use>
  Result<void> with_one(const Use& use) {
    std::unique_ptr<NodeMesher> mesher = take();
    bool is_spent = false;
    Result<void> result;
    try {
      result = use(*mesher, is_spent);
    } catch (...) {
      give_back(std::make_unique<NodeMesher>(plan_));
      throw;
    }
    if (is_spent) mesher = std::make_unique<NodeMesher>(plan_);
    give_back(std::move(mesher));
    return result;
  }

 private:
  std::unique_ptr<NodeMesher> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return !free_.empty(); });
    auto mesher = std::move(free_.back());
    free_.pop_back();
    return mesher;
  }
  void give_back(std::unique_ptr<NodeMesher> mesher) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(mesher));
    }
    returned_.notify_one();
  }

  const MeshPlan& plan_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<NodeMesher>> free_;
};

/// What a key of the folder asks for.
struct MeshKey {
  std::uint64_t label = 0;
  std::optional<GridVec> node;  // of a fragment; a manifest has none
  friend bool operator==(const MeshKey&, const MeshKey&) = default;
};

std::string fragment_name(std::uint64_t label, const GridVec& node) {
  return fmt::format("{}:{}_{}_{}", legacy_manifest_name(label, true), node.x, node.y, node.z);
}

std::optional<MeshKey> parse_key(std::string_view name) {
  const char* const end = name.data() + name.size();
  MeshKey key;
  auto parsed = std::from_chars(name.data(), end, key.label);
  if (parsed.ec != std::errc{}) return std::nullopt;
  if (name == legacy_manifest_name(key.label, true)) return key;
  GridVec node;
  const char* at = parsed.ptr;
  for (int a = 0; a < 3; ++a) {
    // Behind ":0:" or "_"; whether that is so is seen by writing the name again.
    const std::ptrdiff_t skipped = a == 0 ? 3 : 1;
    if (end - at <= skipped) return std::nullopt;
    parsed = std::from_chars(at + skipped, end, node[a]);
    if (parsed.ec != std::errc{}) return std::nullopt;
    at = parsed.ptr;
  }
  key.node = node;
  if (name != fragment_name(key.label, node)) return std::nullopt;
  return key;
}

/// The `info` of a dataset and its folder of meshes.
class LiveMeshes final : public MadeStore {
 public:
  LiveMeshes(std::string place, const LiveMeshPlan& plan, ReadLabels read, std::stop_token stop,
             const std::string& info)
      : place_(std::move(place)),
        folder_(std::string(kLiveMeshFolder) + "/"),
        plan_(plan),
        read_(std::move(read)),
        stop_(std::move(stop)),
        meshers_(plan_.threads, plan_.meshes),
        surfaces_(plan_.surface_bytes),
        places_(~std::uint64_t{0}),
        fragments_(plan_.kept_bytes) {
    documents_.emplace("info", bytes_of_text(info));
    MeshInfo mesh_info;
    mesh_info.format = MeshFormat::legacy;
    documents_.emplace(folder_ + "info", bytes_of_text(write_mesh_info(mesh_info)));
  }

  std::string describe() const override { return place_; }

  bool has(const std::string& key) const { return key == "info" || key.starts_with(folder_); }

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (prefix.empty()) return std::vector<std::string>{"info", folder_};
    if (prefix == folder_)
      return make_error(ErrorCode::unsupported, "{}: the meshes of a live view are made when asked for, not listed",
                        place_);
    return make_error(ErrorCode::not_found, "{}: there is no folder {}", place_, prefix);
  }

 private:
  using Pointer = std::shared_ptr<const Bytes>;
  using FragmentKey = std::pair<std::uint64_t, std::size_t>;  // label, node

  Result<Pointer> value_of(const std::string& key) override {
    if (const auto found = documents_.find(key); found != documents_.end()) return Pointer(Pointer(), &found->second);
    const auto asked = has(key) ? parse_key(std::string_view(key).substr(folder_.size())) : std::nullopt;
    if (!asked || asked->label == 0) return no_such(key);
    if (asked->node && !GridBox{{}, plan_.meshes.nodes}.contains(*asked->node)) return no_such(key);
    NGFORGE_TRY(const auto places, find_labels());
    if (!asked->node) return manifest(key, asked->label, *places);
    const std::size_t node = number_of(*asked->node);
    if (!places->has(node, asked->label)) return no_such(key);
    return fragments_.get(
        FragmentKey{asked->label, node}, 0, [&] { return make_fragment(asked->label, *asked->node); },
        [](const Bytes& bytes) { return static_cast<std::uint64_t>(bytes.size()); });
  }

  Error no_such(const std::string& key) const {
    return make_error(ErrorCode::not_found, "{}: there is no {}", place_, key);
  }

  std::size_t number_of(const GridVec& node) const {
    const GridVec& nodes = plan_.meshes.nodes;
    return static_cast<std::size_t>(node.x + nodes.x * (node.y + nodes.y * node.z));
  }
  GridVec node_of(std::size_t number) const {
    const GridVec& nodes = plan_.meshes.nodes;
    const auto n = static_cast<Index>(number);
    return {n % nodes.x, n / nodes.x % nodes.y, n / (nodes.x * nodes.y)};
  }

  Result<Pointer> manifest(const std::string& key, std::uint64_t label, const LabelPlaces& places) const {
    std::vector<std::string> names;
    for (std::size_t node = 0; node < places.nodes(); ++node)
      if (places.has(node, label)) names.push_back(fragment_name(label, node_of(node)));
    if (names.empty()) return no_such(key);
    return std::make_shared<const Bytes>(bytes_of_text(write_legacy_manifest(names)));
  }

  // Goes through the whole volume, once.
  Result<std::shared_ptr<const LabelPlaces>> find_labels() {
    const auto find_all = [&]() -> Result<std::shared_ptr<const LabelPlaces>> {
      const auto nodes = static_cast<std::size_t>(plan_.meshes.nodes.product());
      const auto places = std::make_shared<LabelPlaces>(nodes, plan_.table_bytes);
      NGFORGE_CHECK(for_each_item(plan_.threads, nodes, stop_, [&](int, std::size_t node) {
        return meshers_.with_one([&](NodeMesher& mesher, bool&) { return find_labels_of(mesher, node, *places); });
      }));
      return std::shared_ptr<const LabelPlaces>(places);
    };
    return places_.get(0, 0, find_all, [](const LabelPlaces&) { return std::uint64_t{0}; });
  }

  Result<void> find_labels_of(NodeMesher& mesher, std::size_t node, LabelPlaces& places) const {
    NGFORGE_TRY(const BlockView block, mesher.read(node_of(node), read_));
    LabelScan scan;
    scan_labels(block, block.box, scan);
    std::vector<std::uint64_t> labels;
    labels.reserve(scan.counts.size());
    const auto all = static_cast<std::uint64_t>(block.box.volume());
    for (const LabelScan::Count& count : scan.counts)
      if (count.voxels < all) labels.push_back(count.label);
    return places.set(node, std::move(labels));
  }

  Result<Pointer> make_fragment(std::uint64_t label, const GridVec& node) {
    Mesh fragment;
    NGFORGE_CHECK(meshers_.with_one([&](NodeMesher& mesher, bool& is_spent) -> Result<void> {
      NGFORGE_TRY(const BlockView block, mesher.read(node, read_));
      LabelScan scan;
      scan_label(block, label, scan);
      const std::uint64_t bytes = surface_bytes(scan);
      if (bytes > surfaces_.total())
        return make_error(ErrorCode::needs_decision,
                          "{}: expected {} MiB of memory for a mesh of label {}, found {} MiB", place_,
                          (bytes >> 20) + 1, label, surfaces_.total() >> 20)
            .with_hint("use a larger --memory");
      NGFORGE_TRY(const Lease lease, surfaces_.acquire(bytes, stop_));
      for (const LabelSurface& surface : mesher.extract(std::span(&label, 1)))
        fragment = in_nm(mesher.simplified(surface), node);
      is_spent = bytes > surfaces_.total() / static_cast<std::uint64_t>(plan_.threads);
      return {};
    }));
    return std::make_shared<const Bytes>(encode_mesh_fragment(fragment));
  }

  Mesh in_nm(const Mesh& mesh, const GridVec& node) const {
    Mesh moved = mesh;
    const auto extent = plan_.meshes.node_extent(0);
    for (auto& position : moved.positions) {
      for (int a = 0; a < 3; ++a) {
        const auto i = static_cast<std::size_t>(a);
        position[i] += static_cast<float>(node[a]) * extent[i];
      }
      position = plan_.meshes.to_nm(position);
    }
    return moved;
  }

  const std::string place_, folder_;
  const LiveMeshPlan plan_;
  const ReadLabels read_;
  const std::stop_token stop_;
  std::map<std::string, Bytes> documents_;
  Meshers meshers_;
  MemoryBudget surfaces_;
  OnceCache<int, LabelPlaces> places_;  // one value, which is never given up
  OnceCache<FragmentKey, Bytes> fragments_;
};

/// A dataset and its live meshes as one store.
class MeshedStore final : public Store {
 public:
  MeshedStore(std::shared_ptr<Store> dataset, std::unique_ptr<LiveMeshes> meshes)
      : dataset_(std::move(dataset)), meshes_(std::move(meshes)) {}

  std::string describe() const override { return dataset_->describe(); }
  Result<ObjectInfo> stat(const std::string& key) override { return store_of(key).stat(key); }
  Result<Bytes> get(const std::string& key) override { return store_of(key).get(key); }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    return store_of(key).get_range(key, range);
  }
  Result<std::unique_ptr<OpenFile>> open_now(const std::string& key) override { return store_of(key).open_now(key); }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (!prefix.empty()) return store_of(prefix).list(prefix);
    NGFORGE_TRY(std::vector<std::string> names, dataset_->list(prefix));
    NGFORGE_TRY(const std::vector<std::string> added, meshes_->list(prefix));
    names.insert(names.end(), added.begin(), added.end());
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override {
    return store_of(key).put(key, bytes);
  }

 private:
  Store& store_of(const std::string& key) const { return meshes_->has(key) ? *meshes_ : *dataset_; }

  const std::shared_ptr<Store> dataset_;
  const std::unique_ptr<LiveMeshes> meshes_;
};

void tell_of_none(const RunOptions& run, const std::string& why) {
  if (run.on_notice) run.on_notice("no meshes are shown: " + why);
}

}  // namespace

std::optional<LiveMeshPlan> plan_live_meshes(const VolumeInfo& info, const LiveMeshLimits& limits,
                                             const RunOptions& run) {
  const auto takes_folder = [](const ScaleInfo& scale) {
    return scale.key == kLiveMeshFolder || scale.key.starts_with(std::string(kLiveMeshFolder) + "/");
  };
  if (!info.mesh.empty() || std::ranges::any_of(info.scales, takes_folder)) return std::nullopt;
  const auto is_quick = [](const ScaleInfo& scale) { return scale.box_vox().volume() <= kMostMeshedVoxels; };
  const auto scale = std::ranges::find_if(info.scales, is_quick);
  MeshOptions options;
  options.format = "legacy";
  options.scale = static_cast<int>(scale - info.scales.begin()) - (scale == info.scales.end());
  auto meshes = plan_meshes(info, options);
  if (!meshes) return std::nullopt;
  if (scale == info.scales.end() ||
      (limits.scales_are_computed && info.scales.front().box_vox().volume() > kMostReadVoxels)) {
    tell_of_none(run, "the volume is too large to look for labels in it; convert it and make its meshes");
    return std::nullopt;
  }
  LiveMeshPlan plan;
  plan.meshes = std::move(*meshes);
  const auto& chunk = scale->chunk_size();
  plan.block_bytes =
      plan.meshes.block_bytes(static_cast<std::uint64_t>(chunk[0] * chunk[1] * chunk[2]) * size_of(info.type));
  const std::uint64_t least = plan.block_bytes + kLeastSharedBytes;
  const std::uint64_t wanted = std::max({2 * least, least + limits.dataset_bytes, 4 * limits.dataset_bytes / 3});
  if (limits.memory_bytes < wanted) {
    tell_of_none(run, fmt::format("expected at least {} MiB of --memory for each dataset, found {} MiB",
                                  (wanted >> 20) + 1, limits.memory_bytes >> 20));
    return std::nullopt;
  }
  const std::uint64_t all = std::max(limits.memory_bytes / 4, least);
  plan.threads = static_cast<int>(std::clamp<std::uint64_t>((all - kLeastSharedBytes) / plan.block_bytes, 1,
                                                            static_cast<std::uint64_t>(run.threads)));
  const std::uint64_t shared = all - static_cast<std::uint64_t>(plan.threads) * plan.block_bytes;
  plan.table_bytes = shared / 8;
  plan.kept_bytes = shared / 4;
  plan.surface_bytes = shared - plan.table_bytes - plan.kept_bytes;
  return plan;
}

Result<std::shared_ptr<Store>> with_live_meshes(std::shared_ptr<Store> dataset, const LiveMeshPlan& plan,
                                                ReadLabels read, std::stop_token stop) {
  NGFORGE_TRY(const Bytes bytes, get_decoded(*dataset, "info", kMaxInfoBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  NGFORGE_TRY(Json info, parse_json(text, dataset->describe() + "/info"));
  info["mesh"] = kLiveMeshFolder;
  auto meshes =
      std::make_unique<LiveMeshes>(dataset->describe(), plan, std::move(read), std::move(stop), dump_json(info));
  return std::shared_ptr<Store>(std::make_shared<MeshedStore>(std::move(dataset), std::move(meshes)));
}

}  // namespace ngforge
