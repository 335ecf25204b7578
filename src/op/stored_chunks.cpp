// SPDX-License-Identifier: Apache-2.0
#include "op/stored_chunks.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/byte_cursor.h"
#include "layout/sharding.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kIndexPart = 4096;  // minishards whose place is read at once
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

class ScaleListing {
 public:
  ScaleListing(Store& store, const ScaleInfo& scale, int number, FindingList& findings, const std::stop_token& stop)
      : store_(store), scale_(scale), number_(number), findings_(findings), stop_(stop), grid_(scale.grid_shape()) {}

  Result<StoredChunks> run() {
    NGFORGE_CHECK(list("", 0));
    std::sort(stored_.cells.begin(), stored_.cells.end());
    const auto last = std::unique(stored_.cells.begin(), stored_.cells.end());
    if (last != stored_.cells.end())
      find("double-chunk", scale_.key,
           fmt::format("expected each chunk once, found {} more than once ({}): readers differ in which they take",
                       std::distance(last, stored_.cells.end()),
                       scale_.sharding ? "equal keys in a shard" : "plain and .gz names, or flat and deep ones"),
           scale_.sharding ? kMendByConverting : "remove the older files");
    stored_.cells.erase(last, stored_.cells.end());
    return std::move(stored_);
  }

 private:
  void find(const char* code, std::string where, std::string message, std::string hint) {
    findings_.add(number_, {code, std::move(where), std::move(message), std::move(hint)});
  }

  // Names below the scale's folder; those of the deep layout have two folders above the file.
  Result<void> list(const std::string& folder, int depth) {
    if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    auto names = store_.list(scale_.key + "/" + folder);
    if (!names && names.error().code == ErrorCode::not_found && depth == 0) return {};
    if (!names) return std::move(names).error();
    stored_.has_files |= !names->empty();
    for (const std::string& name : *names) {
      const std::string path = folder + name;
      if (name.ends_with('/')) {
        if (scale_.sharding || depth == 2)
          find_stray(path);
        else
          NGFORGE_CHECK(list(path, depth + 1));
        continue;
      }
      NGFORGE_CHECK(scale_.sharding ? add_shard(path) : add_file(path));
    }
    return {};
  }

  void find_stray(const std::string& path) {
    find("stray-file", fmt::format("{}/{}", scale_.key, path),
         "expected only chunks of the grid in info, found a name that no reader asks for",
         "remove it, or correct size, voxel_offset and chunk_sizes in info");
  }

  Result<void> add_object(const std::string& path) {
    NGFORGE_TRY(const ObjectInfo object, store_.stat(fmt::format("{}/{}", scale_.key, path)));
    ++stored_.files;
    stored_.bytes += object.size;
    return {};
  }

  Result<void> add_file(const std::string& path) {
    NGFORGE_CHECK(add_object(path));
    std::string name = path.ends_with(".gz") ? path.substr(0, path.size() - 3) : path;
    stored_.is_deep |= name.find('/') != std::string::npos;
    std::replace(name.begin(), name.end(), '/', '_');  // a deep name is a flat name in folders
    const auto box = parse_chunk_name(name);
    for (std::size_t i = 0; box && i < scale_.chunk_sizes.size(); ++i) {
      const auto cell = cell_of(scale_, *box, scale_.chunk_sizes[i]);
      if (!cell) continue;
      if (i == 0) stored_.cells.push_back(cell_number(*cell, grid_));
      return {};
    }
    find_stray(path);
    return {};
  }

  Result<void> add_shard(const std::string& path) {
    std::uint64_t shard = 0;
    const auto parsed = std::from_chars(path.data(), path.data() + path.size(), shard, 16);
    const bool in_range = scale_.sharding->shard_bits >= 64 || shard >> scale_.sharding->shard_bits == 0;
    if (parsed.ec != std::errc{} || !in_range || shard_file_name(*scale_.sharding, shard) != path) {
      find_stray(path);
      return {};
    }
    NGFORGE_CHECK(add_object(path));
    return list_shard(shard, path);
  }

  // Bytes behind the shard index that something claims.
  struct Range {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t number = 0;  // of the minishard whose index it is, or the key of the chunk
    bool is_index = false;
  };

  std::string name_of_range(const Range& range) const {
    return range.is_index ? fmt::format("the index of minishard {}", range.number)
                          : "chunk " + chunk_name(scale_.chunk_box(decode_morton(range.number, grid_)));
  }

