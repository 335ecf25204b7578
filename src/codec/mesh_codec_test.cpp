// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "codec/draco.h"
#include "codec/mesh_fragment.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kLimit = 1 << 20;

using Corner = std::array<std::int32_t, 3>;
using Face = std::array<Corner, 3>;

// A triangle by its corners, the smallest first: numbers of vertices do not matter, the side it is seen from does.
Face face_of(const QuantizedMesh& mesh, const std::array<std::uint32_t, 3>& triangle) {
  Face face{mesh.positions[triangle[0]], mesh.positions[triangle[1]], mesh.positions[triangle[2]]};
  std::ranges::rotate(face, std::ranges::min_element(face));
  return face;
}
std::multiset<Face> faces_of(const QuantizedMesh& mesh) {
  std::multiset<Face> faces;
  for (const auto& triangle : mesh.triangles) faces.insert(face_of(mesh, triangle));
  return faces;
}

QuantizedMesh tetrahedron() {
  return {{{0, 0, 0}, {65535, 0, 0}, {0, 32768, 0}, {0, 0, 7}}, {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}}};
}

// A wavy sheet of n x n squares.
QuantizedMesh sheet(std::uint32_t n) {
  QuantizedMesh mesh;
  for (std::uint32_t y = 0; y <= n; ++y)
    for (std::uint32_t x = 0; x <= n; ++x)
      mesh.positions.push_back({static_cast<std::int32_t>(x * 100), static_cast<std::int32_t>(y * 90),
                                static_cast<std::int32_t>(3000 + 1000 * std::sin(0.3 * x) * std::cos(0.2 * y))});
  for (std::uint32_t y = 0; y < n; ++y)
    for (std::uint32_t x = 0; x < n; ++x) {
      const std::uint32_t a = x + (n + 1) * y, b = a + 1, c = a + n + 1, d = c + 1;
      mesh.triangles.push_back({a, b, c});
      mesh.triangles.push_back({b, d, c});
    }
  return mesh;
}

TEST(Draco, KeepsPositionsAndSidesExactly) {
  for (const QuantizedMesh& mesh : {tetrahedron(), sheet(20)}) {
    const auto bytes = encode_draco(mesh);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
    ASSERT_TRUE(looks_like_draco(*bytes));
    const auto again = decode_quantized_draco(*bytes, "test", kLimit);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(faces_of(*again), faces_of(mesh));
    EXPECT_EQ(again->positions.size(), mesh.positions.size());
    const auto floats = decode_draco(*bytes, "test", kLimit);
    ASSERT_TRUE(floats.has_value());
    ASSERT_EQ(floats->positions.size(), again->positions.size());
    for (std::size_t i = 0; i < again->positions.size(); ++i)
      for (std::size_t a = 0; a < 3; ++a)
        EXPECT_EQ(floats->positions[i][a], static_cast<float>(again->positions[i][a]));
  }
}

TEST(Draco, IsTheSameEachTime) {
  const QuantizedMesh mesh = sheet(30);
  EXPECT_EQ(*encode_draco(mesh), *encode_draco(mesh));
}

TEST(Draco, LeavesOutWhatIsNoTriangle) {
  QuantizedMesh mesh = tetrahedron();
  mesh.positions.push_back({9, 9, 9});
  mesh.triangles.push_back({1, 1, 2});
  const auto again = decode_quantized_draco(*encode_draco(mesh), "test", kLimit);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(faces_of(*again), faces_of(tetrahedron()));
  EXPECT_EQ(again->positions.size(), 4u);
  EXPECT_TRUE(encode_draco(QuantizedMesh{{{1, 2, 3}}, {{0, 0, 0}}})->empty());
  EXPECT_TRUE(encode_draco(QuantizedMesh{})->empty());
}

RC_GTEST_PROP(Draco, KeepsAnySoup, ()) {
  const auto count = *rc::gen::inRange<std::uint32_t>(3, 30);
  QuantizedMesh mesh;
  for (std::uint32_t i = 0; i < count; ++i)
    mesh.positions.push_back({*rc::gen::inRange(0, 65536), *rc::gen::inRange(0, 65536), static_cast<std::int32_t>(i)});
  const auto faces = *rc::gen::inRange<std::size_t>(1, 40);
  std::set<std::set<std::uint32_t>> seen;
  for (std::size_t i = 0; i < faces; ++i) {
    const auto corner = rc::gen::inRange<std::uint32_t>(0, count);
    const std::array<std::uint32_t, 3> triangle{*corner, *corner, *corner};
    // Draco keeps one of two equal faces.
    if (seen.insert({triangle.begin(), triangle.end()}).second) mesh.triangles.push_back(triangle);
  }
  std::erase_if(mesh.triangles, [](const auto& t) { return t[0] == t[1] || t[1] == t[2] || t[2] == t[0]; });
  const auto bytes = encode_draco(mesh);
  RC_ASSERT(bytes.has_value());
  if (mesh.triangles.empty()) return;
  const auto again = decode_quantized_draco(*bytes, "test", kLimit);
  RC_ASSERT(again.has_value());
  RC_ASSERT(faces_of(*again) == faces_of(mesh));
}

