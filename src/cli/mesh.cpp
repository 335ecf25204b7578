// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"
#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_json(const MeshReport& report, bool is_plan) {
  Json json{{"destination", report.destination},
            {"format", report.format},
            {"layout", report.layout},
            {"scale", report.scale},
            {"max_error_nm", report.max_error_nm},
            {"node_voxels", report.node_voxels},
            {"nodes", report.nodes}};
  if (is_plan) {
    json["peak_memory_bytes"] = report.peak_memory_bytes;
    json["scratch_bytes"] = report.scratch_bytes;
  } else {
    json["labels"] = report.labels;
    json["levels"] = Json::array();
    for (const MeshLevelReport& level : report.levels)
      json["levels"].push_back({{"fragments", level.fragments},
                                {"triangles", level.triangles},
                                {"bytes", level.bytes},
                                {"error_nm", level.error_nm},
                                {"scale_nm", level.scale_nm}});
    json["files"] = report.files;
    json["bytes"] = report.bytes;
  }
  if (report.was_complete) json["was_complete"] = true;
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const MeshReport& report, bool is_plan) {
  fmt::print("{}: {} meshes, {}, of {}", report.destination, report.format, report.layout, report.scale);
  if (is_plan) {
    fmt::print("\n  {} node{} of {} x {} x {} voxels, error at most {}\n  memory {}, scratch about {} at most\n",
               report.nodes, report.nodes == 1 ? "" : "s", report.node_voxels[0], report.node_voxels[1],
               report.node_voxels[2], length_text(report.max_error_nm), bytes_text(report.peak_memory_bytes),
               bytes_text(report.scratch_bytes));
    return;
  }
  fmt::print(", {} label{}, {} file{}, {}\n", report.labels, report.labels == 1 ? "" : "s", report.files,
             report.files == 1 ? "" : "s", bytes_text(report.bytes));
  for (std::size_t l = 0; l < report.levels.size(); ++l) {
    const MeshLevelReport& level = report.levels[l];
    fmt::print("  level {}: {} triangles in {} fragment{}, error at most {}\n", l, level.triangles, level.fragments,
               level.fragments == 1 ? "" : "s", length_text(level.error_nm));
  }
}

/// Options as they are typed.
struct Options {
  std::string dataset;
  std::vector<std::string> labels;
  std::string excluded, max_error, bits, min_voxels, scale;
  bool json = false;
  MeshOptions mesh;
  RunGroup run;
};

// Labels with commas between them, appended to `labels`.
Result<void> parse_labels(std::string_view text, std::string_view option, std::vector<std::uint64_t>& labels) {
  while (true) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    std::uint64_t label = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), label);
    if (part.empty() || parsed.ec != std::errc{} || parsed.ptr != part.data() + part.size())
      return make_error(ErrorCode::invalid_argument, "{}: expected labels, whole numbers below 2^64, found \"{}\"",
                        option, part);
    labels.push_back(label);
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<MeshOptions> resolve(const Options& options) {
  MeshOptions mesh = options.mesh;
  for (const std::string& text : options.labels) NGFORGE_CHECK(parse_labels(text, "IDS", mesh.labels));
  if (!options.excluded.empty()) NGFORGE_CHECK(parse_labels(options.excluded, "--exclude", mesh.excluded));
  if (options.max_error == "0") {
    mesh.max_error_nm = 0;
  } else if (!options.max_error.empty()) {
    const auto length = parse_length_nm(options.max_error, "--max-error");
    if (!length)
      return make_error(ErrorCode::invalid_argument,
                        "--max-error: expected 0, or a length such as 8nm, 0.5um or 1mm, found \"{}\"",
                        options.max_error);
    mesh.max_error_nm = *length;
  }
  if (!options.bits.empty()) {
    NGFORGE_TRY(const Index bits, parse_integer(options.bits, "--quantization-bits", 1, 32));
    mesh.quantization_bits = static_cast<int>(bits);
  }
  if (!options.min_voxels.empty()) {
    NGFORGE_TRY(const Index voxels, parse_integer(options.min_voxels, "--min-voxels", 1, Index{1} << 53));
    mesh.min_voxels = static_cast<std::uint64_t>(voxels);
  }
  if (!options.scale.empty()) {
    NGFORGE_TRY(const Index scale, parse_integer(options.scale, "--scale", 0, 255));
    mesh.scale = static_cast<int>(scale);
  }
  return mesh;
}

void add_options(CLI::App& app, Options& options) {
  add_place(app, "DATASET", options.dataset, "A segmentation, in a folder");
  app.add_option("IDS", options.labels, "Labels (1 2 3 or 1,2,3); without them all are meshed")->type_name("");
  add_mesh_folder(app, options.mesh, "multires", "sharded; legacy: flat");
  app.add_option("--max-error", options.max_error,
                 "How far simplification may move the surface of the finest level; 0: not at all [the longest side of "
                 "a voxel, 40 nm at 32 x 32 x 40]")
      ->type_name("LENGTH");
  app.add_option("--quantization-bits", options.bits, "Bits of vertex positions in multires meshes [16]")
      ->type_name("10|16");
  app.add_option("--min-voxels", options.min_voxels, "Leave out labels of fewer voxels (of the scale that is meshed)")
      ->type_name("N");
  app.add_option("--exclude", options.excluded, "Labels to leave out: 1,2,3")->type_name("IDS");
  app.add_option("--scale", options.scale, "The scale to mesh; 0 is full resolution [0]")->type_name("N");
  app.add_flag("--open", options.mesh.is_open, "No faces where labels touch the border of the volume");
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_options(app, *options);
  app.add_flag("--dry-run", options->mesh.dry_run, "Print the plan and write nothing");
  app.add_flag("--resume", options->mesh.resume, "Take over what an earlier run left");
  app.add_flag("--overwrite", options->mesh.overwrite, "Replace the meshes once the new ones are complete");
  app.add_flag("--json", options->json, "Print the result as one JSON object");
  options->run.add_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_TRY(const MeshOptions mesh_options, resolve(*options));
    NGFORGE_TRY(const RunOptions run, options->run.resolve(context));
    const auto report = mesh(options->dataset, mesh_options, run);
    context.teller->end();
    if (!report) return report.error();
    if (report->was_complete) fmt::print(stderr, "ngforge: {} is finished already\n", report->destination);
    const bool is_plan = mesh_options.dry_run || report->was_complete;
    if (options->json)
      print_json(*report, is_plan);
    else if (!report->was_complete)
      print_text(*report, is_plan);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor mesh_command;
const CommandDescriptor mesh_command{.name = "mesh",
                                     .summary = "Make meshes for the labels of a segmentation",
                                     .example = "ngforge mesh seg/",
                                     .add = add};

}  // namespace ngforge::cli
