// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"

namespace ngforge {
namespace {

using Xyz = std::array<std::uint32_t, 3>;

// Two nodes of level 0 below one of level 1, which has no surface of its own.
MeshManifest two_levels() {
  return {{64, 64, 32},
          {-0.5f, 1, 2},
          {{1, {0, 0, 0}, {{{0, 0, 0}, 1000}, {{1, 0, 0}, 24}}}, {2, {0.5f, 0, 0}, {{{0, 0, 0}, 0}}}}};
}

TEST(MeshManifest, HasTheBytesOfTheSpecification) {
  const std::vector<std::uint32_t> expected{0x42800000, 0x42800000, 0x42000000,      // chunk_shape 64 64 32
                                            0xbf000000, 0x3f800000, 0x40000000,      // grid_origin -0.5 1 2
                                            2,                                       // num_lods
                                            0x3f800000, 0x40000000,                  // lod_scales 1 2
                                            0,          0,          0,               // vertex_offsets of level 0
                                            0x3f000000, 0,          0,               // of level 1: 0.5 0 0
                                            2,          1,                           // num_fragments_per_lod
                                            0,          1,                           // level 0: x
                                            0,          0,                           // y
                                            0,          0,                           // z
                                            1000,       24,                          // bytes
                                            0,          0,          0,          0};  // level 1: x, y, z, bytes
  const Bytes bytes = encode_mesh_manifest(two_levels());
  ASSERT_EQ(bytes.size(), 4 * expected.size());
  EXPECT_EQ(std::memcmp(bytes.data(), expected.data(), bytes.size()), 0);
  const auto again = decode_mesh_manifest(bytes, "test");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, two_levels());
  EXPECT_EQ(again->fragment_bytes(), 1024u);
  // Appendix A of the specification.
  EXPECT_EQ(encode_mesh_manifest({{1, 1, 1}, {}, {{1, {}, {{{0, 0, 0}, 1000}}}}}).size(), 64u);
}

TEST(MeshManifest, IsRefusedWhenItIsNotWhole) {
  Bytes bytes = encode_mesh_manifest(two_levels());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_mesh_manifest(std::span(bytes).first(size), "test").has_value()) << size;
  bytes.push_back(std::byte{0});
  EXPECT_EQ(decode_mesh_manifest(bytes, "m").error().message, "m: expected 116 bytes, found 1 more");
  const std::uint32_t many = 0xffffffff;
  std::memcpy(bytes.data() + 24, &many, 4);
  EXPECT_EQ(decode_mesh_manifest(bytes, "m").error().message,
            "m: expected 4294967295 levels of 20 bytes, found 89 bytes");
  std::memset(bytes.data() + 24, 0, 4);
  EXPECT_EQ(decode_mesh_manifest(bytes, "m").error().message, "m: expected at least one level, found none");
}

TEST(MeshManifest, BreaksNoRuleOfTheViewer) {
  EXPECT_TRUE(check_manifest(two_levels(), "m").has_value());
  const auto message = [](auto change) {
    MeshManifest manifest = two_levels();
    change(manifest);
    const auto checked = check_manifest(manifest, "m");
    return checked.has_value() ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message([](auto& m) { m.chunk_shape[1] = 0; }), "m: chunk_shape: expected lengths > 0, found 0");
  EXPECT_EQ(message([](auto& m) { m.levels[1].scale = 0.5f; }),
            "m: lod_scales[1]: expected a number > 0 that is not below 1, found 0.5");
  EXPECT_EQ(message([](auto& m) { m.levels[1].vertex_offset[2] = INFINITY; }),
            "m: vertex_offsets[1]: expected finite numbers, found inf");
  EXPECT_EQ(message([](auto& m) { std::swap(m.levels[0].nodes[0], m.levels[0].nodes[1]); }),
            "m: level 0: expected nodes in Z order, found (0, 0, 0) behind (1, 0, 0)");
  EXPECT_EQ(message([](auto& m) { m.levels[0].nodes[1] = m.levels[0].nodes[0]; }),
            "m: level 0: expected nodes in Z order, found (0, 0, 0) behind (0, 0, 0)");
  EXPECT_EQ(message([](auto& m) { m.levels[0].nodes[1].xyz[0] = 2; }),
            "m: level 1: expected the parent of node (2, 0, 0), found none");
  EXPECT_EQ(message([](auto& m) {
              for (auto& level : m.levels) level.nodes.clear();
            }),
            "m: expected at least one node, found none");
}

