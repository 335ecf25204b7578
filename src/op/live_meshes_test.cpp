// SPDX-License-Identifier: Apache-2.0
#include "op/live_meshes.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/mesh_fragment.h"
#include "layout/mesh_manifest.h"
#include "store/memory.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// A long volume of two nodes: 7 fills x < 5, 8 is at x = 290..299, 9 is everywhere else.
class LiveMeshesTest : public ::testing::Test {
 protected:
  LiveMeshesTest() {
    info_.is_segmentation = true;
    info_.type = DataType::uint32;
    ScaleInfo scale;
    scale.key = "s0";
    scale.size_xyz = {300, 20, 20};
    scale.voxel_offset = {1000, 0, 0};
    scale.resolution_nm = {40, 40, 40};
    scale.chunk_sizes = {{64, 64, 64}};
    info_.scales = {scale};
    run_.threads = 2;
    run_.on_notice = [this](const std::string& notice) { notices_.push_back(notice); };
  }

  Result<void> read(const Box& box, const MutableBlockView& out) {
    ++reads_;
    EXPECT_EQ(out.box, box);
    EXPECT_TRUE(info_.scales[0].box_vox().contains(box));
    if (fails_) return make_error(ErrorCode::io, "no disk");
    for (Index z = box.begin.z; z < box.end.z; ++z)
      for (Index y = box.begin.y; y < box.end.y; ++y) {
        auto* row = reinterpret_cast<std::uint32_t*>(out.row(y, z, 0));
        for (Index x = box.begin.x; x < box.end.x; ++x) *row++ = x < 1005 ? 7 : x < 1290 ? 9 : 8;
      }
    return {};
  }

  std::shared_ptr<Store> open(LiveMeshPlan plan) {
    auto base = std::make_shared<MemoryStore>();
    const std::string text = write_volume_info(info_);
    EXPECT_TRUE(base->put("info", std::as_bytes(std::span(text))).has_value());
    EXPECT_TRUE(base->put("s0/0-64_0-20_0-20", std::as_bytes(std::span(text))).has_value());
    auto store = with_live_meshes(base, plan,
                                  [this](const Box& box, const MutableBlockView& out) { return read(box, out); }, {});
    EXPECT_TRUE(store.has_value());
    return *store;
  }
  LiveMeshPlan plan() const {
    auto planned = plan_live_meshes(info_, {1024 * kMiB, 0, true}, run_);
    EXPECT_TRUE(planned.has_value());
    return *planned;
  }
  static std::vector<std::string> manifest(Store& store, const std::string& key) {
    const auto bytes = store.get(key);
    if (!bytes) return {bytes.error().message};
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    return parse_legacy_manifest(text, key).value();
  }

  VolumeInfo info_;
  RunOptions run_;
  std::vector<std::string> notices_;
  std::atomic<int> reads_ = 0;
  std::atomic<bool> fails_ = false;
};

TEST_F(LiveMeshesTest, ManifestsNameTheNodesWithASurface) {
  const auto store = open(plan());
  EXPECT_EQ(reads_, 0);
  const Index nodes = plan().meshes.nodes.product();
  ASSERT_GE(nodes, 2);
  EXPECT_THAT(manifest(*store, "mesh/7:0"), ElementsAre("7:0:0_0_0"));
  EXPECT_THAT(manifest(*store, "mesh/8:0"), ElementsAre(fmt::format("8:0:{}_0_0", nodes - 1)));
  EXPECT_EQ(manifest(*store, "mesh/9:0").size(), static_cast<std::size_t>(nodes));
  EXPECT_EQ(store->get("mesh/10:0").error().code, ErrorCode::not_found);
  EXPECT_EQ(reads_, nodes) << "each node is looked through once";
}

TEST_F(LiveMeshesTest, FragmentsAreMadeOnce) {
  const auto store = open(plan());
  ASSERT_EQ(manifest(*store, "mesh/8:0").size(), 1u);
  const int before = reads_;
  const std::string key = "mesh/" + manifest(*store, "mesh/8:0").front();
  std::vector<Bytes> found(8);
  {
    std::vector<std::jthread> clients;
    for (Bytes& bytes : found) clients.emplace_back([&] { bytes = store->get(key).value(); });
  }
  for (const Bytes& bytes : found) EXPECT_EQ(bytes, found.front());
  EXPECT_EQ(store->stat(key).value().size, found.front().size());
  EXPECT_EQ(store->get_range(key, {0, 4}).value(), Bytes(found.front().begin(), found.front().begin() + 4));
  EXPECT_EQ(reads_, before + 1);
  // Voxel faces, in nm; simplification moves them by a voxel at most.
  const Mesh mesh = decode_mesh_fragment(found.front(), key).value();
  for (int a = 0; a < 3; ++a) {
    const auto [least, most] = std::ranges::minmax(mesh.positions, {}, [&](const auto& p) { return p[a]; });
    EXPECT_NEAR(least[a], a == 0 ? 1290 * 40 : 0, 40);
    EXPECT_NEAR(most[a], (a == 0 ? 1300 : 20) * 40, 40);
  }
}

