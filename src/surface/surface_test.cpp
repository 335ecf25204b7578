// SPDX-License-Identifier: Apache-2.0
#include "surface/surface.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surface/mesh_builder.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

using testing::HasSubstr;

Surface tetrahedron() {
  Surface surface;
  surface.mesh.positions = {{0, 0, 0}, {1.5F, 0, 0}, {0, 2, 0}, {0, 0, -0.1F}};
  surface.mesh.triangles = {{0, 1, 2}, {0, 3, 1}, {1, 3, 2}, {2, 3, 0}};
  return surface;
}

Result<Surface> read_text(const std::string& text, std::string_view place) {
  return read_surface({std::as_bytes(std::span(text)), place, {}});
}

std::string error_of(const std::string& text, std::string_view place) {
  const auto surface = read_text(text, place);
  if (surface) return "no error";
  EXPECT_TRUE(surface.error().concerns_source);
  return surface.error().message;
}

TEST(Surface, WhatIsWrittenIsReadAgain) {
  const Surface surface = tetrahedron();
  for (const SurfaceDescriptor* format : all_surface_formats()) {
    if (format->write == nullptr) continue;
    const auto bytes = format->write(surface);
    ASSERT_TRUE(bytes.has_value());
    const std::string place = std::string("a") + format->suffixes;
    EXPECT_EQ(find_surface_writer(place), format);
    const auto again = read_surface({*bytes, place, {}});
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(again->mesh.positions, surface.mesh.positions) << format->name;
    EXPECT_EQ(again->mesh.triangles, surface.mesh.triangles) << format->name;
  }
}

// Formats that are text to the end cannot tell a number from its first digits.
TEST(Surface, PackedFilesThatAreCutOffAreErrors) {
  for (const SurfaceDescriptor* format : all_surface_formats()) {
    const std::string name = format->name;
    if (name != "ply" && name != "stl" && name != "gifti") continue;
    const auto bytes = format->write(tetrahedron());
    ASSERT_TRUE(bytes.has_value());
    for (std::size_t size = 0; size + 1 < bytes->size(); ++size)
      EXPECT_FALSE(format->read({std::span(*bytes).first(size), "cut", {}}).has_value()) << name << " " << size;
  }
}

TEST(Surface, AMirrorTurnsTrianglesAround) {
  Surface surface = tetrahedron();
  Affine mirror;
  mirror.m[0][0] = -2;
  mirror.m[1][3] = 7;
  transform_mesh(surface.mesh, mirror);
  EXPECT_EQ(surface.mesh.positions[1], (std::array<float, 3>{-3, 7, 0}));
  EXPECT_EQ(surface.mesh.triangles[1], (std::array<std::uint32_t, 3>{0, 1, 3}));
}

TEST(Surface, ErrorsSayWhere) {
  EXPECT_THAT(error_of("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1 2 9\n", "a.obj"),
              HasSubstr("a.obj: face 1: expected vertex indices below 3, found 8"));
  EXPECT_THAT(error_of("v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n", "a.obj"),
              HasSubstr("a.obj: vertex 1: expected finite coordinates, found 1 nan 0"));
  EXPECT_THAT(error_of("v 0 0 0\n", "a.obj"),
              HasSubstr("expected a surface with triangles, found 1 vertices and no face"));
  EXPECT_THAT(error_of("v 0 0\n", "a.obj"), HasSubstr("a.obj: line 1: expected a coordinate, found the end"));
  EXPECT_THAT(error_of("OFF\n1 0 0\n\n0 x 0\n", "a"), HasSubstr("a: line 4: expected a coordinate, found \"x\""));
  EXPECT_THAT(error_of("hello", "a"), HasSubstr("a: expected a surface file (obj, ply, "));
}

TEST(MeshBuilder, PolygonsAreFansAndStripsTurn) {
  MeshBuilder builder("test");
  builder.add_vertices(std::vector<float>(15));
  const std::int64_t corners[] = {0, 1, 2, 3, 4};
  ASSERT_TRUE(builder.add_face(corners).has_value());
  ASSERT_TRUE(builder.add_strip(corners).has_value());
  ASSERT_TRUE(builder.add_face(std::span(corners).first(2)).has_value());
  const auto mesh = std::move(builder).finish();
  ASSERT_TRUE(mesh.has_value());
  EXPECT_THAT(mesh->triangles,
              testing::ElementsAre(std::array<std::uint32_t, 3>{0, 1, 2}, std::array<std::uint32_t, 3>{0, 2, 3},
                                   std::array<std::uint32_t, 3>{0, 3, 4}, std::array<std::uint32_t, 3>{0, 1, 2},
                                   std::array<std::uint32_t, 3>{1, 3, 2}, std::array<std::uint32_t, 3>{2, 3, 4}));
}

TEST(MeshBuilder, IndicesAreNotMadeSmaller) {
  MeshBuilder builder("test");
  const std::int64_t negative[] = {0, 1, -1}, wide[] = {0, 1, std::int64_t{1} << 32};
  EXPECT_FALSE(builder.add_face(negative).has_value());
  EXPECT_FALSE(builder.add_face(wide).has_value());
}

TEST(TextReader, NumbersAreReadStrictly) {
  EXPECT_EQ(parse_float("+1.5e1"), 15.0F);
  EXPECT_EQ(parse_float("1e-60"), 0.0F);
  EXPECT_EQ(parse_float("1.5x"), std::nullopt);
  EXPECT_EQ(parse_float(""), std::nullopt);
  EXPECT_EQ(parse_whole("-7"), -7);
  EXPECT_EQ(parse_whole("+-7"), std::nullopt);
  EXPECT_EQ(parse_whole("7.0"), std::nullopt);
  EXPECT_EQ(parse_whole("99999999999999999999"), std::nullopt);
}

TEST(TextReader, CountsThatTheTextCannotHoldAreRefusedAtOnce) {
  TextReader reader("1 2 3", "test");
  EXPECT_FALSE(read_reals(reader, std::uint64_t{1} << 62).has_value());
  EXPECT_THAT(read_reals(reader, 3).value(), testing::ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace ngforge
