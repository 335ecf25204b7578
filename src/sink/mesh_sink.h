// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "layout/sharding.h"
#include "ngforge/error.h"

namespace ngforge {

/// Takes the meshes of labels, one after the other, and makes files of them. Used by one thread.
class MeshSink {
 public:
  virtual ~MeshSink() = default;
  /// A label's manifest, and its fragments as they follow each other. Each label comes once.
  virtual Result<void> put(std::uint64_t label, std::span<const std::byte> manifest,
                           std::span<const std::byte> fragments) = 0;
  /// Ends the last file.
  virtual Result<void> finish() = 0;

  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 protected:
  std::uint64_t files_ = 0, bytes_ = 0;
};

/// Names of the files of a label: of its manifest and of its fragments.
using MeshFileNames = std::function<std::pair<std::string, std::string>(std::uint64_t label)>;

/// Two files for each label in `folder`, which is there; the manifest comes last. With `resume`, files that are there
/// already stay as they are. Errors: permission, io.
Result<std::unique_ptr<MeshSink>> open_mesh_file_sink(const std::string& folder, MeshFileNames names, bool resume);

/// Shards (spec 3.2: fragments in front of their manifest) in `folder`, which is there. Labels come shard by shard, in
/// any order within; each file is written once. Keeps 24 bytes for each label of a shard. Errors: permission, io.
Result<std::unique_ptr<MeshSink>> open_mesh_shard_sink(const std::string& folder, const ShardingSpec& spec,
                                                       bool resume);

/// Derives the bits for so many labels whose fragments and manifests have so many bytes: shards of some 512 MiB, at
/// most 256 minishards in each. Labels are hashed, since often they follow a pattern.
ShardingSpec plan_mesh_sharding(std::uint64_t labels, std::uint64_t bytes);
/// Labels with the same number lie in one shard, or in shards of their own, whatever plan_mesh_sharding() derives:
/// 0 .. kMeshBuckets - 1.
inline constexpr std::size_t kMeshBuckets = 256;
std::size_t mesh_bucket(std::uint64_t label);

}  // namespace ngforge
