// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_spool.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "layout/mesh_manifest.h"
#include "sink/mesh_sink.h"

namespace ngforge {
namespace {

// So many records of a bucket go to scratch together; those of all buckets take some 4 MiB until then.
constexpr std::size_t kGroup = 256;

}  // namespace

StoredMesh append_mesh(std::uint64_t label, const Mesh& mesh, Bytes& bytes) {
  const StoredMesh stored{label, bytes.size(), static_cast<std::uint32_t>(mesh.positions.size()),
                          static_cast<std::uint32_t>(mesh.triangles.size())};
  for (const auto part : {std::as_bytes(std::span(mesh.positions)), std::as_bytes(std::span(mesh.triangles))})
    bytes.insert(bytes.end(), part.begin(), part.end());
  return stored;
}

Result<std::unique_ptr<MeshSpool>> MeshSpool::create(const std::string& folder) {
  NGFORGE_TRY(ScratchFile values, ScratchFile::create(folder));
  NGFORGE_TRY(ScratchFile records, ScratchFile::create(folder));
  std::unique_ptr<MeshSpool> spool(new MeshSpool(std::move(values), std::move(records)));
  spool->buckets_.resize(kMeshBuckets);
  return spool;
}

Result<std::uint64_t> MeshSpool::append(std::span<const std::byte> bytes) {
  const std::uint64_t offset = values_end_.fetch_add(bytes.size());
  NGFORGE_CHECK(values_.write(offset, bytes));
  return offset;
}

Result<void> MeshSpool::read(const StoredMesh& stored, Mesh& mesh) const {
  mesh.positions.resize(stored.positions);
  mesh.triangles.resize(stored.triangles);
  const auto positions = std::as_writable_bytes(std::span(mesh.positions));
  NGFORGE_CHECK(values_.read(stored.offset, positions));
  return values_.read(stored.offset + positions.size(), std::as_writable_bytes(std::span(mesh.triangles)));
}

Result<void> MeshSpool::add(std::span<const FragmentRecord> records) {
  const std::lock_guard lock(mutex_);
  for (const FragmentRecord& record : records) {
    Bucket& bucket = buckets_[mesh_bucket(record.label)];
    bucket.waiting.push_back(record);
    if (bucket.waiting.size() < kGroup) continue;
    NGFORGE_CHECK(records_.write(records_end_, std::as_bytes(std::span(bucket.waiting))));
    bucket.offsets.push_back(records_end_);
    records_end_ += kGroup * sizeof(FragmentRecord);
    bucket.waiting.clear();
  }
  return {};
}

Result<std::vector<FragmentRecord>> MeshSpool::bucket(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  const Bucket& bucket = buckets_[number];
  std::vector<FragmentRecord> records(bucket.offsets.size() * kGroup);
  for (std::size_t i = 0; i < bucket.offsets.size(); ++i)
    NGFORGE_CHECK(
        records_.read(bucket.offsets[i], std::as_writable_bytes(std::span(records).subspan(i * kGroup, kGroup))));
  records.insert(records.end(), bucket.waiting.begin(), bucket.waiting.end());
  std::ranges::sort(records, [](const FragmentRecord& a, const FragmentRecord& b) {
    if (std::tie(a.label, a.level) != std::tie(b.label, b.level))
      return std::tie(a.label, a.level) < std::tie(b.label, b.level);
    return compare_z_order(a.node, b.node) < 0;
  });
  return records;
}

}  // namespace ngforge
