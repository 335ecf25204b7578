// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/scales.h"
#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string dataset, scales, chunk_size;
  DownsampleOptions downsample;
  RunGroup run;
  bool json = false;
};

void print_json(const ScalesReport& report, bool is_plan) {
  Json json{{"destination", report.destination}};
  json["scales"] = Json::array();
  for (const ScaleReport& scale : report.scales) {
    Json item{{"key", scale.key},
              {"size", scale.size_xyz},
              {"voxel_offset", scale.voxel_offset},
              {"resolution", scale.resolution_nm},
              {"chunk_size", scale.chunk_size_xyz},
              {"chunks", scale.chunks}};
    if (!is_plan) {
      item["stored_chunks"] = scale.stored_chunks;
      item["empty_chunks"] = scale.empty_chunks;
      item["files"] = scale.files;
      item["bytes"] = scale.bytes;
    }
    json["scales"].push_back(std::move(item));
  }
  json["notices"] = report.notices;
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const ScalesReport& report, bool is_plan) {
  fmt::print("{}: {} coarser scale{}\n", report.destination, report.scales.size(),
             report.scales.size() == 1 ? "" : "s");
  for (const ScaleReport& scale : report.scales) {
    fmt::print("  {}: {} x {} x {} voxels, {} chunk{}", scale.key, scale.size_xyz[0], scale.size_xyz[1],
               scale.size_xyz[2], scale.chunks, scale.chunks == 1 ? "" : "s");
    if (!is_plan) fmt::print(", {} file{}, {}", scale.files, scale.files == 1 ? "" : "s", bytes_text(scale.bytes));
    fmt::print("\n");
  }
  for (const std::string& notice : report.notices) fmt::print("  note: {}\n", notice);
}

void add_options(CLI::App& app, Options& options) {
  add_place(app, "DATASET", options.dataset, "A precomputed volume, in a folder");
  app.add_option("--downsample", options.downsample.computation.downsample,
                 "How voxels become coarser ones [auto: average for images, majority for labels]")
      ->type_name("auto|average|majority|stride|min|max|median");
  app.add_option("--outside", options.downsample.computation.outside,
                 "What cells at the border average over: real voxels only, or a value beyond them [edge]")
      ->type_name("edge|V");
  app.add_option("--factor", options.downsample.factor,
                 "By what sizes are divided from scale to scale; a tuple for each step: 2,2,1;2,2,2 [those of info; "
                 "where it lists one scale: towards isotropic voxels]")
      ->type_name("auto|X,Y,Z");
  app.add_option("--scales", options.scales, "How many scales in all [those of info; else until one chunk holds all]")
      ->type_name("N");
  app.add_option("--chunk-size", options.chunk_size, "Of the coarser scales [those of info; else as convert does]")
      ->type_name("X,Y,Z");
  app.add_flag("--keep-empty", options.downsample.storage.keep_empty, "Write chunks of zeros too");
  app.add_flag("--dry-run", options.downsample.dry_run, "Print the plan and write nothing");
  app.add_flag("--json", options.json, "Print the result as one JSON object");
  options.run.add_to(app);
}

Result<DownsampleOptions> resolve(const Options& options) {
  DownsampleOptions downsample = options.downsample;
  if (!options.scales.empty()) {
    NGFORGE_TRY(const Index scales, parse_integer(options.scales, "--scales", 1, 64));
    downsample.scales = static_cast<int>(scales);
  }
  if (!options.chunk_size.empty()) {
    NGFORGE_TRY(downsample.chunk_size_xyz, parse_index_triple(options.chunk_size, "--chunk-size", 1, 2048));
  }
  return downsample;
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_options(app, *options);
  return [options, &context]() -> Result<int> {
    NGFORGE_TRY(const DownsampleOptions downsample, resolve(*options));
    NGFORGE_TRY(const RunOptions run, options->run.resolve(context));
    const auto report = downsample_scales(options->dataset, downsample, run);
    context.teller->end();
    if (!report) return report.error();
    if (options->json)
      print_json(*report, downsample.dry_run);
    else
      print_text(*report, downsample.dry_run);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor downsample_command;
const CommandDescriptor downsample_command{.name = "downsample",
                                           .summary = "Add or rebuild the coarser scales of a dataset",
                                           .example = "ngforge downsample brain/",
                                           .add = add};

}  // namespace ngforge::cli
