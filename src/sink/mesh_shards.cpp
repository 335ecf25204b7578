// SPDX-License-Identifier: Apache-2.0
// Shards of multi-resolution meshes (precomputed specification, section 3.2): the fragments of a label lie in front of
// its manifest, which alone is in the index.
#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "compress/gzip.h"
#include "core/file_descriptor.h"
#include "core/system_error.h"
#include "sink/folder_writer.h"
#include "sink/mesh_sink.h"
#include "sink/precomputed_shards.h"

namespace ngforge {
namespace {

constexpr int kManifestLevel = 6;
constexpr int kMostMinishardBits = 8;
constexpr std::uint64_t kLabelsInMinishard = 64, kShardBytes = std::uint64_t{512} << 20;

class MeshShardSink final : public MeshSink {
 public:
  MeshShardSink(const ShardingSpec& spec, bool resume) : spec_(spec), resume_(resume), gzip_(kManifestLevel) {}
  Result<void> open(const std::string& folder) { return writer_.open(folder); }

  Result<void> put(std::uint64_t label, std::span<const std::byte> manifest,
                   std::span<const std::byte> fragments) override {
    const std::uint64_t shard = shard_place(spec_, label).shard;
    if (!shard_ || *shard_ != shard) {
      NGFORGE_CHECK(finish());
      NGFORGE_CHECK(begin(shard));
    }
    NGFORGE_CHECK(append(fragments));
    if (spec_.gzip_data) {
      gzip_.compress(manifest, packed_);
      manifest = packed_;
    }
    entries_.push_back({label, cursor_, manifest.size()});
    return append(manifest);
  }

  Result<void> finish() override {
    if (!shard_) return {};
    const auto write = [&](std::uint64_t offset, std::span<const std::byte> bytes) { return write_to(offset, bytes); };
    NGFORGE_TRY(const std::uint64_t index_bytes, write_shard_index(spec_, entries_, cursor_, write));
    bytes_ += index_bytes;
    ++files_;
    if (file_.is_open()) {
      if (!file_.close()) return write_error(path(), "cannot be written");
      NGFORGE_CHECK(writer_.finish_growing(name()));
    }
    shard_.reset();
    return {};
  }

 private:
  std::string name() const { return shard_file_name(spec_, *shard_); }
  std::string path() const { return writer_.path() + "/" + name(); }

  Result<void> begin(std::uint64_t shard) {
    shard_ = shard;
    cursor_ = 0;
    entries_.clear();
    if (resume_ && writer_.exists(name())) return {};  // finished by an earlier run: it stays
    NGFORGE_TRY(const int descriptor, writer_.open_growing(name()));
    file_ = FileDescriptor(descriptor);
    return {};
  }

  Result<void> append(std::span<const std::byte> bytes) {
    NGFORGE_CHECK(write_to(shard_index_bytes(spec_) + cursor_, bytes));
    cursor_ += bytes.size();
    bytes_ += bytes.size();
    return {};
  }
  Result<void> write_to(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (!file_.is_open()) return {};
    return write_at(file_.get(), offset, bytes, path());
  }

  const ShardingSpec spec_;
  const bool resume_;
  FolderWriter writer_;
  GzipCompressor gzip_;
  Bytes packed_;
  FileDescriptor file_;
  std::optional<std::uint64_t> shard_;  // the one that grows
  std::uint64_t cursor_ = 0;            // from where values begin
  std::vector<ShardEntry> entries_;
};

}  // namespace

Result<std::unique_ptr<MeshSink>> open_mesh_shard_sink(const std::string& folder, const ShardingSpec& spec,
                                                       bool resume) {
  auto sink = std::make_unique<MeshShardSink>(spec, resume);
  NGFORGE_CHECK(sink->open(folder));
  return std::unique_ptr<MeshSink>(std::move(sink));
}

ShardingSpec plan_mesh_sharding(std::uint64_t labels, std::uint64_t bytes) {
  ShardingSpec spec;
  spec.is_murmur = true;
  spec.gzip_index = spec.gzip_data = true;
  spec.shard_bits = bytes <= kShardBytes ? 0 : static_cast<int>(std::bit_width((bytes - 1) / kShardBytes));
  // mesh_bucket() counts on the place of the shard's bits where there are several shards.
  const auto minishards = static_cast<int>(std::bit_width(labels / kLabelsInMinishard));
  spec.minishard_bits = spec.shard_bits > 0 ? kMostMinishardBits : std::min(minishards, kMostMinishardBits);
  return spec;
}

std::size_t mesh_bucket(std::uint64_t label) {
  return static_cast<std::size_t>(murmurhash3_x86_128_low(label) >> kMostMinishardBits) % kMeshBuckets;
}

}  // namespace ngforge