TEST_F(LiveMeshesTest, WhatFailedIsTriedAgain) {
  const auto store = open(plan());
  fails_ = true;
  EXPECT_EQ(store->get("mesh/7:0").error().code, ErrorCode::io);
  fails_ = false;
  const std::string key = "mesh/" + manifest(*store, "mesh/7:0").front();
  fails_ = true;
  EXPECT_EQ(store->get(key).error().code, ErrorCode::io);
  fails_ = false;
  EXPECT_TRUE(store->get(key).has_value());
}

TEST_F(LiveMeshesTest, MemoryIsALimit) {
  LiveMeshPlan small = plan();
  small.table_bytes = 3 * sizeof(std::uint64_t);  // 7, 9 of the first node, 9 or 8, 9 of the next
  EXPECT_THAT(manifest(*open(small), "mesh/7:0"), ElementsAre(HasSubstr("--memory")));
  small = plan();
  small.surface_bytes = 1000;
  const auto store = open(small);
  const auto fragment = store->get("mesh/" + manifest(*store, "mesh/7:0").front());
  EXPECT_EQ(fragment.error().code, ErrorCode::needs_decision);
  small = plan();
  small.kept_bytes = 0;
  const auto forgetful = open(small);
  const std::string key = "mesh/" + manifest(*forgetful, "mesh/7:0").front();
  const int before = reads_;
  EXPECT_EQ(forgetful->get(key).value(), forgetful->get(key).value());
  EXPECT_EQ(reads_, before + 2);
}

TEST_F(LiveMeshesTest, TheRestIsTheDatasetItself) {
  const auto store = open(plan());
  EXPECT_TRUE(store->stat("s0/0-64_0-20_0-20").has_value());
  EXPECT_THAT(store->list("").value(), ElementsAre("info", "mesh/", "s0/"));
  EXPECT_EQ(store->list("mesh/").error().code, ErrorCode::unsupported);
  EXPECT_EQ(store->put("mesh/7:0", {}).error().code, ErrorCode::unsupported);
  EXPECT_EQ(store->get("mesh").error().code, ErrorCode::not_found);
}

TEST_F(LiveMeshesTest, PlansWithinItsPart) {
  for (const std::uint64_t memory_bytes : {300 * kMiB, 1024 * kMiB, 4096 * kMiB}) {
    const auto planned = plan_live_meshes(info_, {memory_bytes, 0, true}, run_);
    ASSERT_TRUE(planned.has_value());
    EXPECT_LE(planned->memory_bytes(), memory_bytes / 2);
  }
  EXPECT_THAT(notices_, ElementsAre());
  EXPECT_FALSE(plan_live_meshes(info_, {64 * kMiB, 0, true}, run_).has_value());
  EXPECT_FALSE(plan_live_meshes(info_, {1024 * kMiB, 1000 * kMiB, true}, run_).has_value());
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("--memory"), HasSubstr("--memory")));
}

TEST_F(LiveMeshesTest, LargeVolumesAreMeshedAtACoarseScale) {
  ScaleInfo coarse = info_.scales[0];
  info_.scales[0].size_xyz = {2000, 2000, 2000};
  coarse.key = "s1";
  coarse.size_xyz = {500, 500, 500};
  info_.scales.push_back(coarse);
  EXPECT_EQ(plan_live_meshes(info_, {1024 * kMiB, 0, true}, run_)->meshes.scale, 1u);
  info_.scales[0].size_xyz = {20000, 20000, 20000};
  EXPECT_EQ(plan_live_meshes(info_, {1024 * kMiB, 0, false}, run_)->meshes.scale, 1u);
  EXPECT_FALSE(plan_live_meshes(info_, {1024 * kMiB, 0, true}, run_).has_value());
  info_.scales.pop_back();
  EXPECT_FALSE(plan_live_meshes(info_, {1024 * kMiB, 0, false}, run_).has_value());
  EXPECT_EQ(notices_.size(), 2u);
}

TEST_F(LiveMeshesTest, NotEverythingHasLabels) {
  VolumeInfo image = info_, signed_type = info_, own = info_;
  image.is_segmentation = false;
  signed_type.type = DataType::int32;
  own.mesh = "own";
  for (const VolumeInfo& info : {image, signed_type, own})
    EXPECT_FALSE(plan_live_meshes(info, {1024 * kMiB, 0, false}, run_).has_value());
  EXPECT_THAT(notices_, ElementsAre());
}

}  // namespace
}  // namespace ngforge