TEST(Draco, SaysWhatIsWrong) {
  Bytes bytes = *encode_draco(sheet(20));
  const auto message = [&](std::size_t size, std::uint64_t limit) {
    const auto mesh = decode_quantized_draco(std::span(bytes).first(size), "f", limit);
    return mesh.has_value() ? "" : fmt::format("{}: {}", error_name(mesh.error().code), mesh.error().message);
  };
  EXPECT_EQ(message(4, kLimit), "invalid_data: f: expected Draco, found 4 bytes that begin otherwise");
  EXPECT_EQ(message(8, kLimit), "invalid_data: f: expected the header of Draco, found 8 bytes");
  EXPECT_EQ(message(12, kLimit), "invalid_data: f: expected the numbers of vertices and triangles, found 12 bytes");
  EXPECT_EQ(message(bytes.size() - 1, kLimit),
            fmt::format("invalid_data: f: expected a Draco mesh, found {} bytes that do not decode", bytes.size() - 1));
  EXPECT_EQ(message(bytes.size(), 1000),
            "limit: f: expected a mesh of at most 1000 bytes, found 441 vertices and 800 triangles");
  bytes[7] = std::byte{0};
  EXPECT_EQ(message(bytes.size(), kLimit), "unsupported: f: expected a Draco mesh, found a point cloud");
}

// A hand-written fragment: three vertices, one triangle.
TEST(MeshFragment, HasTheBytesOfTheSpecification) {
  const Mesh mesh{{{1, 0, 0}, {0, 2, 0}, {0, 0, -0.5f}}, {{0, 1, 2}}};
  const std::vector<std::uint8_t> expected{3, 0, 0,    0,                                   // num_vertices
                                           0, 0, 0x80, 0x3f, 0, 0, 0, 0,    0, 0, 0, 0,     // 1 0 0
                                           0, 0, 0,    0,    0, 0, 0, 0x40, 0, 0, 0, 0,     // 0 2 0
                                           0, 0, 0,    0,    0, 0, 0, 0,    0, 0, 0, 0xbf,  // 0 0 -0.5
                                           0, 0, 0,    0,    1, 0, 0, 0,    2, 0, 0, 0};    // 0 1 2
  const Bytes bytes = encode_mesh_fragment(mesh);
  ASSERT_EQ(bytes.size(), expected.size());
  EXPECT_EQ(std::memcmp(bytes.data(), expected.data(), bytes.size()), 0);
  const auto again = decode_mesh_fragment(bytes, "test");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->positions, mesh.positions);
  EXPECT_EQ(again->triangles, mesh.triangles);
}

TEST(MeshFragment, SaysWhatIsWrong) {
  const Mesh mesh{{{1, 0, 0}, {0, 2, 0}, {0, 0, 1}}, {{0, 1, 2}}};
  const auto message = [](std::span<const std::byte> bytes) {
    const auto decoded = decode_mesh_fragment(bytes, "f");
    return decoded.has_value() ? "" : decoded.error().message;
  };
  Bytes bytes = encode_mesh_fragment(mesh);
  EXPECT_EQ(message(std::span(bytes).first(3)), "f: expected 4 bytes at byte 0, found 3");
  EXPECT_EQ(message(std::span(bytes).first(20)), "f: expected 36 bytes at byte 4, found 16");
  EXPECT_EQ(message(std::span(bytes).first(45)), "f: expected triangles of 12 bytes behind 3 vertices, found 5 bytes");
  bytes[44] = std::byte{3};
  EXPECT_EQ(message(bytes), "f: triangle 0: expected a vertex below 3, found 3");
  bytes = encode_mesh_fragment({{{NAN, 0, 0}}, {}});
  EXPECT_EQ(message(bytes), "f: vertex 0: expected finite numbers, found nan");
}

}  // namespace
}  // namespace ngforge
