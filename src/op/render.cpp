// SPDX-License-Identifier: Apache-2.0
#include "op/render.h"

#include <algorithm>
#include <map>
#include <utility>

#include "layout/transform.h"
#include "layout/volume_info.h"
#include "op/fixed_store.h"
#include "op/live_meshes.h"
#include "op/live_pyramid.h"
#include "op/once_cache.h"
#include "op/run_options.h"
#include "op/unpacked_source.h"

namespace ngforge {
namespace {

// Encoded chunks wait here between stat() and get() of the same key.
constexpr std::uint64_t kMaxEncodedBytes = 16 << 20;

// With the encoded chunks, a sixteenth of all.
std::uint64_t with_encoded(std::uint64_t pyramid_bytes) {
  return pyramid_bytes + pyramid_bytes / 15 + 64;
}

// What one of several live views may take: its part of the memory, or more where that is too little for a chunk.
std::uint64_t share_of(const RunOptions& run, std::uint64_t pyramid_bytes) {
  return std::max(run.memory_bytes / static_cast<std::uint64_t>(run.memory_shares),
                  std::min(run.memory_bytes, with_encoded(pyramid_bytes)));
}

class RenderStore final : public MadeStore {
 public:
  RenderStore(std::string place, std::shared_ptr<LivePyramid> pyramid, std::uint64_t encoded_bytes)
      : place_(std::move(place)), pyramid_(std::move(pyramid)), encoded_(encoded_bytes) {
    documents_.emplace("info", bytes_of_text(write_volume_info(plan().info)));
    if (plan().transform_nm) documents_.emplace("transform.json", bytes_of_text(write_transform(*plan().transform_nm)));
  }

  std::string describe() const override { return place_; }

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (!prefix.empty()) {
      if (scale_of(prefix.substr(0, prefix.size() - 1)) == nullptr)
        return make_error(ErrorCode::not_found, "{}: there is no folder {}", place_, prefix);
      return make_error(ErrorCode::unsupported, "{}: the chunks of a live view are made when asked for, not listed",
                        place_);
    }
    std::vector<std::string> names;
    for (const auto& [name, text] : documents_) names.push_back(name);
    for (const ScaleInfo& scale : plan().info.scales) names.push_back(scale.key + '/');
    std::ranges::sort(names);
    return names;
  }

 private:
  using Pointer = std::shared_ptr<const Bytes>;

  const VolumePlan& plan() const { return pyramid_->plan(); }

  const ScaleInfo* scale_of(std::string_view key) const {
    const auto& scales = plan().info.scales;
    const auto found = std::ranges::find(scales, key, &ScaleInfo::key);
    return found == scales.end() ? nullptr : &*found;
  }

  Error no_such(const std::string& key) const {
    return make_error(ErrorCode::not_found, "{}: there is no {}", place_, key);
  }

  Result<Pointer> value_of(const std::string& key) override {
    if (const auto found = documents_.find(key); found != documents_.end()) return Pointer(Pointer(), &found->second);
    return encoded_.get(
        key, 0, [&] { return make_chunk(key); },
        [](const Bytes& bytes) { return static_cast<std::uint64_t>(bytes.size()); });
  }

  Result<Pointer> make_chunk(const std::string& key) {
    const auto slash = key.rfind('/');
    const ScaleInfo* const scale = slash == std::string::npos ? nullptr : scale_of(key.substr(0, slash));
    if (scale == nullptr) return no_such(key);
    const auto box = parse_chunk_name(key.substr(slash + 1));
    if (!box) return no_such(key);
    GridVec cell;
    for (int a = 0; a < 3; ++a)
      cell[a] = floor_div(box->begin[a] - scale->box_vox().begin[a], scale->chunk_size()[static_cast<std::size_t>(a)]);
    // The name must be the one that the grid gives: no other box, no other spelling of its numbers.
    if (!GridBox{{}, scale->grid_shape()}.contains(cell) || chunk_name(scale->chunk_box(cell)) != key.substr(slash + 1))
      return no_such(key);
    return encode(key, static_cast<std::size_t>(scale - plan().info.scales.data()), cell, *box);
  }

  Result<Pointer> encode(const std::string& key, std::size_t level, const GridVec& cell, const Box& box) {
    NGFORGE_TRY(const auto block, pyramid_->block_of(level, cell));
    BlockView view = block->view().crop(box);
    Block dense;
    if (!view.is_dense()) {
      dense = Block(plan().type, box, plan().channels);
      copy_common(view, dense.view());
      view = std::as_const(dense).view();
    }
    if (!plan().keep_empty && is_all_zero(view)) return no_such(key);
    auto encoded = std::make_shared<Bytes>();
    NGFORGE_CHECK(plan().codec->encode(view, plan().codec_options, *encoded));
    return Pointer(std::move(encoded));
  }

  const std::string place_;
  const std::shared_ptr<LivePyramid> pyramid_;
  std::map<std::string, Bytes> documents_;
  OnceCache<std::string, Bytes> encoded_;
};

}  // namespace

Result<std::shared_ptr<Store>> render(std::string place, SourceLevels levels, const VolumePlan& plan,
                                      const RunOptions& given_run) {
  const RunOptions run = with_defaults(given_run);
  const bool is_stream = levels.front()->access() == Access::once;
  const std::uint64_t least_bytes = LivePyramid::least_bytes(plan) * (is_stream ? 2 : 1);
  std::uint64_t memory_bytes = share_of(run, least_bytes);
  const LiveMeshLimits limits{memory_bytes, with_encoded(least_bytes), plan.kept_levels.empty()};
  const auto mesh_plan = plan_live_meshes(plan.info, limits, run);
  if (mesh_plan) memory_bytes -= mesh_plan->memory_bytes();
  if (is_stream) {
    memory_bytes /= 2;
    const SourceBox kept = to_source(plan.to_reordered(plan.scales.front().box_vox), plan.size_ijk, plan.axis_map);
    levels.front() =
        unpack_when_read(std::move(levels.front()), kept.begin.z, kept.end.z, plan.source_channels, memory_bytes, run);
  }
  const std::uint64_t encoded_bytes = std::min(kMaxEncodedBytes, memory_bytes / 16);
  NGFORGE_TRY(std::shared_ptr<LivePyramid> pyramid,
              LivePyramid::create(std::move(levels), plan, memory_bytes - encoded_bytes, run.threads, run.stop));
  std::shared_ptr<Store> store = std::make_shared<RenderStore>(std::move(place), pyramid, encoded_bytes);
  if (!mesh_plan) return store;
  const auto read = [pyramid, scale = mesh_plan->meshes.scale](const Box&, const MutableBlockView& out) {
    return pyramid->read(scale, out);
  };
  return with_live_meshes(std::move(store), *mesh_plan, read, run.stop);
}

}  // namespace ngforge
