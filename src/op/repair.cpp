// SPDX-License-Identifier: Apache-2.0
#include "op/repair.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <optional>

#include <unistd.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "core/file_descriptor.h"
#include "core/json.h"
#include "core/system_error.h"
#include "layout/sharding.h"
#include "op/run_options.h"
#include "pipeline/thread_pool.h"
#include "sink/folder_writer.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

constexpr int kValueLevel = 6, kIndexLevel = 9;  // as convert packs them
constexpr std::uint64_t kMaxInfoBytes = std::uint64_t{1} << 26, kMaxPackedBytes = std::uint64_t{1} << 32;

// Whether the JSON of an `info` had something to correct, which is then corrected.
bool correct(Json& info) {
  bool is_changed = false;
  if (!info.is_object() || !info.contains("scales") || !info["scales"].is_array()) return false;
  for (Json& scale : info["scales"]) {
    if (!scale.is_object() || !scale.contains("sharding")) continue;
    Json& sharding = scale["sharding"];
    if (sharding.is_null()) {
      scale.erase("sharding");
      is_changed = true;
    } else if (sharding.is_object() && sharding.contains("hash") && sharding["hash"] == "identity_hash") {
      sharding["hash"] = "identity";
      is_changed = true;
    }
  }
  return is_changed;
}

/// Packs the zlib streams of one shard as gzip, value by value.
class ShardRepair {
 public:
  ShardRepair(Store& store, const ScaleInfo& scale, std::string name, const std::stop_token& stop)
      : store_(store), spec_(*scale.sharding), key_(scale.key + "/" + name), name_(std::move(name)), stop_(stop) {}

  /// Whether there was something to mend; then the shard has been replaced.
  Result<bool> run(FolderWriter& folder) {
    NGFORGE_CHECK(read_indices());
    if (!is_sound_) return false;
    if (!has_zlib_) {
      NGFORGE_CHECK(look_at_values());
    }
    if (!is_sound_ || !has_zlib_) return false;
    NGFORGE_TRY(const int number, folder.open_growing(name_));
    FileDescriptor file(number);
    auto written = write(file.get(), folder.path() + "/" + name_);
    if (!file.close() && written) written = write_error(key_, "cannot be written");
    if (!written || !is_sound_) {
      ::unlink((folder.path() + "/" + name_ + ".tmp").c_str());
      if (!written) return std::move(written).error();
      return false;
    }
    NGFORGE_CHECK(folder.finish_growing(name_));
    return true;
  }

 private:
  struct Minishard {
    std::uint64_t number = 0;
    std::vector<ShardEntry> entries;
  };

  std::uint64_t front_bytes() const { return shard_index_bytes(spec_); }
  Result<void> check_stop() const {
    if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    return {};
  }

  // A shard whose indices are wrong in other ways is left alone.
  Result<void> read_indices() {
    constexpr std::uint64_t kPart = 4096;
    NGFORGE_TRY(const ObjectInfo object, store_.stat(key_));
    is_sound_ = object.size >= front_bytes();
    const std::uint64_t minishards = std::uint64_t{1} << spec_.minishard_bits;
    for (std::uint64_t first = 0; is_sound_ && first < minishards; first += kPart) {
      NGFORGE_CHECK(check_stop());
      const std::uint64_t count = std::min(kPart, minishards - first);
      NGFORGE_TRY(const Bytes part, store_.get_range(key_, {16 * first, 16 * count}));
      for (std::uint64_t i = 0; is_sound_ && i < count; ++i) {
        const auto begin = load<std::uint64_t>(part.data() + 16 * i),
                   end = load<std::uint64_t>(part.data() + 16 * i + 8);
        if (begin != end) NGFORGE_CHECK(read_minishard(first + i, begin, end, object.size - front_bytes()));
      }
    }
    return {};
  }

  Result<void> read_minishard(std::uint64_t number, std::uint64_t begin, std::uint64_t end, std::uint64_t room) {
    is_sound_ = begin < end && end <= room && end - begin <= kMaxPackedBytes;
    if (!is_sound_) return {};
    NGFORGE_TRY(Bytes bytes, store_.get_range(key_, {front_bytes() + begin, end - begin}));
    if (spec_.gzip_index) {
      has_zlib_ |= looks_like_zlib(bytes);
      auto plain = unpack_shard_gzip(bytes, key_, kMaxPackedBytes);
      is_sound_ = plain.has_value();
      if (!is_sound_) return {};
      bytes = std::move(*plain);
    }
    auto entries = decode_minishard_index(bytes, key_);
    is_sound_ = entries && std::ranges::all_of(*entries, [&](const ShardEntry& entry) {
                  return entry.offset <= room && entry.size <= room - entry.offset;
                });
    if (is_sound_) minishards_.push_back({number, std::move(*entries)});
    return {};
  }

  Result<void> look_at_values() {
    if (!spec_.gzip_data) return {};
    for (const Minishard& minishard : minishards_)
      for (const ShardEntry& entry : minishard.entries) {
        NGFORGE_CHECK(check_stop());
        if (entry.size < 2) continue;
        NGFORGE_TRY(const Bytes head, store_.get_range(key_, {front_bytes() + entry.offset, 2}));
        has_zlib_ = looks_like_zlib(head);
        if (has_zlib_) return {};
      }
    return {};
  }

