// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ngforge/error.h"
#include "op/mesh_spool.h"

namespace ngforge {

/// The meshes of a node in ascending order of labels, listed in scratch: in memory are 16 bytes for each piece that was
/// appended. Not thread-safe.
class MeshList {
 public:
  /// Adds meshes whose labels lie above those before. Errors: io.
  Result<void> append(MeshSpool& spool, std::span<const StoredMesh> meshes);
  void append(const MeshList& other);

  std::uint64_t size() const { return size_; }
  std::uint64_t triangles() const { return triangles_; }  ///< of all meshes

 private:
  friend class MeshListReader;
  struct Piece {
    std::uint64_t offset = 0, size = 0;
  };
  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0, triangles_ = 0;
};

/// Reads a list in order, some 24 KiB at a time.
class MeshListReader {
 public:
  /// From the mesh with this number. Both must outlive the reader. Errors: io.
  static Result<MeshListReader> open(const MeshSpool& spool, const MeshList& list, std::uint64_t begin);

  /// The mesh that is next; null at the end.
  const StoredMesh* next() const { return at_ < buffer_.size() ? &buffer_[at_] : nullptr; }
  std::uint64_t number() const { return number_; }  ///< of the next mesh, from 0
  /// Errors: io.
  Result<void> advance();

 private:
  MeshListReader(const MeshSpool& spool, const MeshList& list) : spool_(&spool), list_(&list) {}
  Result<void> fill();

  const MeshSpool* spool_;
  const MeshList* list_;
  std::uint64_t number_ = 0;
  std::size_t piece_ = 0;
  std::uint64_t of_piece_ = 0;  // meshes of it that were taken into the buffer
  std::vector<StoredMesh> buffer_;
  std::size_t at_ = 0;
};

/// The lists of a node's eight octants; those outside of the grid are empty.
using OctantLists = std::array<MeshList, 8>;

/// Reads eight lists label by label, from a place in each.
class OctantReader {
 public:
  using Place = std::array<std::uint64_t, 8>;  ///< a number in each list
  struct Label {
    std::uint64_t label = 0;
    std::array<std::optional<StoredMesh>, 8> octants;
    std::uint64_t triangles = 0;  ///< of all octants
    std::uint64_t largest = 0;    ///< triangles of the octant that has most
  };

  /// Both must outlive the reader. Errors: io.
  static Result<OctantReader> open(const MeshSpool& spool, const OctantLists& lists, const Place& begin);
  /// The next label; nothing at the end of all lists. Errors: io.
  Result<std::optional<Label>> next();
  Place place() const;

  /// What a reader keeps in memory, at most.
  static constexpr std::uint64_t kBytes = 8 * 24 * 1024;

 private:
  std::vector<MeshListReader> readers_;
};

}  // namespace ngforge
