// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/ranges.h>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/texts.h"

namespace ngforge::cli::nine {
namespace {

struct Sums {
  std::uint64_t chunks = 0, directories = 0, bytes = 0;

  void add(const Sums& other) {
    chunks += other.chunks;
    directories += other.directories;
    bytes += other.bytes;
  }
  std::string text() const {
    return fmt::format("{} chunks, {} directories, raw uncompressed size {}B", with_commas(chunks),
                       with_commas(directories), readable_count(bytes));
  }
};

// Number of bits that choose a shard; nothing without shards.
Result<std::optional<Index>> shard_bits_of(const Json& scale, std::string_view where) {
  if (!scale.contains("sharding") || scale["sharding"].is_null()) return std::optional<Index>();
  NGFORGE_TRY(const Index bits, integer_member(scale["sharding"], "shard_bits", 0, where));
  return std::optional<Index>(std::min<Index>(bits, 63));
}

Result<Sums> print_scale(const Json& scale, std::uint64_t voxel_bytes, std::string_view where) {
  NGFORGE_TRY(const std::string key, text_member(scale, "key", where));
  NGFORGE_TRY(const auto size, integers_member(scale, "size", 1, where));
  NGFORGE_TRY(const auto shard_bits, shard_bits_of(scale, where));
  NGFORGE_TRY(const Json* const chunk_sizes, member(scale, "chunk_sizes", where));
  const std::string kind = shard_bits ? fmt::format("Sharded: {}bits", *shard_bits) : "Unsharded";
  Sums sums;
  for (const Json& sides : *chunk_sizes) {
    NGFORGE_TRY(const auto chunk, integers_member(Json{{"chunk_sizes", sides}}, "chunk_sizes", 1, where));
    Sums of_these{1, 0, voxel_bytes};
    std::array<std::uint64_t, 3> grid{};
    for (std::size_t a = 0; a < 3; ++a) {
      grid[a] = static_cast<std::uint64_t>(ceil_div(size[a], chunk[a]));
      of_these.chunks *= grid[a];
      of_these.bytes *= static_cast<std::uint64_t>(size[a]);
    }
    of_these.directories = shard_bits ? (std::uint64_t{1} << *shard_bits) + 1 : grid[0] * (1 + grid[1]);
    fmt::print("Scale {}, {}, chunk size [{}]: {}\n", key, kind, fmt::join(chunk, ", "), of_these.text());
    sums.add(of_these);
  }
  return sums;
}

std::uint64_t bytes_of_type(const std::string& type) {
  return type.ends_with("8") ? 1 : type.ends_with("16") ? 2 : type.ends_with("32") ? 4 : 8;
}

Result<int> run(const std::string& url) {
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(url));
  NGFORGE_TRY(const Json info, files.read_info());
  const std::string where = files.place() + "/info";
  NGFORGE_CHECK(check_info(info, where));
  NGFORGE_TRY(const std::string type, text_member(info, "data_type", where));
  NGFORGE_TRY(const Index channels, integer_member(info, "num_channels", 1, where));
  NGFORGE_TRY(const Json* const scales, scales_member(info, 0, where));
  Sums total;
  for (const Json& scale : *scales) {
    NGFORGE_TRY(const Sums sums, print_scale(scale, bytes_of_type(type) * static_cast<std::uint64_t>(channels), where));
    total.add(sums);
  }
  fmt::print("---\nTotal: {}\n", total.text());
  return 0;
}

Work add(Arguments& arguments) {
  auto url = std::make_shared<std::string>();
  arguments.add_place("url", *url, "folder or URL of the dataset");
  return [url](const std::stop_token&) { return run(*url); };
}

}  // namespace

extern const Descriptor scale_stats_command;
const Descriptor scale_stats_command{
    .name = "scale-stats",
    .summary = "Says how many chunks, directories and bytes the scales of a dataset have.",
    .example = "scale-stats brain/",
    .add = add};

}  // namespace ngforge::cli::nine