  // Values in the order in which they lie, then the indices, then where those are.
  Result<void> write(int file, const std::string& path) {
    std::vector<ShardEntry*> values;
    for (Minishard& minishard : minishards_)
      for (ShardEntry& entry : minishard.entries) values.push_back(&entry);
    std::ranges::stable_sort(values, {}, &ShardEntry::offset);
    std::uint64_t at = 0;
    for (ShardEntry* const value : values) {
      NGFORGE_CHECK(check_stop());
      NGFORGE_TRY(Bytes bytes, store_.get_range(key_, {front_bytes() + value->offset, value->size}));
      if (spec_.gzip_data && looks_like_zlib(bytes)) {
        const auto plain = unpack_zlib_value(bytes);
        if (!plain) return {};
        value_packer_.compress(*plain, bytes);
      }
      NGFORGE_CHECK(write_at(file, front_bytes() + at, bytes, path));
      *value = {value->key, at, bytes.size()};
      at += bytes.size();
    }
    for (const Minishard& minishard : minishards_) {
      Bytes index = encode_minishard_index(minishard.entries);
      if (spec_.gzip_index) {
        Bytes packed;
        index_packer_.compress(index, packed);
        index.swap(packed);
      }
      NGFORGE_CHECK(write_at(file, front_bytes() + at, index, path));
      std::array<std::byte, 16> range;
      store(range.data(), at);
      store(range.data() + 8, at + index.size());
      NGFORGE_CHECK(write_at(file, 16 * minishard.number, range, path));
      at += index.size();
    }
    // Behind the last minishard the shard index is zeros, also when nothing follows it.
    if (::ftruncate(file, static_cast<off_t>(front_bytes() + at)) != 0) return write_error(path, "cannot be written");
    return {};
  }

  // A value that does not unpack is for `check` to tell: the shard stays as it is.
  std::optional<Bytes> unpack_zlib_value(const Bytes& bytes) {
    auto plain = unpack_shard_gzip(bytes, key_, kMaxPackedBytes);
    is_sound_ = plain.has_value();
    if (!plain) return std::nullopt;
    return std::move(*plain);
  }

  Store& store_;
  const ShardingSpec spec_;
  const std::string key_, name_;
  const std::stop_token& stop_;
  bool is_sound_ = true, has_zlib_ = false;
  std::vector<Minishard> minishards_;
  GzipCompressor value_packer_{kValueLevel}, index_packer_{kIndexLevel};
};

class Repair {
 public:
  Repair(std::shared_ptr<Store> store, const RunOptions& run) : store_(std::move(store)), run_(with_defaults(run)) {}

  Result<std::vector<std::string>> run() {
    NGFORGE_CHECK(mend_info());
    const auto volume = PrecomputedVolume::open(store_);
    if (!volume) return std::move(mended_);  // `check` tells why
    for (const ScaleInfo& scale : (*volume)->info().scales)
      if (scale.sharding && (scale.sharding->gzip_index || scale.sharding->gzip_data)) NGFORGE_CHECK(mend_scale(scale));
    return std::move(mended_);
  }

 private:
  Result<void> mend_info() {
    const auto bytes = get_decoded(*store_, "info", kMaxInfoBytes);
    if (!bytes) return {};
    auto json = parse_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, "info");
    if (!json || !correct(*json)) return {};
    FolderWriter folder;
    NGFORGE_CHECK(folder.open(store_->describe()));
    const std::string text = dump_json(*json);
    NGFORGE_CHECK(folder.write_synced("info", std::as_bytes(std::span(text))));
    mended_.emplace_back("info: sharding is as the viewer reads it");
    return {};
  }

  Result<void> mend_scale(const ScaleInfo& scale) {
    const auto names = store_->list(scale.key + "/");
    if (!names) return {};
    std::vector<std::string> shards;
    for (const std::string& name : *names)
      if (name.ends_with(".shard")) shards.push_back(name);
    FolderWriter folder;
    NGFORGE_CHECK(folder.open(store_->describe() + "/" + scale.key));
    std::mutex mutex;  // guards error, done and mended_
    std::optional<Error> error;
    std::vector<std::string> lines;
    std::uint64_t done = 0;
    {
      ThreadPool pool(run_.threads);
      pool.submit_each(static_cast<Index>(shards.size()), [&](int, Index i) {
        const std::string& name = shards[static_cast<std::size_t>(i)];
        Result<bool> mended = false;
        try {
          mended = ShardRepair(*store_, scale, name, run_.stop).run(folder);
        } catch (const std::bad_alloc&) {
          mended = make_error(ErrorCode::internal, "the machine has no memory left");
        }
        const std::lock_guard lock(mutex);
        if (!mended && !error) error = std::move(mended).error();
        if (mended && *mended) lines.push_back(fmt::format("{}/{}: zlib is gzip now", scale.key, name));
        if (run_.on_progress) run_.on_progress({"mending", ++done, shards.size(), "shards"});
      });
    }
    if (error) return std::move(*error);
    std::ranges::sort(lines);
    mended_.insert(mended_.end(), lines.begin(), lines.end());
    return {};
  }

  const std::shared_ptr<Store> store_;
  const RunOptions run_;
  std::vector<std::string> mended_;
};

}  // namespace

Result<std::vector<std::string>> repair_dataset(const std::string& place, const RunOptions& run) {
  NGFORGE_TRY(const auto store, open_dataset_store(place));
  if (store->describe().find("://") != std::string::npos)
    return make_error(ErrorCode::unsupported, "--repair: expected a folder on this machine, found {}", place);
  return Repair(store, run).run();
}

}  // namespace ngforge
