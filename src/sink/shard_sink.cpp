// SPDX-License-Identifier: Apache-2.0
#include "sink/shard_sink.h"

#include <algorithm>
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

#include "core/system_error.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

// A shard that has values and is not complete.
struct GrowingShard {
  std::uint64_t cursor = 0;  // from where values begin
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
  ShardSink(std::unique_ptr<const ShardFormat> format, const GridVec& grid, std::shared_ptr<WaitingRoom> room)
      : format_(std::move(format)), grid_(grid), room_(std::move(room)), most_open_(most_open_files()) {}
  ~ShardSink() override {
    for (const GrowingShard* shard : open_) ::close(shard->descriptor);
  }

  Result<void> open(const std::string& folder, bool resume) {
    NGFORGE_CHECK(writer_.open(folder));
    std::vector<std::uint64_t> ids;  // of the shard of every chunk
    ids.reserve(static_cast<std::size_t>(grid_.product()));
    for (Index z = 0; z < grid_.z; ++z)
      for (Index y = 0; y < grid_.y; ++y)
        for (Index x = 0; x < grid_.x; ++x) ids.push_back(format_->shard({x, y, z}));
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

  bool is_finished(const GridVec& cell) const override {
    return shards_[shard_number(format_->shard(cell))].is_finished;
  }

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
    bool has_place = false;  // in the waiting room
  };
  struct Write {
    ShardFile* shard = nullptr;
    std::uint64_t offset = 0;
    Item item;
  };

  std::string name(const ShardFile& shard) const { return format_->file_name(shard.id); }
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
      turn_.wait(lock, [&] { return abandoned_ || may_enter(sequence, item); });
      if (abandoned_) return make_error(ErrorCode::cancelled, "interrupted");
      waiting_.emplace(sequence, std::move(item));
      while (!waiting_.empty() && waiting_.begin()->first == next_) {
        writes.push_back(assign(std::move(waiting_.begin()->second)));
        waiting_.erase(waiting_.begin());
        ++next_;
      }
      if (!writes.empty()) turn_.notify_all();
    }
    for (Write& write : writes) {
      NGFORGE_CHECK(perform(write));
      if (!write.item.has_place) continue;
      write.item.bytes = {};
      room_->leave();
    }
    return {};
  }

  // The chunk whose turn it is needs no place. So whoever finds none waits for a chunk that some thread has in its
  // hands, not for one that waits elsewhere. Chunks without bytes take none, but wait in small numbers too.
  bool may_enter(Index sequence, Item& item) {
    if (sequence == next_) return true;
    if (sequence >= next_ + room_->places()) return false;
    item.has_place = item.is_stored && room_->enter();
    return item.has_place || !item.is_stored;
  }

  Write assign(Item item) {
    ShardFile& shard = shards_[shard_number(format_->shard(item.cell))];
    if (!item.is_stored) return {&shard, 0, std::move(item)};
    if (!shard.growing) {
      shard.growing = std::make_unique<GrowingShard>();
      shard.growing->entries.reserve(static_cast<std::size_t>(shard.unwritten));
    }
    GrowingShard& growing = *shard.growing;
    const std::uint64_t offset = growing.cursor;
    growing.entries.push_back({format_->key(item.cell), offset, item.bytes.size()});
    growing.cursor += item.bytes.size();
    return {&shard, offset, std::move(item)};
  }

  Result<void> perform(Write& write) {
    ShardFile& shard = *write.shard;
    if (write.item.is_stored) {
      NGFORGE_CHECK(write_to(shard, format_->values_begin() + write.offset, write.item.bytes));
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

  // All chunks of the shard are known.
  Result<void> finish(ShardFile& shard) {
    const auto write = [&](std::uint64_t offset, std::span<const std::byte> bytes) {
      return write_to(shard, offset, bytes);
    };
    NGFORGE_TRY(const std::uint64_t index_bytes,
                format_->write_index(shard.growing->entries, shard.growing->cursor, write));
    counts_.bytes += index_bytes;
    NGFORGE_CHECK(end_file(shard));
    ++counts_.files;
    shard.growing.reset();
    return {};
  }

  const std::unique_ptr<const ShardFormat> format_;
  const GridVec grid_;
  const std::shared_ptr<WaitingRoom> room_;
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

std::uint64_t shard_table_bytes(std::uint64_t chunks, std::uint64_t shards) {
  // A shard in its table and, while it grows, in the list of open files.
  constexpr std::uint64_t kBytesPerShard = 192;
  return chunks * sizeof(ShardEntry) + shards * kBytesPerShard;
}

Result<std::unique_ptr<ChunkSink>> make_shard_sink(const std::string& folder, const GridVec& grid,
                                                   std::unique_ptr<const ShardFormat> format, bool resume,
                                                   std::shared_ptr<WaitingRoom> room) {
  auto sink = std::make_unique<ShardSink>(std::move(format), grid, std::move(room));
  NGFORGE_CHECK(sink->open(folder, resume));
  return std::unique_ptr<ChunkSink>(std::move(sink));
}

}  // namespace ngforge
