// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "core/system_error.h"
#include "layout/sharding.h"
#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

// Level of minishard indices: they are small, and read by everyone.
constexpr int kIndexLevel = 9;
// Indices are written together once they are this long.
constexpr std::size_t kIndexWriteBytes = 64 << 10;

// A shard that has values and is not complete.
struct GrowingShard {
  std::uint64_t cursor = 0;  // from the end of the shard index
  std::vector<ShardEntry> entries;
  int descriptor = -1, users = 0;
  bool has_file = false;
  std::list<GrowingShard*>::iterator open_place;  // while the descriptor is open
};

struct ShardFile {
  std::uint64_t id = 0;
  bool is_finished = false;          // by an earlier run
  std::atomic<Index> unwritten = 0;  // chunks of the grid that are not in the file (or known to be empty) yet
  std::unique_ptr<GrowingShard> growing;
};

// How many files a sink keeps open: there are some twenty scales at most, and others open files too.
std::size_t most_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1024;
  return std::clamp<std::size_t>(limit.rlim_cur / 32, 2, 1024);
}

class ShardSink final : public ChunkSink {
 public:
  ShardSink(const ScaleInfo& scale, Index window)
      : scale_(scale),
        spec_(*scale.sharding),
        grid_(scale.grid_shape()),
        window_(window),
        most_open_(most_open_files()) {}
  ~ShardSink() override {
    for (const GrowingShard* shard : open_) ::close(shard->descriptor);
  }

  Result<void> open(const std::string& folder, bool resume) {
    NGFORGE_CHECK(writer_.open(folder + "/" + scale_.key));
    std::vector<std::uint64_t> ids;  // of the shard of every chunk
    ids.reserve(static_cast<std::size_t>(grid_.product()));
    for (Index z = 0; z < grid_.z; ++z)
      for (Index y = 0; y < grid_.y; ++y)
        for (Index x = 0; x < grid_.x; ++x) ids.push_back(place({x, y, z}).shard);
    std::sort(ids.begin(), ids.end());
    std::size_t count = 0;
    for (auto id = ids.begin(); id != ids.end(); id = std::upper_bound(id, ids.end(), *id)) ++count;
    shards_ = std::vector<ShardFile>(count);
    auto begin = ids.begin();
    for (ShardFile& shard : shards_) {
      const auto end = std::upper_bound(begin, ids.end(), *begin);
      shard.id = *begin;
      shard.unwritten = end - begin;
      shard.is_finished = resume && writer_.exists(name(shard));
      begin = end;
    }
    return {};
  }

