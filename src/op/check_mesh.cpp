// SPDX-License-Identifier: Apache-2.0
#include "op/check_mesh.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "codec/draco.h"
#include "codec/mesh_fragment.h"
#include "compress/gzip.h"

namespace ngforge {
namespace {

constexpr const char* kMeshAgain = "mesh again with ngforge mesh --overwrite, or restore the files from a copy";

// Of the triangles and vertices of one level.
struct Faults {
  std::uint64_t outside = 0, straddling = 0;
};

class OneMesh {
 public:
  OneMesh(const PrecomputedMeshes& meshes, std::uint64_t label, std::uint64_t memory_bytes, FindingList& findings,
          MeshNames& names)
      : meshes_(meshes),
        label_(label),
        // Draco takes several times what it makes; a plain fragment is there as stored, unpacked and decoded.
        mesh_bytes_(memory_bytes / 8),
        findings_(findings),
        names_(names) {}

  Result<MeshState> run() {
    const bool is_legacy = meshes_.info().format == MeshFormat::legacy;
    auto checked = is_legacy ? check_legacy() : check_multires();
    if (!checked && ends_check(checked.error())) return std::move(checked).error();
    return state_;
  }

 private:
  void find(FindingCode code, std::string where, std::string message) {
    findings_.add(FindingList::kDataset, code, std::move(where), std::move(message), kMeshAgain);
  }

  // What reading failed for. `code`: when that is what was read.
  Result<void> tell(const Error& error, FindingCode code, const std::string& where) {
    if (ends_check(error)) return error;
    if (error.code == ErrorCode::limit)
      state_ = MeshState::too_large;
    else
      find(is_unreadable(error) ? FindingCode::unreadable_file : code, where,
           error.message + ": the viewer does not show the mesh, or not all of it");
    return {};
  }

  Result<void> check_legacy() {
    const std::string where = meshes_.key(legacy_manifest_name(label_, true));
    const auto names = meshes_.legacy_fragments(label_);
    if (!names && names.error().code == ErrorCode::not_found) {
      state_ = MeshState::absent;
      return {};
    }
    if (!names) {
      state_ = MeshState::unread;
      return tell(names.error(), FindingCode::bad_manifest, where);
    }
    names_.add_fragments(*names);
    if (names->empty()) {
      state_ = MeshState::unread;
      find(FindingCode::bad_manifest, where, "expected fragments, found none: the viewer shows no mesh");
      return {};
    }
    for (const std::string& name : *names) NGFORGE_CHECK(check_legacy_fragment(name, where));
    return {};
  }

  Result<void> check_legacy_fragment(const std::string& name, const std::string& manifest) {
    const std::string where = meshes_.key(name);
    const auto bytes = meshes_.read_legacy_bytes(name, mesh_bytes_);
    if (!bytes && bytes.error().code == ErrorCode::invalid_data) {
      state_ = MeshState::unread;
      return tell(bytes.error(), FindingCode::bad_manifest, manifest);
    }
    if (!bytes && bytes.error().code == ErrorCode::not_found) return tell_missing_fragments(bytes.error(), where);
    if (!bytes) return tell(bytes.error(), FindingCode::undecodable_fragment, where);
    if (looks_like_draco(*bytes)) {
      find(FindingCode::undecodable_fragment, where,
           "expected a plain fragment, found Draco: neither the viewer nor cloud-volume shows it");
      return {};
    }
    const auto mesh = decode_mesh_fragment(*bytes, meshes_.where(name));
    if (mesh) return {};
    if (gunzip(*bytes, name, mesh_bytes_))
      find(FindingCode::unnamed_gzip, where,
           "expected a fragment as it is, found it in gzip that neither its name nor the server tells: the viewer does "
           "not show it");
    else
      find(FindingCode::undecodable_fragment, where, mesh.error().message + ": the viewer does not show it");
    return {};
  }

  Result<void> tell_missing_fragments(const Error& error, const std::string& where) {
    find(FindingCode::missing_fragment, where,
         error.message +
             ": expected what the manifest names, found none: the viewer shows a part of the mesh or "
             "nothing");
    return {};
  }

  Result<void> check_multires() {
    const std::string manifest = manifest_place();
    const auto mesh = meshes_.find_multires(label_);
    if (!mesh && mesh.error().code == ErrorCode::not_found) {
      state_ = MeshState::absent;
      return {};
    }
    if (!mesh) return tell(mesh.error(), FindingCode::bad_manifest, manifest);
    if (const auto checked = check_manifest(mesh->manifest, manifest); !checked)
      return tell(checked.error(), FindingCode::bad_manifest, manifest);
    if (mesh->manifest.fragment_bytes() == 0) {
      find(FindingCode::bad_manifest, manifest, "expected fragments, found none: the viewer shows no mesh");
      return {};
    }
    if (meshes_.shards() == nullptr) {
      NGFORGE_TRY(const bool fits, check_file(*mesh));
      if (!fits) return {};
    }
    std::uint64_t offset = 0;
    for (std::size_t level = 0; level < mesh->manifest.levels.size(); ++level)
      NGFORGE_CHECK(check_level(*mesh, level, offset));
    return {};
  }

