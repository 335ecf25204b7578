// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_spool.h"

#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "sink/mesh_sink.h"

namespace ngforge {
namespace {

TEST(MeshSpool, GivesMeshesBack) {
  auto spool = MeshSpool::create(std::filesystem::temp_directory_path());
  ASSERT_TRUE(spool.has_value());
  const Mesh first{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, {{0, 1, 2}, {2, 1, 0}}}, second{{{-1, 0, 0.5f}}, {}};
  Bytes bytes;
  StoredMesh a = append_mesh(7, first, bytes), b = append_mesh(8, second, bytes);
  EXPECT_EQ(a.bytes(), 60u);
  EXPECT_EQ(b.offset, 60u);
  ASSERT_TRUE((*spool)->append(std::vector<std::byte>(100)).has_value());
  const auto offset = (*spool)->append(bytes);
  ASSERT_TRUE(offset.has_value());
  for (const auto& [stored, expected] : {std::pair(a, first), std::pair(b, second)}) {
    StoredMesh moved = stored;
    moved.offset += *offset;
    Mesh mesh;
    ASSERT_TRUE((*spool)->read(moved, mesh).has_value());
    EXPECT_EQ(mesh.positions, expected.positions);
    EXPECT_EQ(mesh.triangles, expected.triangles);
  }
}

// More than fit into memory at once, in any order; given back by label, level and Z order.
TEST(MeshSpool, SortsRecordsOfABucket) {
  auto spool = MeshSpool::create(std::filesystem::temp_directory_path());
  ASSERT_TRUE(spool.has_value());
  std::vector<std::uint64_t> labels;
  for (std::uint64_t label = 1; labels.size() < 3; ++label)
    if (mesh_bucket(label) == mesh_bucket(1)) labels.push_back(label);
  std::vector<FragmentRecord> records;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    FragmentRecord record;
    record.label = labels[i * 7 % 3];
    record.level = i * 5 % 4;
    record.node = {i * 11 % 17, i * 3 % 5, i % 2};
    record.offset = i;
    records.push_back(record);
  }
  ASSERT_TRUE((*spool)->add(records).has_value());
  const auto found = (*spool)->bucket(mesh_bucket(1));
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 1000u);
  const auto z_code = [](const FragmentRecord& record) {
    std::uint64_t code = 0;
    for (int bit = 0; bit < 5; ++bit)
      for (std::size_t a = 0; a < 3; ++a)
        code |= std::uint64_t{record.node[a] >> bit & 1} << (3 * bit + static_cast<int>(a));
    return code;
  };
  EXPECT_TRUE(std::ranges::is_sorted(*found, {}, [&](const FragmentRecord& record) {
    return std::tuple(record.label, record.level, z_code(record));
  }));
  std::vector<std::uint64_t> offsets;
  for (const FragmentRecord& record : *found) offsets.push_back(record.offset);
  std::ranges::sort(offsets);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(offsets[i], i);
  EXPECT_TRUE((*spool)->bucket((mesh_bucket(1) + 1) % kMeshBuckets)->empty());
}

}  // namespace
}  // namespace ngforge
