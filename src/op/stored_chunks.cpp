// SPDX-License-Identifier: Apache-2.0
#include "op/stored_chunks.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <deque>
#include <new>
#include <optional>
#include <set>

#include "core/byte_cursor.h"
#include "layout/sharding.h"
#include "pipeline/thread_pool.h"
#include "store/http.h"
#include "store/viewer_names.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kIndexPart = 4096;  // minishards whose place is read at once
constexpr int kConnections = 8;             // to a server that lists nothing
constexpr std::size_t kAskedAtOnce = 1024;  // names
constexpr const char* kMendByConverting = "convert the volume again, or restore the file from a copy";

std::optional<GridVec> cell_of(const ScaleInfo& scale, const Box& box, const std::array<Index, 3>& chunk_size) {
  const std::array<Index, 3>&offset = scale.voxel_offset, &size = scale.size_xyz;
  GridVec cell;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    const Index begin = box.begin[a] - offset[i], end = box.end[a] - offset[i];
    if (begin < 0 || begin >= size[i] || begin % chunk_size[i] != 0) return std::nullopt;
    if (end != std::min(begin + chunk_size[i], size[i])) return std::nullopt;
    cell[a] = begin / chunk_size[i];
  }
  return cell;
}

bool ends_run(const Error& error) {
  return error.code == ErrorCode::cancelled || error.code == ErrorCode::internal;
}

class ScaleListing {
 public:
  ScaleListing(Store& store, const ScaleInfo& scale, int number, FindingList& findings, const std::stop_token& stop)
      : store_(store), scale_(scale), number_(number), findings_(findings), stop_(stop), grid_(scale.grid_shape()) {}

  Result<StoredChunks> run() {
    NGFORGE_CHECK(list("", 0));
    std::sort(stored_.damaged.begin(), stored_.damaged.end());
    std::sort(stored_.cells.begin(), stored_.cells.end());
    const auto last = std::unique(stored_.cells.begin(), stored_.cells.end());
    if (last != stored_.cells.end())
      find(FindingCode::double_chunk, scale_.key,
           fmt::format("expected each chunk once, found {} more than once ({}): readers differ in which they take",
                       std::distance(last, stored_.cells.end()),
                       scale_.sharding ? "equal keys in a shard" : "plain and .gz names, or flat and deep ones"),
           scale_.sharding ? kMendByConverting : "remove the older files");
    stored_.cells.erase(last, stored_.cells.end());
    return std::move(stored_);
  }

 private:
  void find(FindingCode code, std::string where, std::string message, std::string hint) {
    findings_.add(number_, code, std::move(where), std::move(message), std::move(hint));
  }
  std::string key_of(const std::string& path) const { return fmt::format("{}/{}", scale_.key, path); }

  Result<void> find_unreadable(const std::string& path, const Error& error) {
    if (ends_run(error)) return error;
    find(FindingCode::unreadable_file, key_of(path), error.message + ": the viewer shows nothing of it",
         "see that it is a file (or folder) and may be read");
    stored_.is_incomplete = true;
    return {};
  }

  Result<void> check_stop() const {
    if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    return {};
  }

  // Names below the scale's folder; those of the deep layout have two folders above the file.
  Result<void> list(const std::string& folder, int depth) {
    Result<void> added;
    const auto listed = store_.visit_names(scale_.key + "/" + folder, [&](const std::string& name) {
      added = add_name(folder, name, depth);
      return added;
    });
    if (!added) return added;
    if (listed) return {};
    // Web servers that list no folder say so in many ways.
    if (depth == 0 && (listed.error().code == ErrorCode::unsupported || is_web_server(store_))) return ask_for_names();
    if (depth == 0 && listed.error().code == ErrorCode::not_found) return {};
    return find_unreadable(folder, listed.error());
  }

  Result<void> add_name(const std::string& folder, const std::string& name, int depth) {
    NGFORGE_CHECK(check_stop());
    stored_.has_files = true;
    const std::string path = folder + name;
    if (!name.ends_with('/')) return add_path(path, nullptr);
    if (!scale_.sharding && depth < 2) return list(path, depth + 1);
    find_stray(path);
    return {};
  }

  // `asked`: what the store says of it, if it was asked already.
  Result<void> add_path(const std::string& path, const Result<ObjectInfo>* asked) {
    return scale_.sharding ? add_shard(path, asked) : add_file(path, asked);
  }

