// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layout/mesh_info.h"

namespace ngforge {

/// What the names of files in a folder of meshes say, and which of them nobody asks for. Keeps 8 bytes for each mesh
/// and for each fragment of a legacy mesh.
class MeshNames {
 public:
  /// `other`: nothing of a mesh (`info`, hidden files, folders). `aside`: what igneous leaves while it works, and no
  /// reader of meshes wants.
  enum class Kind : std::uint8_t { manifest, fragments, shard, other, aside, unknown };
  struct Name {
    Kind kind = Kind::unknown;
    std::uint64_t number = 0;  // the label, or the shard
  };

  explicit MeshNames(const MeshInfo& info) : info_(info) {}

  /// Of a file as Store::list() gives it. Fragments of legacy meshes are `unknown`: they have any names.
  Name read(std::string_view name) const;
  /// Notes a manifest or a shard.
  void add(const Name& name);
  /// To be called behind the last add().
  void sort();
  const std::vector<std::uint64_t>& labels() const { return labels_; }
  const std::vector<std::uint64_t>& shards() const { return shards_; }

  /// Notes what the manifest of a legacy mesh names. Thread-safe.
  void add_fragments(std::span<const std::string> names);
  /// Whether nobody asks for the file: no manifest is there for it, or none names it. `missing`: labels (ascending)
  /// whose manifest is missed, so that their files are no more than a part of that fault.
  bool is_stray(std::string_view name, std::span<const std::uint64_t> missing);

 private:
  const MeshInfo& info_;
  std::vector<std::uint64_t> labels_, shards_;  // ascending
  std::mutex mutex_;                            // guards all below
  bool is_sorted_ = false;
  std::vector<std::uint64_t> fragments_;  // hashes of their names
};

}  // namespace ngforge