  Result<void> list_shard(std::uint64_t shard, const std::string& path) {
    const std::string key = fmt::format("{}/{}", scale_.key, path);
    NGFORGE_TRY(const ObjectInfo object, store_.stat(key));
    const std::uint64_t index_bytes = shard_index_bytes(*scale_.sharding);
    if (object.size < index_bytes) {
      find("bad-shard", key,
           fmt::format("expected a shard index of {} bytes, found a file of {}: nothing in it can be shown",
                       index_bytes, object.size),
           kMendByConverting);
      return {};
    }
    std::vector<Range> ranges;
    const std::uint64_t minishards = std::uint64_t{1} << scale_.sharding->minishard_bits;
    for (std::uint64_t first = 0; first < minishards; first += kIndexPart) {
      if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
      const std::uint64_t count = std::min(kIndexPart, minishards - first);
      NGFORGE_TRY(const Bytes part, store_.get_range(key, {16 * first, 16 * count}));
      for (std::uint64_t i = 0; i < count; ++i) {
        const Range range{load<std::uint64_t>(part.data() + 16 * i), load<std::uint64_t>(part.data() + 16 * i + 8),
                          first + i, true};
        if (range.begin != range.end)
          NGFORGE_CHECK(list_minishard({shard, first + i}, range, object.size - index_bytes, key, ranges));
      }
    }
    find_overlaps(ranges, key);
    return {};
  }

  Result<void> list_minishard(const ShardPlace& place, const Range& range, std::uint64_t value_bytes,
                              const std::string& key, std::vector<Range>& ranges) {
    const auto bad = [&](const std::string& message) {
      find("bad-minishard", key, fmt::format("minishard {}: {}: its chunks cannot be shown", place.minishard, message),
           kMendByConverting);
      return Result<void>();
    };
    if (range.begin > range.end || range.end > value_bytes || range.end - range.begin > kMaxIndexBytes)
      return bad(fmt::format("expected its index inside the file's {} bytes, found {} to {}", value_bytes, range.begin,
                             range.end));
    NGFORGE_TRY(Bytes bytes,
                store_.get_range(key, {shard_index_bytes(*scale_.sharding) + range.begin, range.end - range.begin}));
    if (scale_.sharding->gzip_index) {
      auto plain = unpack_shard_gzip(bytes, "index", kMaxIndexBytes);
      if (!plain) return bad(plain.error().message);
      bytes = std::move(*plain);
    }
    const auto entries = decode_minishard_index(bytes, "index");
    if (!entries) return bad(entries.error().message);
    ranges.push_back(range);
    for (const ShardEntry& entry : *entries) add_entry(entry, place, value_bytes, key, ranges);
    return {};
  }

  void add_entry(const ShardEntry& entry, const ShardPlace& place, std::uint64_t value_bytes, const std::string& key,
                 std::vector<Range>& ranges) {
    const GridVec cell = decode_morton(entry.key, grid_);
    const bool in_grid =
        cell.x < grid_.x && cell.y < grid_.y && cell.z < grid_.z && encode_morton(cell, grid_) == entry.key;
    if (!in_grid || shard_place(*scale_.sharding, entry.key) != place) {
      find("stray-chunk", key,
           fmt::format("minishard {}: expected chunks that belong here, found key {}{}: no reader asks for it",
                       place.minishard, entry.key, in_grid ? "" : ", which is not on the grid"),
           "correct size, chunk_sizes and sharding in info, or convert the volume again");
      return;
    }
    if (entry.offset > value_bytes || entry.size > value_bytes - entry.offset) {
      find("cut-chunk", key,
           fmt::format(
               "chunk {}: expected its {} bytes at {} inside the file, found its end at {}: the viewer shows a hole",
               chunk_name(scale_.chunk_box(cell)), entry.size, entry.offset, value_bytes),
           kMendByConverting);
    } else {
      ranges.push_back({entry.offset, entry.offset + entry.size, entry.key, false});
    }
    stored_.cells.push_back(cell_number(cell, grid_));
  }

  void find_overlaps(std::vector<Range>& ranges, const std::string& key) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < ranges.size(); ++i)
      if (ranges[i].begin < ranges[i - 1].end)
        find("overlap", key,
             fmt::format(
                 "expected values apart from each other, found {} and {} on the same bytes: one of them is wrong",
                 name_of_range(ranges[i - 1]), name_of_range(ranges[i])),
             kMendByConverting);
  }

  Store& store_;
  const ScaleInfo& scale_;
  const int number_;
  FindingList& findings_;
  const std::stop_token& stop_;
  const GridVec grid_;
  StoredChunks stored_;
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
