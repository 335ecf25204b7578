// SPDX-License-Identifier: Apache-2.0
// Meshes of a precomputed dataset (precomputed specification, section 3).
#include "source/precomputed_meshes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "codec/draco.h"
#include "codec/mesh_fragment.h"
#include "compress/gzip.h"
#include "core/affine.h"
#include "core/saturated.h"
#include "store/store.h"
#include "store/viewer_names.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 26;
// Four million nodes: a manifest is read before anything of the mesh is.
constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 26;
constexpr std::size_t kIndexCacheBytes = std::size_t{4} << 20;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t bytes_of(const Mesh& mesh) {
  return 12 * (std::uint64_t{mesh.positions.size()} + mesh.triangles.size());
}

bool looks_like_gzip(const Bytes& bytes) {
  return bytes.size() > 18 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b} && bytes[2] == std::byte{8};
}

Affine affine_of(const std::array<double, 12>& rows) {
  Affine affine;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 4; ++j) affine.m[i][j] = rows[4 * i + j];
  return affine;
}

bool mirrors(const Affine& affine) {
  const auto& m = affine.m;
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
             m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]) <
         0;
}

// Where the integer positions of the nodes of a level are, in nm. Equal on both sides of a face between two nodes.
class Dequantizer {
 public:
  Dequantizer(const MeshInfo& info, const MeshManifest& manifest, std::size_t level)
      : to_nm_(affine_of(info.transform)),
        manifest_(manifest),
        level_(level),
        steps_(std::ldexp(1.0, info.vertex_quantization_bits) - 1),
        side_(std::ldexp(1.0, static_cast<int>(std::min<std::size_t>(level, 64)))),
        mirrors_(mirrors(to_nm_)) {}

  Mesh operator()(QuantizedMesh stored, const std::array<std::uint32_t, 3>& node) const {
    Mesh mesh;
    mesh.triangles = std::move(stored.triangles);
    if (mirrors_)
      for (auto& triangle : mesh.triangles) std::swap(triangle[1], triangle[2]);
    mesh.positions.reserve(stored.positions.size());
    const MeshLevel& level = manifest_.levels[level_];
    for (const auto& position : stored.positions) {
      std::array<double, 3> point{};
      for (std::size_t a = 0; a < 3; ++a)
        point[a] = double{manifest_.grid_origin[a]} + double{level.vertex_offset[a]} +
                   manifest_.chunk_shape[a] * side_ * (node[a] + position[a] / steps_);
      point = transform_point(to_nm_, point);
      mesh.positions.push_back(
          {static_cast<float>(point[0]), static_cast<float>(point[1]), static_cast<float>(point[2])});
    }
    return mesh;
  }

 private:
  const Affine to_nm_;
  const MeshManifest& manifest_;
  const std::size_t level_;
  const double steps_, side_;
  const bool mirrors_;
};

struct Corner {
  std::array<float, 3> position;
  std::uint32_t part, index;  // `index`: in all parts
  friend auto operator<=>(const Corner& a, const Corner& b) {
    return std::tie(a.position, a.part, a.index) <=> std::tie(b.position, b.part, b.index);
  }
};

// For each vertex of all parts the one that stands for it.
std::vector<std::uint32_t> representatives(std::span<const Mesh> parts) {
  std::vector<Corner> corners;
  std::uint32_t count = 0;
  for (std::uint32_t p = 0; p < parts.size(); ++p)
    for (const auto& [x, y, z] : parts[p].positions) corners.push_back({{x + 0.0f, y + 0.0f, z + 0.0f}, p, count++});
  std::ranges::sort(corners, [](const Corner& a, const Corner& b) { return (a <=> b) < 0; });
  std::vector<std::uint32_t> chosen(count), here;
  std::size_t nth = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const bool is_same_place = i > 0 && corners[i].position == corners[i - 1].position;
    if (!is_same_place) here.clear();
    nth = is_same_place && corners[i].part == corners[i - 1].part ? nth + 1 : 0;
    if (nth == here.size()) here.push_back(corners[i].index);
    chosen[corners[i].index] = here[nth];
  }
  return chosen;
}

}  // namespace

std::string linked_folder(std::string_view path) {
  std::string folder;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part == "..") return {};
    if (!part.empty() && part != ".") folder += fmt::format("{}{}", folder.empty() ? "" : "/", part);
  }
  return folder;
}

Mesh join_meshes(std::span<const Mesh> parts) {
  const std::vector<std::uint32_t> chosen = representatives(parts);
  std::vector<std::uint32_t> number(chosen.size());  // of a vertex that stands for itself, in the joined mesh
  Mesh joined;
  std::uint32_t first = 0;
  for (const Mesh& part : parts) {
    for (std::uint32_t i = 0; i < part.positions.size(); ++i)
      if (chosen[first + i] == first + i) {
        number[first + i] = static_cast<std::uint32_t>(joined.positions.size());
        joined.positions.push_back(part.positions[i]);
      }
    first += static_cast<std::uint32_t>(part.positions.size());
  }
  first = 0;
  for (const Mesh& part : parts) {
    for (auto triangle : part.triangles) {
      for (std::uint32_t& corner : triangle) corner = number[chosen[first + corner]];
      joined.triangles.push_back(triangle);
    }
    first += static_cast<std::uint32_t>(part.positions.size());
  }
  return joined;
}