  bool is_finished(const GridVec& cell) const override { return shards_[shard_number(place(cell).shard)].is_finished; }

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
  std::string name(const ShardFile& shard) const { return shard_file_name(spec_, shard.id); }
  std::string path(const ShardFile& shard) const { return writer_.path() + "/" + name(shard); }
  std::size_t shard_number(std::uint64_t id) const {
    const auto found = std::ranges::lower_bound(shards_, id, {}, &ShardFile::id);
    return static_cast<std::size_t>(found - shards_.begin());
  }

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
    ShardFile& shard = shards_[shard_number(shard_place(spec_, chunk_key).shard)];
    if (!item.is_stored) return {&shard, 0, std::move(item)};
    if (!shard.growing) {
      shard.growing = std::make_unique<GrowingShard>();
      shard.growing->entries.reserve(static_cast<std::size_t>(shard.unwritten));
    }
    GrowingShard& growing = *shard.growing;
    const std::uint64_t offset = growing.cursor;
    growing.entries.push_back({chunk_key, offset, item.bytes.size()});
    growing.cursor += item.bytes.size();
    return {&shard, offset, std::move(item)};
  }

  Result<void> perform(Write& write) {
    ShardFile& shard = *write.shard;
    if (write.item.is_stored) {
      NGFORGE_CHECK(write_to(shard, shard_index_bytes(spec_) + write.offset, write.item.bytes));
      counts_.bytes += write.item.bytes.size();
    }
    if (--shard.unwritten > 0 || !shard.growing) return {};
    return finish(shard);
  }

  Result<void> write_to(ShardFile& shard, std::uint64_t offset, std::span<const std::byte> bytes) {
    GrowingShard& growing = *shard.growing;
    NGFORGE_CHECK(begin_use(shard));
    auto written = write_at(growing.descriptor, offset, bytes, path(shard));
    const std::lock_guard lock(open_mutex_);
    --growing.users;
    return written;
  }

  // Opens the file if it is not, and closes those that were not used for long where there are too many.
  Result<void> begin_use(ShardFile& shard) {
    GrowingShard& growing = *shard.growing;
    const std::lock_guard lock(open_mutex_);
    if (growing.descriptor >= 0) {
      open_.splice(open_.begin(), open_, growing.open_place);
    } else {
      for (auto last = open_.end(); open_.size() >= most_open_ && last != open_.begin();) {
        --last;
        if ((*last)->users > 0) continue;
        if (::close(std::exchange((*last)->descriptor, -1)) != 0)
          return write_error(writer_.path(), "a shard cannot be written");
        last = open_.erase(last);
      }
      NGFORGE_TRY(growing.descriptor, writer_.open_growing(name(shard), !growing.has_file));
      growing.has_file = true;
      open_.push_front(&growing);
      growing.open_place = open_.begin();
    }
    ++growing.users;
    return {};
  }

  Result<void> end_file(ShardFile& shard) {
    {
      const std::lock_guard lock(open_mutex_);
      GrowingShard& growing = *shard.growing;
      if (growing.descriptor >= 0) {
        open_.erase(growing.open_place);
        if (::close(std::exchange(growing.descriptor, -1)) != 0) return write_error(path(shard), "cannot be written");
      }
    }
    return writer_.finish_growing(name(shard));
  }

  // All chunks of the shard are known: minishard indices behind the values, and where they are in the shard index in
  // front (spec 2.3). Entries of minishards that nothing is in stay zero, and where there are many, a hole.
  Result<void> finish(ShardFile& shard) {
    auto& entries = shard.growing->entries;
    const auto minishard = [&](const ShardEntry& entry) { return shard_place(spec_, entry.key).minishard; };
    std::sort(entries.begin(), entries.end(), [&](const ShardEntry& a, const ShardEntry& b) {
      const auto ma = minishard(a), mb = minishard(b);
      return ma != mb ? ma < mb : a.key < b.key;
    });
    std::uint64_t at = shard.growing->cursor, next_number = 0;
    PendingWrite front, tail;
    Bytes compressed;
    GzipCompressor gzip(kIndexLevel);
    for (auto begin = entries.begin(); begin != entries.end();) {
      const auto number = minishard(*begin);
      const auto end = std::find_if(begin, entries.end(), [&](const ShardEntry& e) { return minishard(e) != number; });
      Bytes index = encode_minishard_index({begin, end});
      if (spec_.gzip_index) {
        gzip.compress(index, compressed);
        index.swap(compressed);
      }
      if (number != next_number) NGFORGE_CHECK(flush(shard, front));
      std::array<std::byte, 16> range;
      store(range.data(), at);
      store(range.data() + 8, at + index.size());
      NGFORGE_CHECK(append(shard, front, 16 * number, range));
      NGFORGE_CHECK(append(shard, tail, shard_index_bytes(spec_) + at, index));
      at += index.size();
      next_number = number + 1;
      begin = end;
    }
    NGFORGE_CHECK(flush(shard, tail));
    NGFORGE_CHECK(flush(shard, front));
    counts_.bytes += shard_index_bytes(spec_) + at - shard.growing->cursor;
    NGFORGE_CHECK(end_file(shard));
    ++counts_.files;
    shard.growing.reset();
    return {};
  }

  struct PendingWrite {
    std::uint64_t offset = 0;
    Bytes bytes;
  };

  // Bytes that follow those before.
  Result<void> append(ShardFile& shard, PendingWrite& pending, std::uint64_t offset, std::span<const std::byte> bytes) {
    if (pending.bytes.empty()) pending.offset = offset;
    pending.bytes.insert(pending.bytes.end(), bytes.begin(), bytes.end());
    if (pending.bytes.size() < kIndexWriteBytes) return {};
    return flush(shard, pending);
  }
  Result<void> flush(ShardFile& shard, PendingWrite& pending) {
    if (pending.bytes.empty()) return {};
    NGFORGE_CHECK(write_to(shard, pending.offset, pending.bytes));
    pending.bytes.clear();
    return {};
  }

  const ScaleInfo scale_;
  const ShardingSpec spec_;
  const GridVec grid_;
  const Index window_;
  FolderWriter writer_;
  std::vector<ShardFile> shards_;  // by id; complete after open(): found without a lock
  const std::size_t most_open_;
  std::mutex open_mutex_;          // guards open_, and descriptor, users and has_file of the shards
  std::list<GrowingShard*> open_;  // the last used first

  std::mutex mutex_;  // guards all below, and cursor and entries of the shards
  std::condition_variable turn_;
  std::map<Index, Item> waiting_;
  Index next_ = 0;
  bool abandoned_ = false;
};

}  // namespace

std::uint64_t shard_sink_bytes(const ScaleInfo& scale, int threads) {
  // A shard in its table and, while it grows, in the list of open files.
  constexpr std::uint64_t kBytesPerShard = 192;
  const ShardingSpec& spec = *scale.sharding;
  const GridVec grid = scale.grid_shape();
  const auto chunks = static_cast<std::uint64_t>(grid.product());
  const auto part = [&](int bits) { return bits >= 32 ? chunks : std::min(chunks, std::uint64_t{1} << bits); };
  const std::uint64_t in_minishard =
      part(std::max(spec.preshift_bits, morton_bits(grid) - spec.minishard_bits - spec.shard_bits) +
           (spec.is_murmur ? 3 : 0));  // some get several times their share
  return chunks * sizeof(ShardEntry) + part(spec.shard_bits) * kBytesPerShard +
         static_cast<std::uint64_t>(threads) * (2 * in_minishard * sizeof(ShardEntry) + 4 * kIndexWriteBytes);
}

Result<std::unique_ptr<ChunkSink>> open_shard_sink(const std::string& folder, const ScaleInfo& scale, bool resume,
                                                   Index window) {
  auto sink = std::make_unique<ShardSink>(scale, window);
  NGFORGE_CHECK(sink->open(folder, resume));
  return std::unique_ptr<ChunkSink>(std::move(sink));
}

}  // namespace ngforge
