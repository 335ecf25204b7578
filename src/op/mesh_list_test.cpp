// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_list.h"

#include <filesystem>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace ngforge {
namespace {

std::unique_ptr<MeshSpool> spool() {
  return *MeshSpool::create(std::filesystem::temp_directory_path());
}

StoredMesh mesh_of(std::uint64_t label, std::uint32_t triangles) {
  return {label, 10 * label, 3, triangles};
}

TEST(MeshList, IsReadAcrossPiecesAndFromAnyPlace) {
  const auto scratch = spool();
  MeshList list, rest;
  std::vector<StoredMesh> all;
  for (const std::uint64_t count : {1u, 5000u, 0u, 3u, 2048u}) {  // a buffer holds some thousand
    std::vector<StoredMesh> piece;
    for (std::uint64_t i = 0; i < count; ++i) piece.push_back(mesh_of(2 * (all.size() + i), 2));
    ASSERT_TRUE((count == 3 ? rest : list).append(*scratch, piece).has_value());
    if (count == 3) list.append(rest);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(list.size(), all.size());
  EXPECT_EQ(list.triangles(), 2 * all.size());
  for (const std::uint64_t begin : {0u, 1u, 2u, 5000u, 5001u, 5003u, 5004u, 7051u, 7052u}) {
    auto reader = MeshListReader::open(*scratch, list, begin);
    ASSERT_TRUE(reader.has_value());
    for (std::uint64_t i = begin; i < all.size(); ++i) {
      ASSERT_NE(reader->next(), nullptr) << begin << " " << i;
      EXPECT_EQ(reader->number(), i);
      EXPECT_EQ(reader->next()->label, all[i].label);
      EXPECT_EQ(reader->next()->offset, all[i].offset);
      ASSERT_TRUE(reader->advance().has_value());
    }
    EXPECT_EQ(reader->next(), nullptr);
  }
}

TEST(OctantReader, GivesLabelsWithTheirOctants) {
  const auto scratch = spool();
  std::mt19937 random(1);
  OctantLists lists;
  std::map<std::uint64_t, std::map<std::size_t, std::uint32_t>> expected;  // label, octant, triangles
  for (std::size_t octant = 0; octant < 8; ++octant) {
    if (octant == 5) continue;  // outside of the grid
    std::vector<StoredMesh> meshes;
    for (std::uint64_t label = 0; label < 6000; ++label) {
      if (random() % 3 != 0) continue;
      meshes.push_back(mesh_of(label, static_cast<std::uint32_t>(random() % 100)));
      expected[label][octant] = meshes.back().triangles;
    }
    ASSERT_TRUE(lists[octant].append(*scratch, meshes).has_value());
  }
  auto reader = OctantReader::open(*scratch, lists, {});
  ASSERT_TRUE(reader.has_value());
  OctantReader::Place middle{};
  for (const auto& [number, octants] : expected) {
    if (number == 3000) middle = reader->place();
    const auto label = reader->next();
    ASSERT_TRUE(label.has_value() && label->has_value());
    EXPECT_EQ((*label)->label, number);
    std::uint64_t all = 0, largest = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const auto& found = (*label)->octants[i];
      ASSERT_EQ(found.has_value(), octants.contains(i));
      if (!found) continue;
      EXPECT_EQ(found->label, number);
      EXPECT_EQ(found->triangles, octants.at(i));
      all += found->triangles;
      largest = std::max<std::uint64_t>(largest, found->triangles);
    }
    EXPECT_EQ((*label)->triangles, all);
    EXPECT_EQ((*label)->largest, largest);
  }
  EXPECT_FALSE(reader->next()->has_value());
  auto from_middle = OctantReader::open(*scratch, lists, middle);
  ASSERT_TRUE(from_middle.has_value());
  EXPECT_EQ((*from_middle->next())->label, expected.lower_bound(3000)->first);
}

}  // namespace
}  // namespace ngforge