  std::string manifest_place() const {
    if (meshes_.shards() == nullptr) return meshes_.key(multires_manifest_name(label_));
    const std::uint64_t shard = shard_place(meshes_.shards()->spec(), label_).shard;
    return fmt::format("{}: key {}", meshes_.shards()->shard_key(shard), label_);
  }

  // Whether the file of fragments is as long as the manifest says.
  Result<bool> check_file(const MultiresMesh& mesh) {
    const auto stored = meshes_.store()->stat(mesh.key);
    if (!stored && stored.error().code == ErrorCode::not_found) {
      NGFORGE_CHECK(tell_missing_fragments(stored.error(), mesh.key));
      return false;
    }
    if (!stored) {
      NGFORGE_CHECK(tell(stored.error(), FindingCode::missing_fragment, mesh.key));
      return false;
    }
    const std::uint64_t expected = mesh.manifest.fragment_bytes();
    if (!stored->content_encoding.empty())
      find(FindingCode::wrong_fragments, mesh.key,
           fmt::format("expected {} bytes of fragments as they are, found them in {}: the viewer asks for parts of the "
                       "file",
                       expected, stored->content_encoding));
    else if (stored->size != expected)
      find(FindingCode::wrong_fragments, mesh.key,
           fmt::format("expected {} bytes as the manifest says, found {}: the viewer shows a part of the mesh or "
                       "nothing",
                       expected, stored->size));
    else
      return true;
    return false;
  }

  // `offset`: of the level's fragments from the first; moved behind them.
  Result<void> check_level(const MultiresMesh& mesh, std::size_t level, std::uint64_t& offset) {
    const auto& nodes = mesh.manifest.levels[level].nodes;
    Faults faults;
    for (std::size_t first = 0, end = 0; first < nodes.size(); first = end) {
      // As many fragments at once as fit, since each request takes its time.
      std::uint64_t bytes = 0;
      while (end < nodes.size() && (end == first || bytes + nodes[end].bytes <= mesh_bytes_))
        bytes += nodes[end++].bytes;
      const std::uint64_t begin = offset;
      offset += bytes;
      if (bytes > mesh_bytes_) state_ = MeshState::too_large;
      if (bytes > mesh_bytes_ || bytes == 0) continue;
      const auto read = meshes_.read_fragment_bytes(mesh, {begin, bytes});
      if (!read) return tell(read.error(), FindingCode::wrong_fragments, mesh.key);
      std::span<const std::byte> rest = *read;
      for (std::size_t i = first; i < end; ++i) {
        NGFORGE_CHECK(check_fragment(rest.first(nodes[i].bytes), level, nodes[i], faults));
        rest = rest.subspan(nodes[i].bytes);
      }
    }
    const std::string where = fmt::format("{}: level {}", manifest_place(), level);
    if (faults.outside > 0)
      find(FindingCode::vertex_range, where,
           fmt::format("expected positions of {} bits, found {} others: the viewer shows spikes",
                       meshes_.info().vertex_quantization_bits, faults.outside));
    if (faults.straddling > 0)
      find(
          FindingCode::straddling_triangle, where,
          fmt::format("expected triangles that do not cross the mid-planes of their node, found {} that do: the viewer "
                      "shows them where finer ones are shown too, or leaves them out",
                      faults.straddling));
    return {};
  }

  Result<void> check_fragment(std::span<const std::byte> bytes, std::size_t level, const MeshNode& node,
                              Faults& faults) {
    if (bytes.empty()) return {};
    const std::string where =
        fmt::format("{}: level {}: node ({}, {}, {})", manifest_place(), level, node.xyz[0], node.xyz[1], node.xyz[2]);
    const auto mesh = decode_quantized_draco(bytes, where, mesh_bytes_);
    if (!mesh) return tell(mesh.error(), FindingCode::undecodable_fragment, where);
    const std::int32_t end = std::int32_t{1} << meshes_.info().vertex_quantization_bits, middle = end / 2;
    for (const auto& position : mesh->positions)
      if (std::ranges::any_of(position, [&](std::int32_t value) { return value < 0 || value >= end; }))
        ++faults.outside;
    if (level == 0) return {};
    for (const auto& triangle : mesh->triangles)
      for (std::size_t a = 0; a < 3; ++a) {
        const auto [low, high] = std::minmax(
            {mesh->positions[triangle[0]][a], mesh->positions[triangle[1]][a], mesh->positions[triangle[2]][a]});
        if (low >= middle || high <= middle) continue;
        ++faults.straddling;
        break;
      }
    return {};
  }

  const PrecomputedMeshes& meshes_;
  const std::uint64_t label_, mesh_bytes_;
  FindingList& findings_;
  MeshNames& names_;
  MeshState state_ = MeshState::checked;
};

}  // namespace

bool ends_check(const Error& error) {
  return error.code == ErrorCode::internal || error.code == ErrorCode::cancelled;
}

bool is_unreadable(const Error& error) {
  return error.code == ErrorCode::io || error.code == ErrorCode::permission || error.code == ErrorCode::unavailable;
}

Result<MeshState> check_mesh(const PrecomputedMeshes& meshes, std::uint64_t label, std::uint64_t memory_bytes,
                             FindingList& findings, MeshNames& names) {
  return OneMesh(meshes, label, memory_bytes, findings, names).run();
}

}  // namespace ngforge
