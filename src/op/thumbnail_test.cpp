// SPDX-License-Identifier: Apache-2.0
#include "ngforge/thumbnail.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/codec.h"
#include "codec/mesh_fragment.h"
#include "core/byte_cursor.h"
#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"
#include "layout/volume_info.h"
#include "op/fixed_store.h"
#include "op/segment_color.h"

namespace ngforge {
namespace {

using ::testing::HasSubstr;
using Documents = std::map<std::string, Bytes>;

ScaleInfo scale_of(std::array<Index, 3> size, std::array<double, 3> resolution_nm, std::array<Index, 3> offset = {}) {
  ScaleInfo scale;
  scale.key = fmt::format("s{}", resolution_nm[0]);
  scale.size_xyz = size;
  scale.voxel_offset = offset;
  scale.resolution_nm = resolution_nm;
  scale.chunk_sizes = {{512, 512, 512}};
  scale.encoding = "raw";
  return scale;
}

/// A volume with one raw chunk in each scale. `value(scale, x, y, z)`: x, y, z counted from the corner.
template <class T, class Value>
Dataset dataset_of(std::vector<ScaleInfo> scales, const Value& value, Index channels = 1,
                   bool is_segmentation = false) {
  VolumeInfo info;
  info.type = std::is_same_v<T, float>           ? DataType::float32
              : std::is_same_v<T, std::uint64_t> ? DataType::uint64
                                                 : DataType::uint8;
  info.channels = channels;
  info.is_segmentation = is_segmentation;
  info.scales = std::move(scales);
  Documents documents{{"info", bytes_of_text(write_volume_info(info))}};
  for (std::size_t k = 0; k < info.scales.size(); ++k) {
    const ScaleInfo& scale = info.scales[k];
    Bytes chunk;
    for (Index c = 0; c < channels; ++c)
      for (Index z = 0; z < scale.size_xyz[2]; ++z)
        for (Index y = 0; y < scale.size_xyz[1]; ++y)
          for (Index x = 0; x < scale.size_xyz[0]; ++x) {
            const auto v = static_cast<T>(static_cast<double>(value(k, x, y, z)) + 60.0 * static_cast<double>(c));
            const auto* const bytes = reinterpret_cast<const std::byte*>(&v);
            chunk.insert(chunk.end(), bytes, bytes + sizeof v);
          }
    documents[scale.key + "/" + chunk_name(scale.box_vox())] = chunk;
  }
  Dataset dataset;
  dataset.store = std::make_shared<FixedStore>("volume", std::move(documents));
  dataset.type = is_segmentation ? "segmentation" : "image";
  dataset.is_rgb = channels == 3;
  return dataset;
}

/// What a file of PNG shows.
struct Shown {
  Block block;
  Index width() const { return block.box().size().x; }
  Index height() const { return block.box().size().y; }
  Color at(Index x, Index y) const {
    Color color;
    for (std::size_t c = 0; c < 3; ++c) {
      const Index channel = block.channels() == 1 ? 0 : static_cast<Index>(c);
      color[c] = std::to_integer<std::uint8_t>(block.view().row(y, 0, channel)[x]);
    }
    return color;
  }
  int grey(Index x, Index y) const {
    const Color color = at(x, y);
    EXPECT_TRUE(color[0] == color[1] && color[1] == color[2]);
    return color[0];
  }
};

Shown shown(const Bytes& file) {
  const auto number = [&](std::size_t at) {
    return static_cast<Index>(load<std::uint32_t, std::endian::big>(file.data() + at));
  };
  const Index channels = file[25] == std::byte{2} ? 3 : 1;  // IHDR's colour type
  Shown shown{Block(DataType::uint8, {{}, {number(16), number(20), 1}}, channels)};
  const auto decoded = find_codec("png")->decode(file, {}, shown.block.view());
  EXPECT_TRUE(decoded) << decoded.error().message;
  return shown;
}

Shown thumbnail(const Dataset& dataset, std::optional<std::array<double, 2>> range = std::nullopt) {
  const auto file = make_thumbnail(dataset, range, {});
  EXPECT_TRUE(file) << file.error().message;
  return file ? shown(*file) : Shown{Block(DataType::uint8, {{}, {1, 1, 1}}, 1)};
}

int numbered(std::size_t, Index x, Index y, Index z) {
  return static_cast<int>(10 * (x + 4 * y + 12 * z));
}

// 4 x 3 x 2 voxels become 50 x 50 pixels each: the first size of at least 200. The middle voxel is (2, 1, 1).
TEST(Thumbnail, ShowsTheMiddleSlicesSideBySide) {
  const Shown picture = thumbnail(dataset_of<std::uint8_t>({scale_of({4, 3, 2}, {1, 1, 1}, {7, -5, 0})}, numbered));
  ASSERT_EQ(picture.width(), 200 + 8 + 200 + 8 + 100);
  ASSERT_EQ(picture.height(), 150);
  for (Index y = 0; y < 3; ++y)
    for (Index x = 0; x < 4; ++x)
      for (const Index within : {0, 49})
        EXPECT_EQ(picture.grey(50 * x + within, 50 * y + within), numbered(0, x, y, 1));
  for (Index z = 0; z < 2; ++z) {
    for (Index x = 0; x < 4; ++x) EXPECT_EQ(picture.grey(208 + 50 * x, 25 + 50 * z), numbered(0, x, 1, z));
    for (Index y = 0; y < 3; ++y) EXPECT_EQ(picture.grey(416 + 50 * z, 50 * y), numbered(0, 2, y, z));
  }
  EXPECT_EQ(picture.grey(203, 75), 0) << "a gap";
  EXPECT_EQ(picture.grey(210, 20), 0) << "above a lower slice";
}

// Voxel x runs to the left, y to the front, z upwards (LAS would be usual; this is LPS).
TEST(Thumbnail, TheWorldGoesToTheRightAndUp) {
  Dataset dataset = dataset_of<std::uint8_t>({scale_of({4, 3, 2}, {1, 1, 1})}, numbered);
  dataset.transform_nm = Affine{{{{-1, 0, 0, 9}, {0, -1, 0, 9}, {0, 0, 1, 9}, {0, 0, 0, 1}}}};
  const Shown picture = thumbnail(dataset);
  ASSERT_EQ(picture.width(), 200 + 8 + 200 + 8 + 150);
  EXPECT_EQ(picture.grey(0, 0), numbered(0, 3, 0, 1)) << "left is what is left; above is anterior: y = 0";
  EXPECT_EQ(picture.grey(199, 149), numbered(0, 0, 2, 1));
  EXPECT_EQ(picture.grey(208, 25), numbered(0, 3, 1, 1)) << "x-z: above is z = 1";
  EXPECT_EQ(picture.grey(208, 124), numbered(0, 3, 1, 0));
  EXPECT_EQ(picture.grey(416, 25), numbered(0, 2, 2, 1)) << "y-z: right is anterior";
  EXPECT_EQ(picture.grey(416 + 149, 124), numbered(0, 2, 0, 0));
}

TEST(Thumbnail, AxesAreThoseOfTheWorld) {
  Dataset dataset = dataset_of<std::uint8_t>({scale_of({4, 3, 2}, {1, 1, 1})}, numbered);
  dataset.transform_nm = Affine{{{{0, 0, 1, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}}}};  // x is world y, y is z
  const Shown picture = thumbnail(dataset);
  ASSERT_EQ(picture.width(), 100 + 8 + 100 + 8 + 200);
  EXPECT_EQ(picture.grey(0, 0), numbered(0, 3, 1, 0)) << "world x-y is z-x of the middle y";
  EXPECT_EQ(picture.grey(216, 25), numbered(0, 0, 2, 1)) << "world y-z is x-y of the middle z";
}

// 4 x 4 x 2 voxels of 10 x 10 x 40 nm: 40 x 40 x 80 nm.
TEST(Thumbnail, HasTheProportionsOfTheVoxels) {
  const Shown picture = thumbnail(dataset_of<std::uint8_t>(
      {scale_of({4, 4, 2}, {10, 10, 40})}, [](std::size_t, Index x, Index, Index z) { return 10 * x + 100 * z; }));
  ASSERT_EQ(picture.width(), 100 + 8 + 100 + 8 + 200);
  ASSERT_EQ(picture.height(), 200);
  EXPECT_EQ(picture.grey(108 + 99, 99), 30);
  EXPECT_EQ(picture.grey(108 + 99, 100), 130) << "a voxel is 100 pixels high";
  EXPECT_EQ(picture.grey(216 + 99, 50), 20);
  EXPECT_EQ(picture.grey(216 + 100, 50), 120) << "and wide";
}

TEST(Thumbnail, ComesFromTheCoarsestScaleThatIsEnough) {
  const auto value = [](std::size_t k, Index, Index, Index) { return 50 * (k + 1); };
  const auto scales = [](double most) {
    std::vector<ScaleInfo> scales;
    for (double r = 1; r <= most; r *= 2) {
      const auto side = static_cast<Index>(std::ceil(800 / r));
      scales.push_back(scale_of({side, 1, 1}, {r, r, r}));
    }
    return scales;
  };
  const Shown enough = thumbnail(dataset_of<std::uint8_t>(scales(8), value));
  EXPECT_EQ(enough.grey(0, 0), 150) << "200 voxels of 4 nm; 100 of 8 nm are too few";
  EXPECT_EQ(enough.width(), 200 + 8 + 200 + 8 + 1) << "three lines, since that is all there is";
  EXPECT_EQ(thumbnail(dataset_of<std::uint8_t>(scales(2), value)).grey(0, 0), 100) << "the coarsest there is";
}

TEST(Thumbnail, PixelsOfManyVoxelsShowTheirMean) {
  const auto value = [](std::size_t, Index x, Index y, Index) { return x < 2 ? x * 40 + y * 2 : 200; };
  const Shown picture = thumbnail(dataset_of<std::uint8_t>({scale_of({400, 200, 1}, {1, 1, 1})}, value));
  ASSERT_EQ(picture.width(), 200) << "one slice; the others would be lines";
  ASSERT_EQ(picture.height(), 100);
  EXPECT_EQ(picture.grey(0, 0), 21) << "0, 40, 2, 42";
  EXPECT_EQ(picture.grey(0, 1), 25);
  EXPECT_EQ(picture.grey(1, 0), 200);
}

TEST(Thumbnail, GreyIsWhereTheValueLiesInTheRange) {
  const auto value = [](std::size_t, Index x, Index, Index) {
    return x == 3 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(x);
  };
  const Dataset dataset = dataset_of<float>({scale_of({5, 2, 1}, {1, 1, 1})}, value);
  const Shown picture = thumbnail(dataset, {{1, 3}});
  const std::array<int, 5> expected{0, 0, 128, 0, 255};
  for (Index x = 0; x < 5; ++x) EXPECT_EQ(picture.grey(40 * x, 0), expected[static_cast<std::size_t>(x)]) << x;
  EXPECT_EQ(thumbnail(dataset).grey(40, 0), 255) << "floats are shown from 0 to 1 when nothing is known";
}

TEST(Thumbnail, ColoursAreThoseOfTheChannels) {
  const auto value = [](std::size_t, Index x, Index, Index) { return x; };
  const Shown picture = thumbnail(dataset_of<std::uint8_t>({scale_of({100, 2, 1}, {1, 1, 1})}, value, 3), {{0, 1}});
  EXPECT_EQ(picture.at(2 * 30, 0), (Color{30, 90, 150}));
}

// Computed from MurmurHash3's steps and the usual formula for HSV by a script of its own; tests/e2e compares with the
// viewer's.
TEST(Thumbnail, SegmentsHaveTheViewersColours) {
  EXPECT_EQ(segment_color(1), (Color{94, 128, 255}));
  EXPECT_EQ(segment_color(2035), (Color{255, 136, 113}));
  EXPECT_EQ(segment_color((std::uint64_t{7} << 32) + 5), (Color{23, 138, 255}));
  const auto value = [](std::size_t, Index x, Index, Index) { return static_cast<std::uint64_t>(x); };
  Dataset dataset = dataset_of<std::uint64_t>({scale_of({4, 2, 1}, {1, 1, 1})}, value, 1, true);
  dataset.segment_colors = {{2, "#0a0b0c"}};
  const Shown picture = thumbnail(dataset);
  EXPECT_EQ(picture.at(0, 0), Color{}) << "no segment";
  EXPECT_EQ(picture.at(50, 0), segment_color(1));
  EXPECT_EQ(picture.at(100, 0), (Color{10, 11, 12})) << "of its properties";
}

TEST(Thumbnail, DoesNotReadWithoutEnd) {
  const auto value = [](std::size_t, Index, Index, Index) { return 1; };
  Dataset dataset =
      dataset_of<std::uint8_t>({scale_of({400, 2, 2}, {1, 1, 1}), scale_of({200, 1, 1}, {2, 2, 2})}, value);
  dataset.computed_from_bytes = std::uint64_t{5} << 30;
  const auto picture = make_thumbnail(dataset, std::nullopt, {});
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::limit);
  EXPECT_THAT(picture.error().message, HasSubstr("found 5120 MiB"));
}

/// Meshes as a layer of surfaces has them.
Dataset surface_of(const Mesh& mesh, VoxelVec size) {
  MeshInfo info;
  info.format = MeshFormat::legacy;
  const std::string fragment = legacy_fragment_name(1, true);
  Documents documents{{"info", bytes_of_text(write_mesh_info(info))},
                      {legacy_manifest_name(1, true), bytes_of_text(write_legacy_manifest(std::span(&fragment, 1)))},
                      {fragment, encode_mesh_fragment(mesh)}};
  Dataset dataset;
  dataset.store = std::make_shared<FixedStore>("meshes", std::move(documents));
  dataset.type = "surface";
  dataset.box_vox = {{}, size};
  dataset.resolution_nm = {1, 1, 1};
  dataset.segments = {1, 99};
  dataset.segment_colors = {{1, "#c86400"}};
  return dataset;
}

// Two squares that face upwards: one from (0, 0) to (100, 50) at height 10, one from (50, 0) to (100, 50) at height 20.
TEST(Thumbnail, SurfacesAreLitAndHideEachOther) {
  Mesh mesh;
  for (const auto& [x, z] : {std::pair{0.f, 10.f}, {50.f, 20.f}}) {
    const auto first = static_cast<std::uint32_t>(mesh.positions.size());
    mesh.positions.insert(mesh.positions.end(), {{x, 0, z}, {100, 0, z}, {100, 50, z}, {x, 50, z}});
    mesh.triangles.insert(mesh.triangles.end(), {{first, first + 1, first + 2}, {first, first + 2, first + 3}});
  }
  const Shown picture = thumbnail(surface_of(mesh, {100, 50, 40}));
  ASSERT_EQ(picture.width(), 200 + 8 + 200 + 8 + 100);
  ASSERT_EQ(picture.height(), 100);
  for (const Index x : {0, 99, 100, 199}) EXPECT_EQ(picture.at(x, 50), (Color{200, 100, 0})) << "all light comes back";
  EXPECT_EQ(picture.at(208 + 100, 50), Color{}) << "they have no height";
}

// A slope from the lower left to the upper right front: from above and from the side it is seen under 45 degrees.
TEST(Thumbnail, SlopesAreDarker) {
  Mesh mesh;
  mesh.positions = {{0, 0, 0}, {100, 0, 100}, {100, 100, 100}, {0, 100, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  const Shown picture = thumbnail(surface_of(mesh, {100, 100, 100}));
  const double shade = 0.2 + 0.8 * std::sqrt(0.5);
  EXPECT_EQ(picture.at(100, 100)[0], std::lround(200 * shade));
  EXPECT_EQ(picture.at(208 + 100, 50), Color{}) << "edge on";
  EXPECT_EQ(picture.at(416 + 100, 100)[1], std::lround(100 * shade)) << "from the right";
}

TEST(Thumbnail, WithoutKnownSegmentsThereIsNone) {
  Dataset dataset = surface_of({{{0, 0, 0}, {9, 0, 0}, {0, 9, 0}}, {{0, 1, 2}}}, {9, 9, 1});
  dataset.segments = {99};
  EXPECT_EQ(make_thumbnail(dataset, std::nullopt, {}).error().code, ErrorCode::not_found);
  dataset.segments.clear();
  EXPECT_EQ(make_thumbnail(dataset, std::nullopt, {}).error().code, ErrorCode::not_found);
}

TEST(Thumbnail, ABlankOneIsAPicture) {
  const auto file = blank_thumbnail();
  ASSERT_TRUE(file);
  const Shown picture = shown(*file);
  EXPECT_EQ(picture.width(), 3 * 120 + 2 * 8);
  EXPECT_GT(picture.grey(0, 0), 0);
}

}  // namespace
}  // namespace ngforge