// The same order by interleaving bits, x the least significant.
RC_GTEST_PROP(MeshManifest, OrdersAsInterleavedBitsDo, ()) {
  const auto code = [](const Xyz& xyz) {
    std::uint64_t bits = 0;
    for (int i = 0; i < 20; ++i)
      for (std::size_t a = 0; a < 3; ++a) bits |= std::uint64_t{(xyz[a] >> i) & 1} << (3 * i + static_cast<int>(a));
    return bits;
  };
  const auto number = rc::gen::inRange<std::uint32_t>(0, 1 << 20);
  const Xyz a{*number, *number, *number}, b{*number, *number, *number};
  RC_ASSERT(compare_z_order(a, b) == (code(a) <=> code(b)));
  RC_ASSERT(std::is_eq(compare_z_order(a, a)));
}

TEST(LegacyManifest, IsAListOfNames) {
  EXPECT_EQ(legacy_manifest_name(7, true), "7:0");
  EXPECT_EQ(legacy_manifest_name(18446744073709551615u, false), "18446744073709551615");
  const std::vector<std::string> names{"7:0:a", "b"};
  EXPECT_EQ(write_legacy_manifest(names), "{\n \"fragments\": [\"7:0:a\", \"b\"]\n}\n");
  EXPECT_EQ(*parse_legacy_manifest(write_legacy_manifest(names), "m"), names);
  EXPECT_EQ(parse_legacy_manifest("[]", "m").error().message, "m: expected {\"fragments\": [names]}, found array");
  EXPECT_EQ(parse_legacy_manifest("{}", "m").error().message,
            "m: expected {\"fragments\": [names]}, found no such member");
  EXPECT_FALSE(parse_legacy_manifest(R"({"fragments": [1]})", "m").has_value());
}

TEST(MeshInfo, IsWrittenAndReadBack) {
  const MeshInfo info{MeshFormat::multires,
                      10,
                      {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 4},
                      0.5,
                      ShardingSpec{0, true, 2, 1, true, true},
                      "names",
                      1};
  EXPECT_EQ(*parse_mesh_info(write_mesh_info(info), "info"), info);
  MeshInfo legacy;
  legacy.format = MeshFormat::legacy;
  EXPECT_EQ(write_mesh_info(legacy), "{\n \"@type\": \"neuroglancer_legacy_mesh\"\n}\n");
  EXPECT_EQ(parse_mesh_info(R"({"@type": "neuroglancer_legacy_mesh"})", "info")->format, MeshFormat::legacy);
  legacy.mip = 2;
  EXPECT_EQ(write_mesh_info(legacy), "{\n \"@type\": \"neuroglancer_legacy_mesh\",\n \"mip\": 2\n}\n");
  EXPECT_EQ(*parse_mesh_info(write_mesh_info(legacy), "info"), legacy);
  // The viewer does not look at it.
  EXPECT_EQ(parse_mesh_info(R"({"@type": "neuroglancer_legacy_mesh", "mip": [4, 4]})", "info")->mip, std::nullopt);
  // An identity where there is no transform, as the viewer has it.
  const auto bare = parse_mesh_info(
      R"({"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 16, "lod_scale_multiplier": 1})", "info");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(*bare, MeshInfo{});
}

TEST(MeshInfo, SaysWhatIsWrong) {
  const auto message = [](const char* json) {
    const auto info = parse_mesh_info(json, "info");
    return info.has_value() ? std::string() : info.error().message;
  };
  EXPECT_EQ(message(R"({"@type": "neuroglancer_skeletons"})"),
            "info: @type: expected \"neuroglancer_multilod_draco\" or \"neuroglancer_legacy_mesh\", found "
            "\"neuroglancer_skeletons\"");
  EXPECT_EQ(message(R"({"@type": "neuroglancer_multilod_draco", "lod_scale_multiplier": 1})"),
            "info: expected a member \"vertex_quantization_bits\", found none");
  EXPECT_EQ(
      message(R"({"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 12, "lod_scale_multiplier": 1})"),
      "info: vertex_quantization_bits: expected 10 or 16, found 12");
  EXPECT_EQ(
      message(R"({"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 16, "lod_scale_multiplier": 0})"),
      "info: lod_scale_multiplier: expected a number > 0, found 0");
  EXPECT_EQ(message(R"({"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 16,
                        "lod_scale_multiplier": 1, "transform": [1, 2]})"),
            "info: transform: expected 12 numbers, found [1,2]");
}

}  // namespace
}  // namespace ngforge