Affine PrecomputedMeshes::to_nm() const {
  return affine_of(info_.transform);
}

Result<std::unique_ptr<PrecomputedMeshes>> PrecomputedMeshes::open(std::shared_ptr<Store> store,
                                                                   const std::string& folder) {
  std::unique_ptr<PrecomputedMeshes> meshes(new PrecomputedMeshes);
  meshes->store_ = std::move(store);
  meshes->prefix_ = folder.empty() ? "" : folder + "/";
  auto read = meshes->read_info();
  if (!read) return std::move(read).error().of_source();
  return meshes;
}

Result<void> PrecomputedMeshes::read_info() {
  const auto bytes = get_decoded(*store_, key("info"), kMaxJsonBytes);
  if (!bytes && (bytes.error().code != ErrorCode::not_found || prefix_.empty())) return bytes.error();
  has_info_ = bytes.has_value();
  if (!has_info_) {
    info_.format = MeshFormat::legacy;
    return {};
  }
  NGFORGE_TRY(info_, parse_mesh_info(text_of(*bytes), where("info")));
  if (info_.sharding) shards_ = std::make_unique<ShardedReader>(store_, prefix_, *info_.sharding, kIndexCacheBytes);
  return {};
}

Result<Mesh> PrecomputedMeshes::read(std::uint64_t label, int level, std::uint64_t limit_bytes) const {
  auto mesh = [&]() -> Result<Mesh> {
    if (level < 0 || (level > 0 && info_.format == MeshFormat::legacy))
      return make_error(ErrorCode::not_found, "{}: mesh {}: expected level 0, found level {} asked for", where(""),
                        label, level);
    if (info_.format == MeshFormat::legacy) return read_legacy(label, limit_bytes);
    return read_multires(label, static_cast<std::size_t>(level), limit_bytes);
  }();
  if (!mesh) return std::move(mesh).error().of_source();
  return mesh;
}

Result<std::vector<std::string>> PrecomputedMeshes::legacy_fragments(std::uint64_t label) const {
  std::vector<std::string> names{key(legacy_manifest_name(label, true))};
  std::ranges::move(other_names(names.front()), std::back_inserter(names));
  for (const std::string& name : names) {
    const auto bytes = get_decoded(*store_, name, kMaxManifestBytes);
    if (bytes) return parse_legacy_manifest(text_of(*bytes), fmt::format("{}/{}", store_->describe(), name));
    if (bytes.error().code != ErrorCode::not_found) return bytes.error();
  }
  return make_error(ErrorCode::not_found, "{}: expected a mesh of label {}, found no manifest \"{}\" or \"{}\"",
                    where(""), label, legacy_manifest_name(label, true), legacy_manifest_name(label, false));
}

Result<Bytes> PrecomputedMeshes::read_legacy_bytes(const std::string& name, std::uint64_t limit_bytes) const {
  if (!is_valid_key(key(name)))
    return make_error(ErrorCode::invalid_data, "{}: expected names of files in this folder as fragments, found \"{}\"",
                      where(""), name);
  auto bytes = get_decoded(*store_, key(name), plus(limit_bytes, 4));
  if (bytes || bytes.error().code != ErrorCode::not_found) return bytes;
  for (const auto& [suffix, packing] : {std::pair(".br", "Brotli"), std::pair(".zstd", "Zstandard")})
    if (store_->stat(key(name) + suffix))
      return make_error(ErrorCode::unsupported, "{}: expected a fragment as it is or in gzip, found it in {}",
                        where(name + suffix), packing)
          .with_hint("unpack such files, so that they lose that suffix");
  return bytes;
}

Result<Mesh> PrecomputedMeshes::read_legacy_fragment(const std::string& name, std::uint64_t limit_bytes) const {
  auto bytes = read_legacy_bytes(name, limit_bytes);
  if (!bytes) return std::move(bytes).error();
  if (looks_like_draco(*bytes)) return decode_draco(*bytes, where(name), limit_bytes);
  auto mesh = decode_mesh_fragment(*bytes, where(name));
  if (mesh || !looks_like_gzip(*bytes)) return mesh;
  NGFORGE_TRY(bytes, gunzip(*bytes, where(name), plus(limit_bytes, 4)));
  if (looks_like_draco(*bytes)) return decode_draco(*bytes, where(name), limit_bytes);
  return decode_mesh_fragment(*bytes, where(name));
}

