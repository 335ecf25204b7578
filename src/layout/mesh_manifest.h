// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// A node of the octree of one level of detail.
struct MeshNode {
  std::array<std::uint32_t, 3> xyz{};
  std::uint32_t bytes = 0;  // of its fragment; 0: no surface, but children
  friend bool operator==(const MeshNode&, const MeshNode&) = default;
};
/// The order of nodes in a level: along a Z curve, x the least significant.
std::strong_ordering compare_z_order(const std::array<std::uint32_t, 3>& a, const std::array<std::uint32_t, 3>& b);

/// One level of detail of a mesh; level 0 is the finest.
struct MeshLevel {
  float scale = 0;  // spatial resolution, in stored units; 0: the level does not exist
  std::array<float, 3> vertex_offset{};
  std::vector<MeshNode> nodes;
  friend bool operator==(const MeshLevel&, const MeshLevel&) = default;
};

/// What says where the fragments of a multi-resolution mesh are (spec 3.2). Node (x, y, z) of level l is the box at
/// grid_origin + xyz * chunk_shape * 2^l, as long as chunk_shape * 2^l, in stored units. Fragments follow each other
/// in the order of levels and nodes.
struct MeshManifest {
  std::array<float, 3> chunk_shape{};
  std::array<float, 3> grid_origin{};
  std::vector<MeshLevel> levels;
  friend bool operator==(const MeshManifest&, const MeshManifest&) = default;

  /// Of all fragments.
  std::uint64_t fragment_bytes() const;
};

/// Encodes a manifest that check_manifest() finds nothing in.
Bytes encode_mesh_manifest(const MeshManifest& manifest);
/// The inverse: what the bytes say, as far as its parts are there and whole. Allocates about as much as the bytes are.
/// Errors: invalid_data (cut off, bytes left over, no level).
Result<MeshManifest> decode_mesh_manifest(std::span<const std::byte> bytes, std::string_view where);
/// The rules that a viewer counts on: sizes and scales are > 0 and finite, offsets finite, scales do not decrease,
/// nodes are in Z order without one twice, every node has its parent in the next level, there is a node. Errors:
/// invalid_data, with level and node.
Result<void> check_manifest(const MeshManifest& manifest, std::string_view where);

/// File of a multi-resolution mesh's manifest ("7.index") and of its fragments ("7"), where they are not in shards.
std::string multires_manifest_name(std::uint64_t label);
std::string multires_fragments_name(std::uint64_t label);

/// File of a single-resolution mesh's manifest: "7:0", or "7" where a web server shall say what ":0" is.
std::string legacy_manifest_name(std::uint64_t label, bool has_colon_suffix);
/// What its only fragment is called: "7:0:1", as cloud-volume names one, or "7.fragment".
std::string legacy_fragment_name(std::uint64_t label, bool has_colon_suffix);
/// The manifest: names of fragment files beside it.
std::string write_legacy_manifest(std::span<const std::string> fragments);
/// Errors: invalid_data (not {"fragments": [names]}).
Result<std::vector<std::string>> parse_legacy_manifest(std::string_view json, std::string_view where);

}  // namespace ngforge
