// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"

namespace ngforge::cli {
namespace {

constexpr int kFoundSomething = 3;

struct Options {
  std::string place;
  bool json = false;
  CheckOptions check;
  RunGroup run;
};

void print_json(const CheckReport& report) {
  auto json = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings)
    json.push_back(
        {{"code", finding.code}, {"where", finding.where}, {"message", finding.message}, {"hint", finding.hint}});
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, decltype(json)::error_handler_t::replace).c_str());
}

void print_text(const CheckReport& report, const std::string& place) {
  for (const Finding& finding : report.findings)
    fmt::print("{}: {}: {}{}{}\n", finding.code, finding.where, finding.message, finding.hint.empty() ? "" : "; ",
               finding.hint);
  for (const std::string& line : report.mended) fmt::print("mended: {}\n", line);
  std::uint64_t stored = 0, empty = 0;
  for (const ScaleReport& scale : report.scales) {
    stored += scale.stored_chunks;
    empty += scale.empty_chunks;
  }
  fmt::print("{}: {} finding{} in {} scale{}: {} chunks stored, {} empty\n", place, report.findings.size(),
             report.findings.size() == 1 ? "" : "s", report.scales.size(), report.scales.size() == 1 ? "" : "s", stored,
             empty);
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_place(app, "SOURCE", options->place, "A dataset");
  app.add_flag("--json", options->json, "A list of findings as JSON");
  app.add_flag("--repair", options->check.repair, "Mend what can be mended without changing a voxel, then check");
  options->run.add_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_TRY(const RunOptions run, options->run.resolve(context));
    auto report = check(options->place, options->check, run);
    context.teller->end();
    if (!report) return std::move(report).error();
    if (options->json)
      print_json(*report);
    else
      print_text(*report, options->place);
    return report->findings.empty() ? 0 : kFoundSomething;
  };
}

}  // namespace

extern const CommandDescriptor check_command;
const CommandDescriptor check_command{.name = "check",
                                      .summary = "Find everything that is wrong with a dataset, and say what to do",
                                      .example = "ngforge check scan/",
                                      .add = add};

}  // namespace ngforge::cli