  // A server that lists nothing: every name of the grid is asked for. Answers are taken in the order of the grid.
  Result<void> ask_for_names() {
    stored_.was_listed = false;
    ThreadPool pool(kConnections);
    std::set<std::uint64_t> seen;  // shards
    std::vector<std::string> paths;
    for (Index number = 0; number < grid_.product(); ++number) {
      const GridVec cell = cell_of_number(number, grid_);
      if (!scale_.sharding) {
        paths.push_back(chunk_name(scale_.chunk_box(cell)));
      } else {
        const std::uint64_t shard = shard_place(*scale_.sharding, encode_morton(cell, grid_)).shard;
        if (seen.insert(shard).second) paths.push_back(shard_file_name(*scale_.sharding, shard));
      }
      if (paths.size() < kAskedAtOnce && number + 1 < grid_.product()) continue;
      NGFORGE_CHECK(ask_for(paths, pool));
      paths.clear();
    }
    return {};
  }

  // A name or, on servers that do not map deep names (no flat one was there yet), the deep one, which `path` becomes.
  Result<ObjectInfo> ask_for_either(std::string& path) {
    Result<ObjectInfo> answer = store_.stat(key_of(path));
    if (answer) has_asked_names_ = true;
    if (answer || answer.error().code != ErrorCode::not_found || has_asked_names_) return answer;
    for (const std::string& other : other_names(path)) {
      Result<ObjectInfo> deep = store_.stat(key_of(other));
      if (!deep && deep.error().code == ErrorCode::not_found) continue;
      path = other;
      return deep;
    }
    return answer;
  }

