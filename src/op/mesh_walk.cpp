// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_walk.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "codec/draco.h"
#include "mesh/label_scan.h"
#include "mesh/quantize.h"
#include "mesh/weld.h"
#include "op/mesh_list.h"
#include "op/mesh_node.h"
#include "pipeline/memory_budget.h"
#include "pipeline/thread_pool.h"

namespace ngforge {
namespace {

// Levels above the root: far more than any mesh needs to become small.
constexpr int kMostLevelsAboveRoot = 12;
// A level must leave at most this part of the triangles below it to be worth its bytes.
constexpr double kLeastReduction = 0.8;
// Memory for each triangle of a mesh as it lies in memory.
constexpr std::uint64_t kTriangleBytes = 40;

using NodeKey = std::pair<int, std::array<Index, 3>>;  // level, place

/// What a node hands over, put together before it goes to scratch in one piece.
struct NodeOutput {
  Bytes bytes;
  std::vector<FragmentRecord> records;
  std::vector<StoredMesh> meshes;  // by label, as the parent takes them

  std::size_t size() const {
    return bytes.size() + records.size() * sizeof(FragmentRecord) + meshes.size() * sizeof(StoredMesh);
  }
  // Makes offsets count from the beginning of the scratch file.
  void move(std::uint64_t offset) {
    for (FragmentRecord& record : records) record.offset += offset;
    for (StoredMesh& mesh : meshes) mesh.offset += offset;
  }
};

/// Some labels of a parent, for one thread: from where in the lists of its children, and how many.
struct Part {
  OctantReader::Place begin{};
  std::uint64_t labels = 0;
  std::uint64_t most_bytes = 0;  // of memory, for one label
  MeshList meshes;
};

/// A parent whose children are all finished.
struct ParentTask {
  NodeKey key;
  OctantLists children;
  std::vector<Part> parts;
  std::atomic<int> parts_left;

  MeshList join_parts() const {
    MeshList all;
    for (const Part& part : parts) all.append(part.meshes);
    return all;
  }
};

/// Scratch space of one thread.
struct Worker {
  explicit Worker(const MeshPlan& plan) : mesher(plan) {}

  NodeMesher mesher;
  Quantizer quantizer;
  LabelScan scan;
  Mesh mesh;  // of a parent
  QuantizedMesh quantized;
  std::array<Mesh, 8> octants;
};

class MeshWalk {
 public:
  MeshWalk(const PrecomputedVolume& volume, const MeshPlan& plan, MeshSpool& spool, const RunOptions& run,
           const std::function<void(std::uint64_t)>& tell)
      : volume_(volume), plan_(plan), spool_(spool), run_(run), tell_(tell) {}

  Result<void> run() {
    const std::uint64_t block_bytes = plan_.block_bytes(chunk_bytes());
    const std::uint64_t least = block_bytes + kLeastSurfaceBytes;
    if (run_.memory_bytes < least)
      return make_error(ErrorCode::needs_decision, "--memory: expected at least {} bytes, found {}", least,
                        run_.memory_bytes);
    const auto threads =
        static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(run_.threads), run_.memory_bytes / least));
    // Each thread has its block all the time, and waits for what its surfaces need beside.
    budget_.emplace(run_.memory_bytes - static_cast<std::uint64_t>(threads) * block_bytes);
    for (int i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(plan_));
    const std::vector<GridVec> order = morton_order();
    {
      ThreadPool pool(threads);
      pool_ = &pool;
      pool.submit_each(static_cast<Index>(order.size()), [&](int worker, Index item) {
        do_node(*workers_[static_cast<std::size_t>(worker)], order[static_cast<std::size_t>(item)]);
      });
      pool.wait_idle();
    }
    if (error_) return std::move(*error_);
    return {};
  }

 private:
  static constexpr std::uint64_t kLeastSurfaceBytes = std::uint64_t{16} << 20;

  std::uint64_t chunk_bytes() const {
    const auto& chunk = volume_.info().scales[plan_.scale].chunk_size();
    return static_cast<std::uint64_t>(chunk[0] * chunk[1] * chunk[2]) * size_of(plan_.type);
  }

