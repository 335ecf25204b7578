// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/mesh.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "pipeline/scratch_file.h"

namespace ngforge {

/// A mesh that waits in scratch.
struct StoredMesh {
  std::uint64_t label = 0, offset = 0;
  std::uint32_t positions = 0, triangles = 0;

  std::uint64_t bytes() const { return 12 * (std::uint64_t{positions} + triangles); }
};

/// What a node has of a label: its part of the surface as it is to be written.
struct FragmentRecord {
  std::uint64_t label = 0, offset = 0;
  std::uint64_t voxels = 0;  // of the label, in the node; level 0 only
  std::uint32_t bytes = 0;   // of the fragment; 0: nothing is left of the surface
  std::uint32_t positions = 0, triangles = 0;
  std::uint32_t level = 0;
  std::array<std::uint32_t, 3> node{};
};

/// Appends a mesh as it lies in scratch. `offset` of the result counts from the beginning of `bytes`.
StoredMesh append_mesh(std::uint64_t label, const Mesh& mesh, Bytes& bytes);

/// Keeps in scratch what nodes hand over until their parents or the files take it, so that memory depends neither on
/// the number of labels nor on that of nodes. Thread-safe.
class MeshSpool {
 public:
  /// `folder`: for scratch. Errors: io, permission.
  static Result<std::unique_ptr<MeshSpool>> create(const std::string& folder);

  /// Stores bytes; where they are. Errors: io.
  Result<std::uint64_t> append(std::span<const std::byte> bytes);
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) const { return values_.read(offset, bytes); }
  /// Errors: io.
  Result<void> read(const StoredMesh& stored, Mesh& mesh) const;

  /// Notes fragments. Errors: io.
  Result<void> add(std::span<const FragmentRecord> records);
  /// Those of a bucket (mesh_bucket()), by shard-independent order: label, level, node in Z order. Errors: io.
  Result<std::vector<FragmentRecord>> bucket(std::size_t number) const;

 private:
  struct Bucket {
    std::vector<FragmentRecord> waiting;
    std::vector<std::uint64_t> offsets;  // of groups of kGroup records
  };
  MeshSpool(ScratchFile values, ScratchFile records) : values_(std::move(values)), records_(std::move(records)) {}

  ScratchFile values_, records_;
  std::atomic<std::uint64_t> values_end_ = 0;
  mutable std::mutex mutex_;  // guards all below
  std::uint64_t records_end_ = 0;
  std::vector<Bucket> buckets_;
};

}  // namespace ngforge
