// SPDX-License-Identifier: Apache-2.0
#include "ngforge/properties.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/text.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string table, dataset, tags, columns, strings, numbers;
  bool has_tags = false, has_columns = false, json = false;
  PropertiesOptions properties;
  RunGroup run;
};

// "a,b"; "" is none.
std::vector<std::string> names_of(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (end > 0) names.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

std::string shown(const PropertyColumn& column) {
  if (column.type.empty()) return "left out";
  std::string text = column.type;
  if (!column.data_type.empty()) text += ", " + column.data_type;
  if (column.range) text += fmt::format(", {:.7g} to {:.7g}", (*column.range)[0], (*column.range)[1]);
  constexpr std::size_t kMost = 40;
  if (!column.example.empty())
    text += fmt::format(", such as \"{}\"",
                        column.example.size() <= kMost ? column.example : column.example.substr(0, kMost) + "...");
  if (!column.id.empty() && !column.name.empty() && column.id != column.name)
    text += fmt::format(", called {}", column.id);
  return text;
}

void print_text(const PropertiesReport& report) {
  if (!report.format.empty())
    fmt::print("{}: {}, {} row{}\n", report.table, report.format, report.rows, report.rows == 1 ? "" : "s");
  std::size_t width = 0;
  const auto name_of = [](const PropertyColumn& column) { return column.name.empty() ? column.id : column.name; };
  for (const PropertyColumn& column : report.columns) width = std::max(width, name_of(column).size());
  for (const PropertyColumn& column : report.columns)
    fmt::print("  {:{}}  {}{}\n", name_of(column), width, shown(column),
               column.name.empty() && !column.id.empty() ? ", measured" : "");
  for (const std::string& notice : report.notices) fmt::print("  note: {}\n", notice);
  fmt::print("{}: {} segment{}, {}\n", report.destination, report.segments, report.segments == 1 ? "" : "s",
             bytes_text(report.bytes));
}

void print_json(const PropertiesReport& report) {
  Json json{{"table", report.table.empty() ? Json() : Json(report.table)},
            {"format", report.format.empty() ? Json() : Json(report.format)},
            {"rows", report.rows},
            {"destination", report.destination},
            {"segments", report.segments},
            {"bytes", report.bytes}};
  json["columns"] = Json::array();
  for (const PropertyColumn& column : report.columns) {
    Json item{{"name", column.name.empty() ? Json() : Json(column.name)},
              {"id", column.id.empty() ? Json() : Json(column.id)},
              {"type", column.type.empty() ? Json() : Json(column.type)}};
    if (!column.data_type.empty()) item["data_type"] = column.data_type;
    if (column.range) item["range"] = *column.range;
    json["columns"].push_back(std::move(item));
  }
  json["notices"] = report.notices;
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

Result<int> run(Options& options, const CommandContext& context) {
  NGFORGE_TRY(const RunOptions run, options.run.resolve(context));
  PropertiesOptions& properties = options.properties;
  if (options.has_tags) properties.tags = names_of(options.tags);
  if (options.has_columns) properties.columns = names_of(options.columns);
  properties.strings = names_of(options.strings);
  properties.numbers = names_of(options.numbers);
  auto report = set_properties(options.table, options.dataset, properties, run);
  context.teller->end();
  if (!report) return std::move(report).error();
  if (options.json)
    print_json(*report);
  else
    print_text(*report);
  return 0;
}

void add_columns(CLI::App& app, Options& options) {
  const char* group = "Columns (by default found by their names)";
  PropertiesOptions& properties = options.properties;
  const auto add = [&](const char* name, std::string& value, const char* text) {
    return app.add_option(name, value, text)->type_name("COLUMN")->group(group);
  };
  add("--id", properties.id, "Labels");
  add("--label", properties.label, "Names");
  add("--description", properties.description, "Descriptions");
  add("--color", properties.color, "Colours: #rrggbb, or red,green,blue to 255");
  add("--tags", options.tags, "Tags, with , ; or | between them; \"\": none")->type_name("COLUMN,COLUMN");
  add("--columns", options.columns, "Which others to keep, as numbers or text; \"\": none [all]")
      ->type_name("COLUMN,COLUMN");
  add("--strings", options.strings, "Others that are text even if they look like numbers")->type_name("COLUMN,COLUMN");
  add("--numbers", options.numbers, "Others that must be numbers")->type_name("COLUMN,COLUMN");
  std::string names;
  for (const TableFormat& format : all_table_formats()) names += (names.empty() ? "" : "|") + format.name;
  app.add_option("--format", properties.format, "What the table is [found by the content]")
      ->type_name(names)
      ->group(group);
}

// What stands alone is the dataset.
void add_table(CLI::App& app, std::string& table) {
  const auto take = [&app, &table](const std::string& place) {
    CLI::Option* const dataset = app.get_option("DATASET");
    if (dataset->count() > 0)
      table = place;
    else
      dataset->add_result(place);
  };
  app.add_option_function<std::string>("TABLE", take,
                                       "A table of labels: CSV, TSV, BIDS dseg.tsv, a colour table of FreeSurfer or 3D "
                                       "Slicer, ITK-SNAP's labels, JSON; regions of a surface (.annot, .label.gii)")
      ->type_name("");
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_table(app, options->table);
  add_place(app, "DATASET", options->dataset, "A segmentation in a folder of this machine");
  add_columns(app, *options);
  app.add_flag(
      "--measure", options->properties.measure,
      "Voxels, volume and bounding box of every label that has voxels; without a TABLE added to what there is");
  app.add_flag("--present", options->properties.present, "Only labels that have voxels");
  app.add_option("--missing", options->properties.missing, "What stands for a number that is not there")
      ->type_name("NUMBER");
  app.add_flag("--round", options->properties.rounds, "Round numbers that float32 cannot hold exactly");
  app.add_flag("--overwrite", options->properties.overwrite, "Replace the properties that the dataset has");
  app.add_flag("--dry-run", options->properties.dry_run, "Print what the columns become and write nothing");
  app.add_flag("--json", options->json, "Print the result as one JSON object");
  options->run.add_to(app);
  CLI::Option* const tags = app.get_option("--tags");
  CLI::Option* const columns = app.get_option("--columns");
  return [options, tags, columns, &context] {
    options->has_tags = tags->count() > 0;
    options->has_columns = columns->count() > 0;
    return run(*options, context);
  };
}

}  // namespace

extern const CommandDescriptor properties_command;
const CommandDescriptor properties_command{.name = "properties",
                                           .summary = "Give segments names, tags, colours and numbers",
                                           .example = "ngforge properties names.csv seg/",
                                           .add = add};

}  // namespace ngforge::cli