  // All nodes of level 0 along a Z curve, so that few nodes wait for their siblings.
  std::vector<GridVec> morton_order() const {
    std::vector<GridVec> order;
    const Index side = Index{1} << plan_.root_level;
    visit_morton({0, 0, 0}, side, order);
    return order;
  }
  void visit_morton(const GridVec& begin, Index side, std::vector<GridVec>& order) const {
    if (begin.x >= plan_.nodes.x || begin.y >= plan_.nodes.y || begin.z >= plan_.nodes.z) return;
    if (side == 1) {
      order.push_back(begin);
      return;
    }
    for (Index octant = 0; octant < 8; ++octant)
      visit_morton({begin.x + (octant & 1) * side / 2, begin.y + (octant >> 1 & 1) * side / 2,
                    begin.z + (octant >> 2 & 1) * side / 2},
                   side / 2, order);
  }

  void do_node(Worker& worker, const GridVec& node) {
    if (stop_.stop_requested()) return;
    if (run_.stop.stop_requested()) return fail(make_error(ErrorCode::cancelled, "interrupted"));
    guard([&] { return do_level_0(worker, node); });
  }

  // At the border of a thread's task.
  template <class Task>
  void guard(const Task& task) {
    try {
      Result<void> done = task();
      if (!done) fail(std::move(done).error());
    } catch (const std::bad_alloc&) {
      fail(make_error(ErrorCode::internal, "the machine has no memory left"));
    }
  }

  void fail(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    stop_.request_stop();
  }

  Result<void> do_level_0(Worker& worker, const GridVec& node) {
    const std::array<Index, 3> place{node.x, node.y, node.z};
    NGFORGE_TRY(const BlockView block, worker.mesher.read(node, read_));
    scan_labels(block, plan_.own_voxels(node), worker.scan);
    MeshList meshes;
    {
      NGFORGE_TRY(const Lease lease, budget_->acquire(surface_bytes(worker.scan), stop_.get_token()));
      NodeOutput output;
      NGFORGE_CHECK(mesh_block(worker, place, output));
      NGFORGE_CHECK(store(output, meshes));
      // What one crowded node took is not kept beside what others have.
      if (lease.bytes() > budget_->total() / workers_.size()) worker = Worker(plan_);
    }
    note_done(static_cast<std::uint64_t>(plan_.own_voxels(node).volume()));
    return finish_node(worker, {0, place}, std::move(meshes));
  }

  Result<void> mesh_block(Worker& worker, const std::array<Index, 3>& place, NodeOutput& output) {
    // Labels without a surface here are noted too, so that it is known that they exist.
    auto counted = worker.scan.counts.begin();
    const auto note_voxels_below = [&](std::optional<std::uint64_t> label) {
      for (; counted != worker.scan.counts.end() && (!label || counted->label < *label); ++counted)
        if (is_wanted(counted->label)) add_record(output, {counted->label}, 0, place, counted->voxels, 0);
    };
    for (const LabelSurface& surface : worker.mesher.extract(wanted())) {
      if (!is_wanted(surface.label)) continue;
      if (stop_.stop_requested()) return {};
      note_voxels_below(surface.label);
      std::uint64_t voxels = 0;
      if (counted != worker.scan.counts.end() && counted->label == surface.label) voxels = (counted++)->voxels;
      const Mesh& mesh = worker.mesher.simplified(surface);
      NGFORGE_CHECK(hand_over(worker, surface.label, 0, place, voxels, mesh, output));
    }
    note_voxels_below(std::nullopt);
    return {};
  }

  bool is_wanted(std::uint64_t label) const {
    if (std::ranges::binary_search(plan_.excluded, label)) return false;
    return plan_.labels.empty() || std::ranges::binary_search(plan_.labels, label);
  }

  std::optional<std::span<const std::uint64_t>> wanted() const {
    if (plan_.labels.empty()) return std::nullopt;
    return plan_.labels;
  }

  // A label's part of a node as a fragment, and as a mesh for the parent.
  Result<void> hand_over(Worker& worker, std::uint64_t label, int level, const std::array<Index, 3>& place,
                         std::uint64_t voxels, const Mesh& mesh, NodeOutput& output) const {
    if (plan_.format == MeshFormat::legacy) {
      add_record(output, append_mesh(label, mesh, output.bytes), level, place, voxels, 0);
      return {};
    }
    worker.quantizer.quantize(mesh, {plan_.node_extent(level), plan_.quantization_bits, level > 0}, worker.quantized);
    NGFORGE_TRY(const Bytes fragment, encode_draco(worker.quantized));
    const StoredMesh stored{label, output.bytes.size(), static_cast<std::uint32_t>(worker.quantized.positions.size()),
                            static_cast<std::uint32_t>(worker.quantized.triangles.size())};
    output.bytes.insert(output.bytes.end(), fragment.begin(), fragment.end());
    add_record(output, stored, level, place, voxels, static_cast<std::uint32_t>(fragment.size()));
    // Above the root a label has one node: its mesh is whole, and done when it is small.
    if (level >= plan_.root_level &&
        (mesh.triangles.size() <= kFewTriangles || level == plan_.root_level + kMostLevelsAboveRoot))
      return {};
    output.meshes.push_back(append_mesh(label, mesh, output.bytes));
    return {};
  }

