// SPDX-License-Identifier: Apache-2.0
#include "source/precomputed_meshes.h"

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/draco.h"
#include "codec/mesh_fragment.h"
#include "compress/gzip.h"
#include "store/memory.h"

namespace ngforge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Position = std::array<float, 3>;
using Triangle = std::array<std::uint32_t, 3>;

constexpr std::uint64_t kLimit = 1 << 20;
constexpr const char* kMultires =
    R"({"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 10, "lod_scale_multiplier": 1,
        "transform": [4, 0, 0, 100, 0, 4, 0, 0, 0, 0, 40, 0]})";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::shared_ptr<Store> legacy_store(const std::string& fragments) {
  auto store = std::make_shared<MemoryStore>();
  EXPECT_TRUE(store->put("mesh/7:0", bytes_of("{\"fragments\": [" + fragments + "]}")));
  return store;
}

Result<Mesh> read(const std::shared_ptr<Store>& store, std::uint64_t label, int level = 0,
                  std::uint64_t limit = kLimit) {
  const auto meshes = PrecomputedMeshes::open(store, "mesh");
  EXPECT_TRUE(meshes.has_value());
  return (*meshes)->read(label, level, limit);
}

// Two nodes beside each other along x, each with a triangle that touches the face between them.
std::shared_ptr<Store> multires_store(std::size_t cut = 0) {
  auto store = std::make_shared<MemoryStore>();
  const Bytes left = *encode_draco({{{0, 0, 0}, {1023, 0, 0}, {1023, 1023, 0}}, {{0, 1, 2}}});
  const Bytes right = *encode_draco({{{0, 0, 0}, {1023, 0, 0}, {0, 1023, 0}}, {{0, 1, 2}}});
  MeshManifest manifest{{10, 20, 30}, {1, 2, 3}, {}};
  manifest.levels = {
      {1, {0, 0, 0.5f}, {{{1, 0, 0}, std::uint32_t(left.size())}, {{2, 0, 0}, std::uint32_t(right.size())}}}};
  Bytes fragments = left;
  fragments.insert(fragments.end(), right.begin(), right.end());
  fragments.resize(fragments.size() - cut);
  EXPECT_TRUE(store->put("mesh/info", bytes_of(kMultires)));
  EXPECT_TRUE(store->put("mesh/7.index", encode_mesh_manifest(manifest)));
  EXPECT_TRUE(store->put("mesh/7", fragments));
  return store;
}

TEST(PrecomputedMeshes, JoinsWhatSeveralPartsHaveAtOnePlace) {
  const std::vector<Mesh> parts{{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}},
                                {{{1, 0, 0}, {-0.0f, 1, 0}, {1, 1, 0}}, {{0, 2, 1}}}};
  const Mesh joined = join_meshes(parts);
  EXPECT_THAT(joined.positions,
              ElementsAre(Position{0, 0, 0}, Position{1, 0, 0}, Position{0, 1, 0}, Position{1, 1, 0}));
  EXPECT_THAT(joined.triangles, ElementsAre(Triangle{0, 1, 2}, Triangle{1, 3, 2}));
}

TEST(PrecomputedMeshes, KeepsVerticesOfOnePartApart) {
  const std::vector<Mesh> parts{{{{5, 5, 5}, {5, 5, 5}, {0, 0, 0}}, {}}, {{{5, 5, 5}, {5, 5, 5}, {5, 5, 5}}, {}}};
  EXPECT_EQ(join_meshes(parts).positions.size(), 4);
}

TEST(PrecomputedMeshes, ReadsLegacyFragmentsOfEveryKind) {
  const Mesh triangle{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}};
  const auto store = legacy_store(R"("7:0:0-8_0-8_0-8", "packed", "draco")");
  Bytes packed;
  GzipCompressor(6).compress(encode_mesh_fragment({{{0, 0, 9}, {1, 0, 9}, {0, 1, 9}}, {{0, 1, 2}}}), packed);
  ASSERT_TRUE(store->put("mesh/7:0:0-8_0-8_0-8", encode_mesh_fragment(triangle)));
  ASSERT_TRUE(store->put("mesh/packed", packed));
  ASSERT_TRUE(store->put("mesh/draco", *encode_draco({{{0, 0, 0}, {1, 0, 0}, {0, 0, 5}}, {{0, 1, 2}}})));
  const auto mesh = read(store, 7);
  ASSERT_TRUE(mesh.has_value()) << mesh.error().message;
  EXPECT_EQ(mesh->triangles.size(), 3);
  EXPECT_EQ(mesh->positions.size(), 7);  // two of them in two fragments
}

TEST(PrecomputedMeshes, ReadsManifestsWithoutColonSuffix) {
  for (const char* name : {"mesh/7", "mesh/7.json"}) {
    auto store = std::make_shared<MemoryStore>();
    ASSERT_TRUE(store->put(name, bytes_of(R"({"fragments": ["a"]})")));
    ASSERT_TRUE(store->put("mesh/a", encode_mesh_fragment({{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}})));
    EXPECT_TRUE(read(store, 7).has_value()) << name;
  }
}

TEST(PrecomputedMeshes, PutsQuantisedPositionsWhereTheFormatSays) {
  const auto mesh = read(multires_store(), 7);
  ASSERT_TRUE(mesh.has_value()) << mesh.error().message;
  // stored: grid_origin + vertex_offset + chunk_shape * (node + q / 1023); nm: 4 x + 100, 4 y, 40 z
  EXPECT_THAT(mesh->positions, testing::UnorderedElementsAre(Position{144, 8, 140}, Position{184, 8, 140},
                                                             Position{184, 88, 140}, Position{224, 8, 140}));
  EXPECT_EQ(mesh->triangles.size(), 2);
}

TEST(PrecomputedMeshes, SaysWhatIsNotThere) {
  EXPECT_EQ(read(multires_store(), 8).error().code, ErrorCode::not_found);
  EXPECT_EQ(read(multires_store(), 7, 1).error().code, ErrorCode::not_found);
  EXPECT_EQ(read(legacy_store(""), 8).error().code, ErrorCode::not_found);
  EXPECT_EQ(read(legacy_store("\"gone\""), 7).error().code, ErrorCode::not_found);
  EXPECT_EQ(PrecomputedMeshes::open(std::make_shared<MemoryStore>(), "").error().code, ErrorCode::not_found);
}

TEST(PrecomputedMeshes, RefusesWhatCannotBe) {
  const auto cut = read(multires_store(1), 7);
  EXPECT_EQ(cut.error().code, ErrorCode::invalid_data);
  EXPECT_TRUE(cut.error().concerns_source);
  EXPECT_EQ(read(legacy_store(R"("../../secret")"), 7).error().code, ErrorCode::invalid_data);
  EXPECT_EQ(read(multires_store(), 7, 0, 40).error().code, ErrorCode::limit);
}

TEST(PrecomputedMeshes, ResolvesTheFolderAsTheViewerDoes) {
  EXPECT_EQ(linked_folder("./a//b/"), "a/b");
  EXPECT_EQ(linked_folder("../a"), "");
  EXPECT_EQ(linked_folder(""), "");
}

}  // namespace
}  // namespace ngforge