Result<Mesh> PrecomputedMeshes::read_legacy(std::uint64_t label, std::uint64_t limit_bytes) const {
  NGFORGE_TRY(const auto names, legacy_fragments(label));
  std::vector<Mesh> parts;
  for (const std::string& name : names) {
    NGFORGE_TRY(parts.emplace_back(), read_legacy_fragment(name, limit_bytes));
    limit_bytes -= std::min(limit_bytes, bytes_of(parts.back()));
  }
  return join_meshes(parts);
}

Result<MultiresMesh> PrecomputedMeshes::find_multires(std::uint64_t label) const {
  MultiresMesh mesh;
  if (!shards_) {
    const std::string name = multires_manifest_name(label);
    const auto bytes = get_decoded(*store_, key(name), kMaxManifestBytes);
    if (!bytes && bytes.error().code == ErrorCode::not_found)
      return make_error(ErrorCode::not_found, "{}: expected a mesh of label {}, found no manifest \"{}\"", where(""),
                        label, name);
    if (!bytes) return bytes.error();
    NGFORGE_TRY(mesh.manifest, decode_mesh_manifest(*bytes, where(name)));
    mesh.key = key(multires_fragments_name(label));
    return mesh;
  }
  const std::uint64_t shard = shard_place(shards_->spec(), label).shard;
  const auto entry = shards_->find(label);
  if (!entry && entry.error().code == ErrorCode::not_found)
    return make_error(ErrorCode::not_found, "{}: expected a mesh of label {}, found none in {}", where(""), label,
                      shards_->shard_key(shard));
  if (!entry) return entry.error();
  NGFORGE_TRY(const Bytes bytes, shards_->read(shard, *entry, kMaxManifestBytes));
  mesh.key = shards_->shard_key(shard);
  const std::string place = fmt::format("{}/{}: key {}", store_->describe(), mesh.key, label);
  NGFORGE_TRY(mesh.manifest, decode_mesh_manifest(bytes, place));
  const std::uint64_t fragments = mesh.manifest.fragment_bytes();
  if (fragments > entry->offset)
    return make_error(ErrorCode::invalid_data, "{}: expected fragments of {} bytes in front of it, found {} bytes",
                      place, fragments, entry->offset);
  mesh.begin = shard_index_bytes(shards_->spec()) + entry->offset - fragments;
  return mesh;
}

Result<Bytes> PrecomputedMeshes::read_fragments(const MultiresMesh& mesh, std::size_t level,
                                                std::uint64_t limit_bytes) const {
  ByteRange range;
  for (std::size_t l = 0; l <= level; ++l) {
    range.offset += range.length;
    range.length = 0;
    for (const MeshNode& node : mesh.manifest.levels[l].nodes) range.length += node.bytes;
  }
  if (range.length > limit_bytes)
    return make_error(ErrorCode::limit, "{}/{}: level {}: expected fragments of at most {} bytes, found {}",
                      store_->describe(), mesh.key, level, limit_bytes, range.length);
  return read_fragment_bytes(mesh, range);
}

Result<Bytes> PrecomputedMeshes::read_fragment_bytes(const MultiresMesh& mesh, ByteRange range) const {
  if (range.length == 0) return Bytes();
  auto bytes = store_->get_range(mesh.key, {mesh.begin + range.offset, range.length});
  // The range came from a manifest.
  if (!bytes && bytes.error().code == ErrorCode::invalid_argument)
    return make_error(ErrorCode::invalid_data, "{}", bytes.error().message);
  return bytes;
}

Result<Mesh> PrecomputedMeshes::read_multires(std::uint64_t label, std::size_t level, std::uint64_t limit_bytes) const {
  NGFORGE_TRY(const MultiresMesh mesh, find_multires(label));
  const auto& levels = mesh.manifest.levels;
  if (level >= levels.size() || levels[level].nodes.empty())
    return make_error(ErrorCode::not_found, "{}/{}: mesh {}: expected a level below {} that has fragments, found {}",
                      store_->describe(), mesh.key, label, levels.size(), level);
  NGFORGE_TRY(const Bytes bytes, read_fragments(mesh, level, limit_bytes));
  const Dequantizer dequantize(info_, mesh.manifest, level);
  std::vector<Mesh> parts;
  std::span<const std::byte> rest = bytes;
  for (const MeshNode& node : levels[level].nodes) {
    const std::span<const std::byte> fragment = rest.first(node.bytes);
    rest = rest.subspan(node.bytes);
    if (fragment.empty()) continue;
    const std::string place = fmt::format("{}/{}: mesh {}: level {}: node ({}, {}, {})", store_->describe(), mesh.key,
                                          label, level, node.xyz[0], node.xyz[1], node.xyz[2]);
    NGFORGE_TRY(QuantizedMesh stored, decode_quantized_draco(fragment, place, limit_bytes));
    parts.push_back(dequantize(std::move(stored), node.xyz));
    limit_bytes -= std::min(limit_bytes, bytes_of(parts.back()));
  }
  return join_meshes(parts);
}

}  // namespace ngforge
