// SPDX-License-Identifier: Apache-2.0
// Manifests of meshes (precomputed specification, section 3). Multi-resolution, little-endian:
//   f32 chunk_shape[3], f32 grid_origin[3], u32 num_lods, f32 lod_scales[num_lods], f32 vertex_offsets[num_lods][3],
//   u32 num_fragments[num_lods], then for each level: u32 x[n], u32 y[n], u32 z[n], u32 bytes[n]
// Single-resolution: {"fragments": [names]}.
#include "layout/mesh_manifest.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/byte_cursor.h"
#include "core/json.h"

namespace ngforge {
namespace {

constexpr std::size_t kHeadBytes = 28, kLevelBytes = 20, kNodeBytes = 16;

class Writer {
 public:
  explicit Writer(std::size_t size) : bytes_(size) {}
  template <class T>
  void put(T value) {
    store(bytes_.data() + at_, value);
    at_ += sizeof(T);
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

Result<void> read_three(ByteCursor& cursor, std::array<float, 3>& values) {
  for (float& value : values) {
    NGFORGE_TRY(value, cursor.read<float>());
  }
  return {};
}

std::string text_of(const std::array<std::uint32_t, 3>& xyz) {
  return fmt::format("({}, {}, {})", xyz[0], xyz[1], xyz[2]);
}

bool has_node(const MeshLevel& level, const std::array<std::uint32_t, 3>& xyz) {
  const auto found = std::ranges::lower_bound(
      level.nodes, xyz, [](const auto& a, const auto& b) { return compare_z_order(a, b) < 0; }, &MeshNode::xyz);
  return found != level.nodes.end() && found->xyz == xyz;
}

}  // namespace

std::strong_ordering compare_z_order(const std::array<std::uint32_t, 3>& a, const std::array<std::uint32_t, 3>& b) {
  std::size_t axis = 2;
  std::uint32_t most = a[2] ^ b[2];
  for (const std::size_t i : {std::size_t{1}, std::size_t{0}})
    if (const std::uint32_t different = a[i] ^ b[i]; std::bit_width(different) > std::bit_width(most)) {
      most = different;
      axis = i;
    }
  return a[axis] <=> b[axis];
}

std::uint64_t MeshManifest::fragment_bytes() const {
  std::uint64_t bytes = 0;
  for (const MeshLevel& level : levels)
    for (const MeshNode& node : level.nodes) bytes += node.bytes;
  return bytes;
}

Bytes encode_mesh_manifest(const MeshManifest& manifest) {
  std::size_t size = kHeadBytes;
  for (const MeshLevel& level : manifest.levels) size += kLevelBytes + kNodeBytes * level.nodes.size();
  Writer writer(size);
  for (const float length : manifest.chunk_shape) writer.put(length);
  for (const float place : manifest.grid_origin) writer.put(place);
  writer.put(static_cast<std::uint32_t>(manifest.levels.size()));
  for (const MeshLevel& level : manifest.levels) writer.put(level.scale);
  for (const MeshLevel& level : manifest.levels)
    for (const float offset : level.vertex_offset) writer.put(offset);
  for (const MeshLevel& level : manifest.levels) writer.put(static_cast<std::uint32_t>(level.nodes.size()));
  for (const MeshLevel& level : manifest.levels) {
    for (std::size_t a = 0; a < 3; ++a)
      for (const MeshNode& node : level.nodes) writer.put(node.xyz[a]);
    for (const MeshNode& node : level.nodes) writer.put(node.bytes);
  }
  return writer.take();
}

Result<MeshManifest> decode_mesh_manifest(std::span<const std::byte> bytes, std::string_view where) {
  ByteCursor cursor(bytes, where);
  MeshManifest manifest;
  NGFORGE_CHECK(read_three(cursor, manifest.chunk_shape));
  NGFORGE_CHECK(read_three(cursor, manifest.grid_origin));
  NGFORGE_TRY(const auto levels, cursor.read<std::uint32_t>());
  if (levels == 0) return make_error(ErrorCode::invalid_data, "{}: expected at least one level, found none", where);
  if (levels > cursor.remaining() / kLevelBytes)
    return make_error(ErrorCode::invalid_data, "{}: expected {} levels of {} bytes, found {} bytes", where, levels,
                      kLevelBytes, cursor.remaining());
  manifest.levels.resize(levels);
  for (MeshLevel& level : manifest.levels) {
    NGFORGE_TRY(level.scale, cursor.read<float>());
  }
  for (MeshLevel& level : manifest.levels) NGFORGE_CHECK(read_three(cursor, level.vertex_offset));
  std::vector<std::uint32_t> counts(levels);
  for (std::uint32_t& count : counts) {
    NGFORGE_TRY(count, cursor.read<std::uint32_t>());
  }
  for (std::size_t l = 0; l < levels; ++l) {
    if (counts[l] > cursor.remaining() / kNodeBytes)
      return make_error(ErrorCode::invalid_data, "{}: level {}: expected {} nodes of {} bytes, found {} bytes", where,
                        l, counts[l], kNodeBytes, cursor.remaining());
    auto& nodes = manifest.levels[l].nodes;
    nodes.resize(counts[l]);
    for (std::size_t a = 0; a < 3; ++a)
      for (MeshNode& node : nodes) {
        NGFORGE_TRY(node.xyz[a], cursor.read<std::uint32_t>());
      }
    for (MeshNode& node : nodes) {
      NGFORGE_TRY(node.bytes, cursor.read<std::uint32_t>());
    }
  }
  if (cursor.remaining() != 0)
    return make_error(ErrorCode::invalid_data, "{}: expected {} bytes, found {} more", where, cursor.position(),
                      cursor.remaining());
  return manifest;
}

Result<void> check_manifest(const MeshManifest& manifest, std::string_view where) {
  for (const float length : manifest.chunk_shape)
    if (!(length > 0) || !std::isfinite(length))
      return make_error(ErrorCode::invalid_data, "{}: chunk_shape: expected lengths > 0, found {}", where, length);
  for (const float place : manifest.grid_origin)
    if (!std::isfinite(place))
      return make_error(ErrorCode::invalid_data, "{}: grid_origin: expected finite numbers, found {}", where, place);
  float scale = 0;
  std::size_t nodes = 0;
  for (std::size_t l = 0; l < manifest.levels.size(); ++l) {
    const MeshLevel& level = manifest.levels[l];
    nodes += level.nodes.size();
    if (level.scale == 0 && level.nodes.empty()) continue;
    if (!(level.scale > 0) || !std::isfinite(level.scale) || level.scale < scale)
      return make_error(ErrorCode::invalid_data,
                        "{}: lod_scales[{}]: expected a number > 0 that is not below {}, found {}", where, l, scale,
                        level.scale);
    scale = level.scale;
    for (const float offset : level.vertex_offset)
      if (!std::isfinite(offset))
        return make_error(ErrorCode::invalid_data, "{}: vertex_offsets[{}]: expected finite numbers, found {}", where,
                          l, offset);
    for (std::size_t i = 1; i < level.nodes.size(); ++i)
      if (compare_z_order(level.nodes[i - 1].xyz, level.nodes[i].xyz) >= 0)
        return make_error(ErrorCode::invalid_data, "{}: level {}: expected nodes in Z order, found {} behind {}", where,
                          l, text_of(level.nodes[i].xyz), text_of(level.nodes[i - 1].xyz));
    if (l + 1 == manifest.levels.size() || manifest.levels[l + 1].scale == 0) continue;
    for (const MeshNode& node : level.nodes)
      if (!has_node(manifest.levels[l + 1], {node.xyz[0] >> 1, node.xyz[1] >> 1, node.xyz[2] >> 1}))
        return make_error(ErrorCode::invalid_data, "{}: level {}: expected the parent of node {}, found none", where,
                          l + 1, text_of(node.xyz));
  }
  if (nodes == 0) return make_error(ErrorCode::invalid_data, "{}: expected at least one node, found none", where);
  return {};
}

std::string multires_manifest_name(std::uint64_t label) {
  return fmt::format("{}.index", label);
}
std::string multires_fragments_name(std::uint64_t label) {
  return fmt::format("{}", label);
}
std::string legacy_manifest_name(std::uint64_t label, bool has_colon_suffix) {
  return fmt::format("{}{}", label, has_colon_suffix ? ":0" : "");
}
std::string legacy_fragment_name(std::uint64_t label, bool has_colon_suffix) {
  return fmt::format("{}{}", label, has_colon_suffix ? ":0:1" : ".fragment");
}

std::string write_legacy_manifest(std::span<const std::string> fragments) {
  Json json;
  json["fragments"] = fragments;
  return dump_json(json);
}

Result<std::vector<std::string>> parse_legacy_manifest(std::string_view text, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  const auto found = json.is_object() ? json.find("fragments") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_array())
    return make_error(ErrorCode::invalid_data, "{}: expected {{\"fragments\": [names]}}, found {}", where,
                      json.is_object() ? "no such member" : json.type_name());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < found->size(); ++i) {
    NGFORGE_TRY(names.emplace_back(), json_string(found->at(i), fmt::format("{}: fragments[{}]", where, i)));
  }
  return names;
}

}  // namespace ngforge
