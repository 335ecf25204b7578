// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const ScaleReport& scale, bool is_plan) {
  Json json{{"key", scale.key},
            {"size", scale.size_xyz},
            {"voxel_offset", scale.voxel_offset},
            {"resolution", scale.resolution_nm},
            {"chunk_size", scale.chunk_size_xyz},
            {"encoding", scale.encoding},
            {"chunks", scale.chunks}};
  if (!scale.sharding.empty()) json["sharding"] = scale.sharding;
  if (!is_plan) {
    json["stored_chunks"] = scale.stored_chunks;
    json["empty_chunks"] = scale.empty_chunks;
  }
  json["files"] = scale.files;
  json["bytes"] = scale.bytes;
  return json;
}

void print_json(const ConvertReport& report, bool is_plan) {
  Json json{{"destination", report.destination},
            {"format", report.format},
            {"type", report.type},
            {"data_type", report.data_type},
            {"num_channels", report.channels}};
  json["scales"] = Json::array();
  for (const ScaleReport& scale : report.scales) json["scales"].push_back(to_json(scale, is_plan));
  if (is_plan) {
    json["is_exact"] = report.is_exact;
    json["peak_memory_bytes"] = report.peak_memory_bytes;
    json["scratch_bytes"] = report.scratch_bytes;
  }
  if (report.was_complete) json["was_complete"] = true;
  json["notices"] = report.notices;
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

// `told`: notices that were printed while the work went on.
void print_text(const ConvertReport& report, bool is_plan, const std::vector<std::string>& told) {
  fmt::print("{}: {}, {}, {}, {} channel{}\n", report.destination, report.format, report.type, report.data_type,
             report.channels, report.channels == 1 ? "" : "s");
  const char* most = is_plan && !report.is_exact ? "at most " : "";
  for (const ScaleReport& scale : report.scales) {
    fmt::print("  {}: {} x {} x {} voxels, {} chunk{} of {} x {} x {}", scale.key, scale.size_xyz[0], scale.size_xyz[1],
               scale.size_xyz[2], scale.chunks, scale.chunks == 1 ? "" : "s", scale.chunk_size_xyz[0],
               scale.chunk_size_xyz[1], scale.chunk_size_xyz[2]);
    if (!is_plan && scale.empty_chunks > 0) fmt::print(" ({} empty)", scale.empty_chunks);
    fmt::print(", {}{} file{}, {}{}\n", most, scale.files, scale.files == 1 ? "" : "s", most, bytes_text(scale.bytes));
  }
  if (is_plan)
    fmt::print("  memory {}, scratch {}\n", bytes_text(report.peak_memory_bytes), bytes_text(report.scratch_bytes));
  for (const std::string& notice : report.notices)
    if (std::find(told.begin(), told.end(), notice) == told.end()) fmt::print("  note: {}\n", notice);
}

struct Options {
  std::vector<std::string> sources;
  std::string destination;
  VolumeGroup volume;
  RunGroup run;
  ConvertOptions convert;
  bool json = false;
};

Result<int> run_surface(const Options& options, const RunOptions& run) {
  NGFORGE_TRY(const SurfaceReport report, convert_surface(options.sources, options.destination, options.convert, run));
  const auto& [low, high] = report.bounds_mm;
  if (options.json) {
    const Json json{{"destination", report.destination},
                    {"format", report.format},
                    {"source_format", report.source_format},
                    {"vertices", report.vertices},
                    {"triangles", report.triangles},
                    {"bounds_mm", report.bounds_mm},
                    {"bytes", report.bytes}};
    fmt::print("{}\n", json.dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}: {}, from {}, {} vertices, {} triangles, {}\n", report.destination, report.format,
             report.source_format, report.vertices, report.triangles, bytes_text(report.bytes));
  fmt::print("  x {:.6g} to {:.6g}, y {:.6g} to {:.6g}, z {:.6g} to {:.6g} mm\n", low[0], high[0], low[1], high[1],
             low[2], high[2]);
  return 0;
}

Result<int> run(Options& options, const CommandContext& context) {
  NGFORGE_TRY(static_cast<VolumeOptions&>(options.convert), options.volume.resolve());
  NGFORGE_TRY(RunOptions run, options.run.resolve(context));
  if (is_surface_file(options.destination)) {
    NGFORGE_CHECK(options.volume.refuse("the surface file " + options.destination));
    return run_surface(options, run);
  }
  std::vector<std::string> told;
  if (run.on_notice)
    run.on_notice = [&told, print = run.on_notice](const std::string& notice) {
      told.push_back(notice);
      print(notice);
    };
  auto report = convert(options.sources, options.destination, options.convert, run);
  context.teller->end();
  if (!report) return std::move(report).error();
  if (report->was_complete) fmt::print(stderr, "ngforge: {} is finished already\n", report->destination);
  // What a finished destination holds is not counted again: its report is the plan.
  if (options.json)
    print_json(*report, options.convert.dry_run || report->was_complete);
  else if (report->was_complete)
    return 0;
  else
    print_text(*report, options.convert.dry_run, told);
  return 0;
}

// CLI11 gives a list of places all that comes, the destination too, when options follow.
void add_sources(CLI::App& app, std::vector<std::string>& sources) {
  const auto take = [&app, &sources](const std::vector<std::string>& places) {
    sources = places;
    CLI::Option* const destination = app.get_option("DESTINATION");
    if (destination->count() > 0 || sources.size() < 2) return;
    destination->add_result(sources.back());
    sources.pop_back();
  };
  const auto check = [](const std::string& value) {
    return value.empty() ? std::string("expected a path or URL, found \"\"") : std::string();
  };
  app.add_option_function<std::vector<std::string>>(
         "SOURCE", take,
         "A volume file, a dataset or - for standard input; or slices: image files, a pattern in quotes, a folder for "
         "each channel")
      ->required()
      ->type_name("")
      ->check(CLI::Validator(check, ""));
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_sources(app, options->sources);
  add_place(app, "DESTINATION", options->destination,
            "A new folder (NAME.zarr: OME-Zarr), or a file: .nii, .nii.gz, .mgz, .tif, .npy; surfaces: .vtk, .obj, "
            ".ply, .stl, "
            ".gii");
  options->volume.add_to(app, true);
  app.add_flag("--dry-run", options->convert.dry_run, "Print the plan and write nothing");
  app.add_flag("--resume", options->convert.resume, "Go on where an earlier run stopped");
  app.add_flag("--overwrite", options->convert.overwrite, "Replace the destination once the new one is complete");
  app.add_flag("--json", options->json, "Print the result as one JSON object");
  options->run.add_to(app);
  return [options, &context] { return run(*options, context); };
}

}  // namespace

extern const CommandDescriptor convert_command;
const CommandDescriptor convert_command{
    .name = "convert",
    .summary = "Turn a volume into a dataset with all scales, or a dataset back into a file",
    .example = "ngforge convert scan.nii.gz scan/",
    .add = add};

}  // namespace ngforge::cli
