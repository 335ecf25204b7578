// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <unistd.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

// Level of minishard indices: they are small, and read by everyone.
constexpr int kIndexLevel = 9;

struct ShardFile {
  std::string name;
  bool is_finished = false;  // by an earlier run
  int descriptor = -1;
  std::uint64_t cursor = 0;  // from the end of the shard index
  std::vector<ShardEntry> entries;
  std::atomic<Index> unwritten = 0;  // chunks of the grid that are not in the file (or known to be empty) yet
};

class ShardSink final : public ChunkSink {
 public:
  ShardSink(const ScaleInfo& scale, Index window)
      : scale_(scale), spec_(*scale.sharding), grid_(scale.grid_shape()), window_(window) {}
  ~ShardSink() override {
    for (auto& [id, shard] : shards_)
      if (shard.descriptor >= 0) ::close(shard.descriptor);
  }

  Result<void> open(const std::string& folder, bool resume) {
    NGFORGE_CHECK(writer_.open(folder + "/" + scale_.key));
    for (Index z = 0; z < grid_.z; ++z)
      for (Index y = 0; y < grid_.y; ++y)
        for (Index x = 0; x < grid_.x; ++x) ++shards_[place({x, y, z}).shard].unwritten;
    for (auto& [id, shard] : shards_) {
      shard.name = shard_file_name(spec_, id);
      shard.is_finished = resume && writer_.exists(shard.name);
    }
    return {};
  }

  bool is_finished(const GridVec& cell) const override { return shards_.at(place(cell).shard).is_finished; }

  Result<void> put(Index sequence, const GridVec& cell, std::span<const std::byte> bytes) override {
    return hand_over(sequence, {cell, true, Bytes(bytes.begin(), bytes.end())});
  }
  Result<void> pass(Index sequence, const GridVec& cell) override { return hand_over(sequence, {cell, false, {}}); }

  void abandon() override {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    turn_.notify_all();
  }

 private:
  struct Item {
    GridVec cell;
    bool is_stored = false;
    Bytes bytes;
  };
  struct Write {
    ShardFile* shard = nullptr;
    std::uint64_t offset = 0;
    Item item;
  };

  std::uint64_t key(const GridVec& cell) const { return encode_morton(cell, grid_); }
  ShardPlace place(const GridVec& cell) const { return shard_place(spec_, key(cell)); }

  // Offsets are given in sequence order under the lock; the writes themselves happen outside of it, in any order.
  Result<void> hand_over(Index sequence, Item item) {
    std::vector<Write> writes;
    {
      std::unique_lock lock(mutex_);
      turn_.wait(lock, [&] { return abandoned_ || sequence < next_ + window_; });
      if (abandoned_) return make_error(ErrorCode::cancelled, "interrupted");
      waiting_.emplace(sequence, std::move(item));
      while (!waiting_.empty() && waiting_.begin()->first == next_) {
        writes.push_back(assign(std::move(waiting_.begin()->second)));
        waiting_.erase(waiting_.begin());
        ++next_;
      }
      if (!writes.empty()) turn_.notify_all();
    }
    for (Write& write : writes) NGFORGE_CHECK(perform(write));
    return {};
  }

  Write assign(Item item) {
    const std::uint64_t chunk_key = key(item.cell);
    ShardFile& shard = shards_.at(shard_place(spec_, chunk_key).shard);
    const std::uint64_t offset = shard.cursor;
    if (item.is_stored) {
      shard.entries.push_back({chunk_key, offset, item.bytes.size()});
      shard.cursor += item.bytes.size();
    }
    return {&shard, offset, std::move(item)};
  }

  Result<void> perform(Write& write) {
    ShardFile& shard = *write.shard;
    if (write.item.is_stored) {
      NGFORGE_TRY(const int descriptor, descriptor_of(shard));
      NGFORGE_CHECK(write_at(descriptor, shard_index_bytes(spec_) + write.offset, write.item.bytes, path(shard)));
      counts_.bytes += write.item.bytes.size();
    }
    if (--shard.unwritten > 0 || shard.is_finished) return {};
    return finish(shard);
  }

  std::string path(const ShardFile& shard) const { return writer_.path() + "/" + shard.name; }

  Result<int> descriptor_of(ShardFile& shard) {
    std::lock_guard lock(open_mutex_);
    if (shard.descriptor < 0) {
      NGFORGE_TRY(shard.descriptor, writer_.open_growing(shard.name));
    }
    return shard.descriptor;
  }

  // All chunks of the shard are known: minishard indices behind the values, then the shard index in front (spec 2.3).
  Result<void> finish(ShardFile& shard) {
    if (shard.entries.empty()) return {};
    const auto minishard = [&](const ShardEntry& entry) { return shard_place(spec_, entry.key).minishard; };
    std::sort(shard.entries.begin(), shard.entries.end(), [&](const ShardEntry& a, const ShardEntry& b) {
      const auto ma = minishard(a), mb = minishard(b);
      return ma != mb ? ma < mb : a.key < b.key;
    });
    Bytes front(shard_index_bytes(spec_)), tail, compressed;
    GzipCompressor gzip(kIndexLevel);
    for (auto begin = shard.entries.begin(); begin != shard.entries.end();) {
      const auto number = minishard(*begin);
      const auto end =
          std::find_if(begin, shard.entries.end(), [&](const ShardEntry& e) { return minishard(e) != number; });
      Bytes index = encode_minishard_index({begin, end});
      if (spec_.gzip_index) {
        gzip.compress(index, compressed);
        index.swap(compressed);
      }
      store(front.data() + 16 * number, shard.cursor + tail.size());
      tail.insert(tail.end(), index.begin(), index.end());
      store(front.data() + 16 * number + 8, shard.cursor + tail.size());
      begin = end;
    }
    NGFORGE_CHECK(write_at(shard.descriptor, front.size() + shard.cursor, tail, path(shard)));
    NGFORGE_CHECK(write_at(shard.descriptor, 0, front, path(shard)));
    if (::close(std::exchange(shard.descriptor, -1)) != 0) return system_error(path(shard), "cannot be written");
    NGFORGE_CHECK(writer_.finish_growing(shard.name));
    ++counts_.files;
    counts_.bytes += front.size() + tail.size();
    std::vector<ShardEntry>().swap(shard.entries);
    return {};
  }

  const ScaleInfo scale_;
  const ShardingSpec spec_;
  const GridVec grid_;
  const Index window_;
  FolderWriter writer_;
  std::unordered_map<std::uint64_t, ShardFile> shards_;  // complete after open(): found without a lock
  std::mutex open_mutex_;

  std::mutex mutex_;  // guards all below, and cursor and entries of the shards
  std::condition_variable turn_;
  std::map<Index, Item> waiting_;
  Index next_ = 0;
  bool abandoned_ = false;
};

}  // namespace

Result<std::unique_ptr<ChunkSink>> open_shard_sink(const std::string& folder, const ScaleInfo& scale, bool resume,
                                                   Index window) {
  auto sink = std::make_unique<ShardSink>(scale, window);
  NGFORGE_CHECK(sink->open(folder, resume));
  return std::unique_ptr<ChunkSink>(std::move(sink));
}

}  // namespace ngforge