  static void add_record(NodeOutput& output, const StoredMesh& stored, int level, const std::array<Index, 3>& place,
                         std::uint64_t voxels, std::uint32_t bytes) {
    FragmentRecord record;
    record.label = stored.label;
    record.offset = stored.offset;
    record.voxels = voxels;
    record.bytes = bytes;
    record.positions = stored.positions;
    record.triangles = stored.triangles;
    record.level = static_cast<std::uint32_t>(level);
    for (std::size_t a = 0; a < 3; ++a) record.node[a] = static_cast<std::uint32_t>(place[a]);
    output.records.push_back(record);
  }

  // Leaves `output` empty.
  Result<void> store(NodeOutput& output, MeshList& meshes) {
    NGFORGE_TRY(const std::uint64_t offset, spool_.append(output.bytes));
    output.move(offset);
    NGFORGE_CHECK(spool_.add(output.records));
    NGFORGE_CHECK(meshes.append(spool_, output.meshes));
    output = {};
    return {};
  }

  void note_done(std::uint64_t voxels) {
    const std::lock_guard lock(mutex_);
    voxels_done_ += voxels;
    tell_(voxels_done_);
  }

  // Whoever finishes the last of eight siblings goes on with their parent, or with a part of it: the last parents have
  // all labels, and the other threads nothing else to do.
  Result<void> finish_node(Worker& worker, NodeKey key, MeshList meshes) {
    while (plan_.format == MeshFormat::multires) {
      const auto& [level, place] = key;
      if (level >= plan_.root_level && meshes.size() == 0) return {};
      const NodeKey parent{level + 1, {place[0] / 2, place[1] / 2, place[2] / 2}};
      const auto octant = static_cast<std::size_t>(place[0] % 2 + 2 * (place[1] % 2) + 4 * (place[2] % 2));
      auto task = std::make_shared<ParentTask>();
      {
        const std::lock_guard lock(mutex_);
        Pending& pending = pending_[parent];
        pending.children[octant] = std::move(meshes);
        if (++pending.finished < count_children(parent)) return {};
        task->children = std::move(pending.children);
        pending_.erase(parent);
      }
      task->key = parent;
      NGFORGE_CHECK(split_labels(*task));
      for (std::size_t part = 1; part < task->parts.size(); ++part)
        pool_->submit_next([this, task, part](int other) {
          guard([&] { return finish_part(*workers_[static_cast<std::size_t>(other)], task, part); });
        });
      NGFORGE_TRY(const bool is_last, do_part(worker, *task, 0));
      if (!is_last) return {};
      meshes = task->join_parts();
      key = parent;
    }
    return {};
  }

  Result<void> finish_part(Worker& worker, const std::shared_ptr<ParentTask>& task, std::size_t part) {
    NGFORGE_TRY(const bool is_last, do_part(worker, *task, part));
    if (!is_last) return {};
    return finish_node(worker, task->key, task->join_parts());
  }

  int count_children(const NodeKey& parent) const {
    const GridVec below = plan_.grid(parent.first - 1);
    Index count = 1;
    for (int a = 0; a < 3; ++a) count *= std::min<Index>(2, below[a] - 2 * parent.second[static_cast<std::size_t>(a)]);
    return static_cast<int>(count);
  }

  // Ranges of labels with about as many triangles each, one for each thread if it is worth it.
  Result<void> split_labels(ParentTask& task) const {
    std::uint64_t all = 0, before = 0;
    for (const MeshList& meshes : task.children) all += meshes.triangles();
    const std::uint64_t most = std::clamp<std::uint64_t>(all / kLeastPartTriangles, 1, workers_.size());
    NGFORGE_TRY(OctantReader reader, OctantReader::open(spool_, task.children, {}));
    task.parts.resize(1);
    while (true) {
      const auto place = reader.place();
      NGFORGE_TRY(const auto label, reader.next());
      if (!label) break;
      if (before * most >= task.parts.size() * all && task.parts.back().labels > 0) {
        task.parts.emplace_back();
        task.parts.back().begin = place;
      }
      Part& part = task.parts.back();
      ++part.labels;
      const std::uint64_t simplified = std::max(label->largest, label->triangles / 4);
      part.most_bytes = std::max(part.most_bytes, label->triangles * kTriangleBytes + simplified * kSimplifyBytes);
      before += label->triangles;
    }
    task.parts_left = static_cast<int>(task.parts.size());
    return {};
  }

