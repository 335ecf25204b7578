// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/surfaces.h"
#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPrinted = 20;

void print_json(const SurfacesReport& report) {
  Json json{{"destination", report.destination}, {"format", report.format}, {"layout", report.layout}};
  json["labels"] = Json::array();
  for (const SurfaceLabelReport& label : report.labels) {
    Json item{{"label", label.label}, {"triangles", label.triangles}, {"replaced", label.was_there}};
    if (!label.name.empty()) item["name"] = label.name;
    json["labels"].push_back(std::move(item));
  }
  json["files"] = report.files;
  json["bytes"] = report.bytes;
  if (report.named > 0) json["named"] = report.named;
  json["notices"] = report.notices;
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const SurfacesReport& report, bool is_plan) {
  fmt::print("{}: {} meshes, {}, {} label{}", report.destination, report.format, report.layout, report.labels.size(),
             report.labels.size() == 1 ? "" : "s");
  if (!is_plan) fmt::print(", {} file{}, {}", report.files, report.files == 1 ? "" : "s", bytes_text(report.bytes));
  fmt::print("\n");
  for (std::size_t i = 0; i < report.labels.size() && i < kMostPrinted; ++i) {
    const SurfaceLabelReport& label = report.labels[i];
    fmt::print("  {}{}{}: {}{}\n", label.label, label.name.empty() ? "" : " ", label.name,
               label.triangles == 0 ? "fragments that are there" : fmt::format("{} triangles", label.triangles),
               label.was_there ? ", replaced" : "");
  }
  if (report.labels.size() > kMostPrinted) fmt::print("  and {} more\n", report.labels.size() - kMostPrinted);
  if (report.named > 0) fmt::print("  {} of them named and coloured in the segment properties\n", report.named);
  for (const std::string& notice : report.notices) fmt::print("  note: {}\n", notice);
}

/// Options as they are typed.
struct Options {
  std::vector<std::string> places;
  std::string label, coord_transform;
  bool json = false;
  SurfacesOptions surfaces;
  RunGroup run;
};

Result<std::uint64_t> parse_label(std::string_view text) {
  std::uint64_t label = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), label);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return make_error(ErrorCode::invalid_argument, "--label: expected a whole number below 2^64, found \"{}\"", text);
  return label;
}

// Rows of a matrix, three or four of four numbers.
Result<Affine> parse_affine(std::string_view text) {
  constexpr std::string_view kOption = "--coord-transform";
  std::vector<double> numbers;
  while (true) {
    const auto comma = text.find(',');
    NGFORGE_TRY(numbers.emplace_back(), parse_number(text.substr(0, comma), kOption));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (numbers.size() != 12 && numbers.size() != 16)
    return make_error(ErrorCode::invalid_argument, "{}: expected 12 or 16 numbers, found {}", kOption, numbers.size());
  Affine affine;
  for (std::size_t i = 0; i < numbers.size(); ++i) affine.m[i / 4][i % 4] = numbers[i];
  const auto& m = affine.m;
  const double determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                             m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                             m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  if (m[3] != std::array<double, 4>{0, 0, 0, 1} || determinant == 0)
    return make_error(ErrorCode::invalid_argument,
                      "{}: expected a matrix with an inverse, and 0,0,0,1 as its last row, found another", kOption);
  return affine;
}

Result<SurfacesOptions> resolve(const Options& options) {
  SurfacesOptions surfaces = options.surfaces;
  if (!options.label.empty()) {
    NGFORGE_TRY(surfaces.label, parse_label(options.label));
  }
  if (!options.coord_transform.empty()) {
    NGFORGE_TRY(surfaces.coord_transform, parse_affine(options.coord_transform));
  }
  return surfaces;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("PLACES", options.places, "Surface files, and behind them the segmentation, in a folder")
      ->required()
      ->type_name("");
  app.add_option("--label", options.label, "The label of all these files; with --regions, added to their numbers")
      ->type_name("N");
  app.add_option("--labels", options.surfaces.table,
                 "A table: label, file, file ... in each line; legacy meshes may name fragments that are there")
      ->type_name("TABLE");
  app.add_option("--regions", options.surfaces.regions,
                 "The region of each vertex (.label.gii, .annot): a mesh for each, at the label of its number")
      ->type_name("FILE");
  app.add_option("--coord-transform", options.coord_transform,
                 "12 or 16 numbers, row by row: the files' millimetres to those of the world")
      ->type_name("A,B,...");
  add_mesh_folder(app, options.surfaces, "as what is there, else multires",
                  "as what is there, else sharded; legacy: flat");
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_options(app, *options);
  app.add_flag("--dry-run", options->surfaces.dry_run, "Read everything and write nothing");
  app.add_flag("--overwrite", options->surfaces.overwrite, "Replace the meshes of labels that have one");
  app.add_flag("--json", options->json, "Print the result as one JSON object");
  options->run.add_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_TRY(const SurfacesOptions surfaces_options, resolve(*options));
    NGFORGE_TRY(const RunOptions run, options->run.resolve(context));
    const std::string dataset = options->places.back();
    options->places.pop_back();
    const auto report = surfaces(options->places, dataset, surfaces_options, run);
    context.teller->end();
    if (!report) return report.error();
    if (options->json)
      print_json(*report);
    else
      print_text(*report, surfaces_options.dry_run);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor surfaces_command;
const CommandDescriptor surfaces_command{.name = "surfaces",
                                         .summary = "Put surface files under labels of a segmentation",
                                         .example = "ngforge surfaces lh.pial.gii seg/ --label 1",
                                         .add = add};

}  // namespace ngforge::cli
