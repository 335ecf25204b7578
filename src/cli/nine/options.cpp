// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/options.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "cli/nine/nine.h"
#include "cli/options.h"

namespace ngforge::cli::nine {

void add_kind_options(Arguments& arguments, std::optional<std::string>& type, std::optional<std::string>& encoding) {
  arguments.add_choice("--type", {"image", "segmentation"}, type,
                       "type of the dataset (default: as described, else image)");
  arguments.add_choice("--encoding", {"raw", "jpeg", "compressed_segmentation"}, encoding,
                       "encoding of chunks (default: as described, else raw)");
}

void add_storage_options(Arguments& arguments, StorageOptions& options, bool has_chunks) {
  arguments.begin_group("How files are stored");
  arguments.add_flag({"--no-gzip", "--no-compression"}, options.has_gzip, false, "no gzip around files");
  const auto take_level = [&options](const std::string& text) -> std::optional<std::string> {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), options.level);
    if (code != std::errc{} || end != text.data() + text.size()) return fmt::format("invalid int value: '{}'", text);
    if (options.level >= 0 && options.level <= 9) return std::nullopt;
    return fmt::format("invalid choice: {} (choose from 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", options.level);
  };
  arguments.add_value("--compresslevel", "{0,1,2,3,4,5,6,7,8,9}", take_level, "level of gzip (default: 9)");
  if (has_chunks)
    arguments.add_flag({"--flat"}, options.is_flat, true,
                       "all chunks of a scale in one folder, under the names that viewers ask for; without it they lie "
                       "in folders by axis, for which a web server must rewrite names (ngforge serve does)");
}

ChunkStorage chunk_storage(const StorageOptions& options) {
  constexpr int kJpegQuality = 95;
  return {.layout = options.is_flat ? "flat" : "deep",
          .compress = options.has_gzip ? "gzip" : "none",
          .level = options.level,
          .encoding_options = {{"jpeg-quality", kJpegQuality}},
          .keep_empty = true};
}

int encoding_choice(const std::string& option, const std::string& value) {
  for (const EncodingOption& known : all_encoding_options())
    if (known.name == option)
      return known.low + static_cast<int>(std::ranges::find(known.names, value) - known.names.begin());
  return 0;
}

void add_downscaling_options(Arguments& arguments, DownscalingOptions& options) {
  arguments.begin_group("How coarser scales are computed");
  arguments.add_choice("--downscaling-method", {"auto", "average", "majority", "stride"}, options.method,
                       "auto is average for images and stride for segmentations, for which majority is better "
                       "(default: auto)");
  arguments.add_number("--outside-value", options.outside_value,
                       "what is beyond the volume for average (default: its border is averaged without)");
}

ScaleComputation computation_of(const DownscalingOptions& options, const Json& info) {
  ScaleComputation computation;
  computation.downsample = options.method.value_or("auto");
  if (computation.downsample == "auto")
    computation.downsample = info.value("type", Json()) == "image" ? "average" : "stride";
  if (options.outside_value && computation.downsample == "average")
    computation.outside = fmt::format("{}", *options.outside_value);
  return computation;
}

Result<int> run_with_progress(const std::stop_token& stop,
                              const std::function<Result<ScalesReport>(const RunOptions&)>& work) {
  const RunGroup group;
  const CommandContext context{stop};
  NGFORGE_TRY(RunOptions run, group.resolve(context));
  std::set<std::string> told;
  run.on_notice = [&](const std::string& notice) {
    context.teller->end();
    if (told.insert(notice).second) tell("WARNING", notice);
  };
  const auto report = work(run);
  context.teller->end();
  if (!report) return report.error();
  for (const std::string& notice : report->notices) run.on_notice(notice);
  return 0;
}

}  // namespace ngforge::cli::nine