  // Makes the meshes of some labels of a parent. True when they were the last that were missing.
  Result<bool> do_part(Worker& worker, ParentTask& task, std::size_t number) {
    Part& part = task.parts[number];
    const std::uint64_t bytes = part.most_bytes + 2 * kFlushBytes + OctantReader::kBytes;
    NGFORGE_TRY(const Lease lease, budget_->acquire(bytes, stop_.get_token()));
    NGFORGE_TRY(OctantReader reader, OctantReader::open(spool_, task.children, part.begin));
    NodeOutput output;
    for (std::uint64_t i = 0; i < part.labels && !stop_.stop_requested(); ++i) {
      NGFORGE_TRY(const auto label, reader.next());
      NGFORGE_CHECK(join_octants(worker, task.key, *label));
      NGFORGE_CHECK(hand_over_parent(worker, task.key, *label, output));
      if (output.size() >= kFlushBytes) NGFORGE_CHECK(store(output, part.meshes));
    }
    NGFORGE_CHECK(store(output, part.meshes));
    return --task.parts_left == 0;
  }

  // A level that is hardly coarser than the one below it is the end: the label has one node.
  Result<void> hand_over_parent(Worker& worker, const NodeKey& parent, const OctantReader::Label& label,
                                NodeOutput& output) const {
    const bool is_above = parent.first > plan_.root_level;
    const auto after = static_cast<double>(worker.mesh.triangles.size());
    if (is_above && after > kLeastReduction * static_cast<double>(label.triangles)) return {};
    return hand_over(worker, label.label, parent.first, parent.second, 0, worker.mesh, output);
  }

  // Puts the simplified meshes of a label's octants together in worker.mesh.
  Result<void> join_octants(Worker& worker, const NodeKey& parent, const OctantReader::Label& label) const {
    const auto extent = plan_.node_extent(parent.first - 1);
    std::vector<MeshPart> parts;
    for (std::size_t i = 0; i < 8; ++i) {
      if (!label.octants[i]) continue;
      const StoredMesh& stored = *label.octants[i];
      Mesh& octant = worker.octants[i];
      NGFORGE_CHECK(spool_.read(stored, octant));
      const SimplifyTarget target{plan_.resolution_nm, plan_.step_error_nm(parent.first), stored.triangles / 4};
      worker.mesher.simplifier().simplify(octant, no_contours_, target);
      keep_inside(octant, extent);
      MeshPart part{octant.positions, octant.triangles, {}, extent};
      for (std::size_t a = 0; a < 3; ++a) part.corner[a] = (i >> a & 1) != 0 ? extent[a] : 0.0f;
      parts.push_back(part);
    }
    worker.mesh = weld(parts);
    return {};
  }

  static constexpr std::uint64_t kLeastPartTriangles = 1000;
  static constexpr std::size_t kFlushBytes = std::size_t{4} << 20;
  struct Pending {
    OctantLists children;
    int finished = 0;
  };

  const PrecomputedVolume& volume_;
  const MeshPlan& plan_;
  const ReadLabels read_ = [this](const Box& box_vox, const MutableBlockView& out) {
    return volume_.read(plan_.scale, box_vox, out);
  };
  MeshSpool& spool_;
  const RunOptions& run_;
  const std::function<void(std::uint64_t)>& tell_;
  std::optional<MemoryBudget> budget_;
  std::vector<std::unique_ptr<Worker>> workers_;
  ThreadPool* pool_ = nullptr;
  std::stop_source stop_;
  const Contours no_contours_;

  std::mutex mutex_;  // guards all below
  std::map<NodeKey, Pending> pending_;
  std::optional<Error> error_;
  std::uint64_t voxels_done_ = 0;
};

}  // namespace

Result<void> walk_meshes(const PrecomputedVolume& volume, const MeshPlan& plan, MeshSpool& spool, const RunOptions& run,
                         const std::function<void(std::uint64_t)>& tell) {
  return MeshWalk(volume, plan, spool, run, tell).run();
}

}  // namespace ngforge
