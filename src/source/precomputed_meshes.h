// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/mesh.h"
#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"
#include "store/sharded.h"

namespace ngforge {

/// A multi-resolution mesh: its manifest, and where its fragments begin.
struct MultiresMesh {
  MeshManifest manifest;
  std::string key;  // of the file
  std::uint64_t begin = 0;
};

/// The meshes of a segmentation that are open for reading (spec 3): multi-resolution ones, in shards or in two files
/// each, and single-resolution ones, whose fragments may be gzip or Draco, as igneous writes them. Safe to use from
/// any number of threads. Every error has concerns_source.
class PrecomputedMeshes {
 public:
  /// `folder`: key of their folder in the store; "" is its root. Without an `info` they are single-resolution ones, as
  /// the viewer takes it (only where a volume names the folder).
  /// Errors: those of the store and of parse_mesh_info(); limit.
  static Result<std::unique_ptr<PrecomputedMeshes>> open(std::shared_ptr<Store> store, const std::string& folder);

  const MeshInfo& info() const { return info_; }
  bool has_info() const { return has_info_; }
  /// The `transform` of `info`.
  Affine to_nm() const;
  /// Key of a name in the folder; a place for messages.
  std::string key(const std::string& name) const { return prefix_ + name; }
  std::string where(const std::string& name) const { return store_->describe() + "/" + key(name); }
  const std::shared_ptr<Store>& store() const { return store_; }
  /// Of multi-resolution meshes in shards; else null.
  ShardedReader* shards() const { return shards_.get(); }

  /// All that is stored of a label down to a level, 0 being the finest: nm in the dataset's frame, before
  /// transform.json. Fragments are joined where vertices of several have equal positions; the vertices of one fragment
  /// stay apart. Single-resolution meshes have level 0 only. Takes about four times `limit_bytes` of memory at most.
  /// Errors: not_found (no such label or level), invalid_data, unsupported, limit (positions and triangles of more than
  /// `limit_bytes`, found before they are allocated), those of the store.
  Result<Mesh> read(std::uint64_t label, int level, std::uint64_t limit_bytes) const;

  /// The parts that read() is made of, for those who look at each.
  /// Names of the fragments of a single-resolution mesh.
  Result<std::vector<std::string>> legacy_fragments(std::uint64_t label) const;
  /// A fragment's bytes with the encoding that its name or the server tells undone. Errors: unsupported (Brotli and
  /// Zstandard, as cloud-volume and igneous name them).
  Result<Bytes> read_legacy_bytes(const std::string& name, std::uint64_t limit_bytes) const;
  Result<MultiresMesh> find_multires(std::uint64_t label) const;
  /// A part of the fragments, counted from `mesh.begin`.
  Result<Bytes> read_fragment_bytes(const MultiresMesh& mesh, ByteRange range) const;

 private:
  PrecomputedMeshes() = default;
  Result<void> read_info();
  Result<Mesh> read_legacy(std::uint64_t label, std::uint64_t limit_bytes) const;
  Result<Mesh> read_legacy_fragment(const std::string& name, std::uint64_t limit_bytes) const;
  Result<Bytes> read_fragments(const MultiresMesh& mesh, std::size_t level, std::uint64_t limit_bytes) const;
  Result<Mesh> read_multires(std::uint64_t label, std::size_t level, std::uint64_t limit_bytes) const;

  std::shared_ptr<Store> store_;
  std::string prefix_;  // "" or "folder/"
  MeshInfo info_;
  bool has_info_ = false;
  std::unique_ptr<ShardedReader> shards_;
};

/// The key of the folder that a member of `info` names, as the viewer resolves it: parts that are empty or "." are
/// skipped. "" when it names none, or one outside of the dataset.
std::string linked_folder(std::string_view path);

/// Joins meshes: vertices of several at equal positions become one, the n-th of each part with the n-th of the others.
/// Parts, vertices and triangles keep their order. At most 2^32 - 1 vertices in all.
Mesh join_meshes(std::span<const Mesh> parts);

}  // namespace ngforge
