// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_list.h"

#include <algorithm>

namespace ngforge {
namespace {

constexpr std::uint64_t kBuffered = OctantReader::kBytes / 8 / sizeof(StoredMesh);

}  // namespace

Result<void> MeshList::append(MeshSpool& spool, std::span<const StoredMesh> meshes) {
  if (meshes.empty()) return {};
  NGFORGE_TRY(const std::uint64_t offset, spool.append(std::as_bytes(meshes)));
  pieces_.push_back({offset, meshes.size()});
  size_ += meshes.size();
  for (const StoredMesh& mesh : meshes) triangles_ += mesh.triangles;
  return {};
}

void MeshList::append(const MeshList& other) {
  pieces_.insert(pieces_.end(), other.pieces_.begin(), other.pieces_.end());
  size_ += other.size_;
  triangles_ += other.triangles_;
}

Result<MeshListReader> MeshListReader::open(const MeshSpool& spool, const MeshList& list, std::uint64_t begin) {
  MeshListReader reader(spool, list);
  reader.number_ = begin;
  for (; reader.piece_ < list.pieces_.size() && begin >= list.pieces_[reader.piece_].size; ++reader.piece_)
    begin -= list.pieces_[reader.piece_].size;
  reader.of_piece_ = begin;
  NGFORGE_CHECK(reader.fill());
  return reader;
}

Result<void> MeshListReader::advance() {
  ++number_;
  if (++at_ < buffer_.size()) return {};
  return fill();
}

Result<void> MeshListReader::fill() {
  at_ = 0;
  buffer_.clear();
  if (piece_ == list_->pieces_.size()) return {};
  const MeshList::Piece& piece = list_->pieces_[piece_];
  buffer_.resize(std::min(piece.size - of_piece_, kBuffered));
  NGFORGE_CHECK(
      spool_->read(piece.offset + of_piece_ * sizeof(StoredMesh), std::as_writable_bytes(std::span(buffer_))));
  of_piece_ += buffer_.size();
  if (of_piece_ == piece.size) {
    ++piece_;
    of_piece_ = 0;
  }
  return {};
}

Result<OctantReader> OctantReader::open(const MeshSpool& spool, const OctantLists& lists, const Place& begin) {
  OctantReader reader;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    NGFORGE_TRY(MeshListReader octant, MeshListReader::open(spool, lists[i], begin[i]));
    reader.readers_.push_back(std::move(octant));
  }
  return reader;
}

Result<std::optional<OctantReader::Label>> OctantReader::next() {
  std::optional<Label> found;
  for (const MeshListReader& reader : readers_) {
    if (reader.next() != nullptr && (!found || reader.next()->label < found->label)) found = {reader.next()->label, {}};
  }
  if (!found) return found;
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    const StoredMesh* mesh = readers_[i].next();
    if (mesh == nullptr || mesh->label != found->label) continue;
    found->octants[i] = *mesh;
    found->triangles += mesh->triangles;
    found->largest = std::max<std::uint64_t>(found->largest, mesh->triangles);
    NGFORGE_CHECK(readers_[i].advance());
  }
  return found;
}

OctantReader::Place OctantReader::place() const {
  Place place{};
  for (std::size_t i = 0; i < readers_.size(); ++i) place[i] = readers_[i].number();
  return place;
}

}  // namespace ngforge