  Result<void> ask_for(std::vector<std::string>& paths, ThreadPool& pool) {
    std::vector<Result<ObjectInfo>> answers(paths.size(), ObjectInfo{});
    pool.submit_each(static_cast<Index>(paths.size()), [&](int, Index i) {
      Result<ObjectInfo>& answer = answers[static_cast<std::size_t>(i)];
      try {
        answer = stop_.stop_requested() ? make_error(ErrorCode::cancelled, "interrupted")
                                        : ask_for_either(paths[static_cast<std::size_t>(i)]);
      } catch (const std::bad_alloc&) {
        answer = make_error(ErrorCode::internal, "the machine has no memory left");
      }
    });
    pool.wait_idle();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      NGFORGE_CHECK(check_stop());
      if (!answers[i] && answers[i].error().code == ErrorCode::not_found) continue;
      stored_.has_files = true;
      NGFORGE_CHECK(add_path(paths[i], &answers[i]));
    }
    return {};
  }

  void find_stray(const std::string& path) {
    find(FindingCode::stray_file, key_of(path),
         "expected only chunks of the grid in info, found a name that no reader asks for: it is never shown",
         "remove it, or correct size, voxel_offset and chunk_sizes in info");
  }

  // The size of a file; nothing, and a finding, when it cannot be read.
  Result<std::optional<std::uint64_t>> add_object(const std::string& path, const Result<ObjectInfo>* asked) {
    const Result<ObjectInfo> object = asked != nullptr ? *asked : store_.stat(key_of(path));
    if (!object) {
      NGFORGE_CHECK(find_unreadable(path, object.error()));
      return std::optional<std::uint64_t>();
    }
    ++stored_.files;
    stored_.bytes += object->size;
    return std::optional(object->size);
  }

  Result<void> add_file(const std::string& path, const Result<ObjectInfo>* asked) {
    std::string name = path.ends_with(".gz") ? path.substr(0, path.size() - 3) : path;
    const bool is_deep = name.find('/') != std::string::npos;
    std::replace(name.begin(), name.end(), '/', '_');  // a deep name is a flat name in folders
    const auto box = parse_chunk_name(name);
    for (std::size_t i = 0; box && i < scale_.chunk_sizes.size(); ++i) {
      const auto cell = cell_of(scale_, *box, scale_.chunk_sizes[i]);
      if (!cell) continue;
      stored_.is_deep |= is_deep;
      NGFORGE_TRY(const auto size, add_object(path, asked));
      if (i == 0 && size) stored_.cells.push_back(cell_number(*cell, grid_));
      return {};
    }
    find_stray(path);
    return {};
  }

  Result<void> add_shard(const std::string& path, const Result<ObjectInfo>* asked) {
    std::uint64_t shard = 0;
    const auto parsed = std::from_chars(path.data(), path.data() + path.size(), shard, 16);
    const bool in_range = scale_.sharding->shard_bits >= 64 || shard >> scale_.sharding->shard_bits == 0;
    if (parsed.ec != std::errc{} || !in_range || shard_file_name(*scale_.sharding, shard) != path) {
      find_stray(path);
      return {};
    }
    NGFORGE_TRY(const auto size, add_object(path, asked));
    if (!size) return {};
    ShardListing listing{shard, path, *size, {}, {}, false};
    const auto listed = list_shard(listing);
    if (!listed) return find_unreadable(path, listed.error());
    find_overlaps(listing);
    if (listing.has_zlib)
      find(FindingCode::zlib_shard, key_of(path),
           "expected gzip as info says, found zlib, as neuroglancer-scripts writes it: the viewer shows nothing of it",
           "ngforge check --repair packs it anew");
    return {};
  }

  // Bytes behind the shard index that something claims.
  struct Range {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t number = 0;  // the key of a chunk, or the minishard whose index it is
  };
  struct ShardListing {
    std::uint64_t shard = 0;
    std::string path;
    std::uint64_t file_bytes = 0;
    std::deque<Range> values;  // grows without being copied
    std::vector<Range> indices;
    bool has_zlib = false;
  };

  std::string name_of_chunk(std::uint64_t key) const { return chunk_name(scale_.chunk_box(decode_morton(key, grid_))); }

  // Errors: those of the store.
  Result<void> list_shard(ShardListing& listing) {
    const std::string key = key_of(listing.path);
    const std::uint64_t index_bytes = shard_index_bytes(*scale_.sharding);
    if (listing.file_bytes < index_bytes) {
      find(FindingCode::bad_shard, key,
           fmt::format("expected a shard index of {} bytes, found a file of {}: nothing in it can be shown",
                       index_bytes, listing.file_bytes),
           kMendByConverting);
      stored_.is_incomplete = true;
      return {};
    }
    const std::uint64_t minishards = std::uint64_t{1} << scale_.sharding->minishard_bits;
    for (std::uint64_t first = 0; first < minishards; first += kIndexPart) {
      NGFORGE_CHECK(check_stop());
      const std::uint64_t count = std::min(kIndexPart, minishards - first);
      NGFORGE_TRY(const Bytes part, store_.get_range(key, {16 * first, 16 * count}));
      for (std::uint64_t i = 0; i < count; ++i) {
        const Range range{load<std::uint64_t>(part.data() + 16 * i), load<std::uint64_t>(part.data() + 16 * i + 8),
                          first + i};
        if (range.begin != range.end) NGFORGE_CHECK(list_minishard(range, listing));
      }
    }
    return {};
  }

  Result<void> list_minishard(const Range& range, ShardListing& listing) {
    const std::string key = key_of(listing.path);
    const std::uint64_t index_bytes = shard_index_bytes(*scale_.sharding);
    const std::uint64_t value_bytes = listing.file_bytes - index_bytes;
    const auto bad = [&](const std::string& message) {
      find(FindingCode::bad_minishard, key,
           fmt::format("minishard {}: {}: its chunks cannot be shown", range.number, message), kMendByConverting);
      stored_.is_incomplete = true;
      return Result<void>();
    };
    if (range.begin > range.end || range.end > value_bytes || range.end - range.begin > kMaxIndexBytes)
      return bad(fmt::format("expected its index inside the file's {} bytes, found {} to {}", value_bytes, range.begin,
                             range.end));
    std::vector<ShardEntry> entries;
    {
      NGFORGE_TRY(Bytes bytes, store_.get_range(key, {index_bytes + range.begin, range.end - range.begin}));
      if (scale_.sharding->gzip_index) {
        listing.has_zlib |= looks_like_zlib(bytes);
        auto plain = unpack_shard_gzip(bytes, "index", kMaxIndexBytes);
        if (!plain) return bad(plain.error().message);
        bytes = std::move(*plain);
      }
      auto decoded = decode_minishard_index(bytes, "index");
      if (!decoded) return bad(decoded.error().message);
      entries = std::move(*decoded);
    }
    listing.indices.push_back(range);
    bool is_sampled = false;
    for (const ShardEntry& entry : entries) {
      if (!add_entry(entry, range.number, value_bytes, listing) || is_sampled || entry.size < 2) continue;
      is_sampled = true;  // one value of each minishard tells how all are packed
      if (!scale_.sharding->gzip_data) continue;
      NGFORGE_TRY(const Bytes head, store_.get_range(key, {index_bytes + entry.offset, 2}));
      listing.has_zlib |= looks_like_zlib(head);
    }
    return {};
  }

  // Whether the entry's bytes lie in the file.
  bool add_entry(const ShardEntry& entry, std::uint64_t minishard, std::uint64_t value_bytes, ShardListing& listing) {
    const std::string key = key_of(listing.path);
    const GridVec cell = decode_morton(entry.key, grid_);
    const bool in_grid =
        cell.x < grid_.x && cell.y < grid_.y && cell.z < grid_.z && encode_morton(cell, grid_) == entry.key;
    if (!in_grid || shard_place(*scale_.sharding, entry.key) != ShardPlace{listing.shard, minishard}) {
      find(FindingCode::stray_chunk, key,
           fmt::format("minishard {}: expected chunks that belong here, found key {}{}: no reader asks for it",
                       minishard, entry.key, in_grid ? "" : ", which is not on the grid"),
           "correct size, chunk_sizes and sharding in info, or convert the volume again");
      return false;
    }
    const Index number = cell_number(cell, grid_);
    stored_.cells.push_back(number);
    if (entry.offset > value_bytes || entry.size > value_bytes - entry.offset) {
      find(FindingCode::cut_chunk, key,
           fmt::format(
               "chunk {}: expected its {} bytes at {} inside the file, found its end at {}: the viewer shows a hole",
               chunk_name(scale_.chunk_box(cell)), entry.size, entry.offset, value_bytes),
           kMendByConverting);
      stored_.damaged.push_back(number);
      return false;
    }
    listing.values.push_back({entry.offset, entry.offset + entry.size, entry.key});
    return true;
  }

  void find_overlaps(ShardListing& listing) {
    const auto by_begin = [](const Range& a, const Range& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.number < b.number;
    };
    std::sort(listing.values.begin(), listing.values.end(), by_begin);
    std::sort(listing.indices.begin(), listing.indices.end(), by_begin);
    struct Claim {
      Range range;
      bool is_index = false;
    } furthest;
    const auto name = [&](const Claim& claim) {
      return claim.is_index ? fmt::format("the index of minishard {}", claim.range.number)
                            : "chunk " + name_of_chunk(claim.range.number);
    };
    const auto damage = [&](const Claim& claim) {
      if (!claim.is_index) stored_.damaged.push_back(cell_number(decode_morton(claim.range.number, grid_), grid_));
    };
    auto value = listing.values.cbegin();
    auto index = listing.indices.cbegin();
    while (value != listing.values.cend() || index != listing.indices.cend()) {
      const bool is_index =
          value == listing.values.cend() || (index != listing.indices.cend() && by_begin(*index, *value));
      const Claim claim{is_index ? *index++ : *value++, is_index};
      if (claim.range.begin == claim.range.end) continue;
      if (claim.range.begin < furthest.range.end) {
        find(FindingCode::overlap, key_of(listing.path),
             fmt::format("expected values apart from each other, found {} and {} on the same bytes: one of them is "
                         "shown wrong",
                         name(furthest), name(claim)),
             kMendByConverting);
        damage(furthest);
        damage(claim);
      }
      if (claim.range.end > furthest.range.end) furthest = claim;
    }
  }

  Store& store_;
  const ScaleInfo& scale_;
  const int number_;
  FindingList& findings_;
  const std::stop_token& stop_;
  const GridVec grid_;
  StoredChunks stored_;
  std::atomic<bool> has_asked_names_ = false;  // a chunk was there under the name that the viewer asks for
};

}  // namespace

Index cell_number(const GridVec& cell, const GridVec& grid_shape) {
  return cell.x + grid_shape.x * (cell.y + grid_shape.y * cell.z);
}

GridVec cell_of_number(Index number, const GridVec& grid_shape) {
  const Index rows = number / grid_shape.x;
  return {number % grid_shape.x, rows % grid_shape.y, rows / grid_shape.y};
}

Result<StoredChunks> list_stored_chunks(Store& store, const ScaleInfo& scale, int scale_number, FindingList& findings,
                                        const std::stop_token& stop) {
  return ScaleListing(store, scale, scale_number, findings, stop).run();
}

}  // namespace ngforge
