// SPDX-License-Identifier: Apache-2.0
#include "cli/man.h"

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"

namespace ngforge::cli {
namespace {

struct Options {
  std::string format = "troff";
  bool json = false;
  RunGroup run;
};

Result<int> run(const Options& options, const CommandContext& context) {
  NGFORGE_CHECK(options.run.resolve(context));
  if (options.format != "troff" && options.format != "markdown")
    return make_error(ErrorCode::invalid_argument, "--format: expected troff|markdown, found \"{}\"", options.format);
  const Reference reference = context.reference();
  const std::string text = options.format == "troff" ? troff_manual(reference) : markdown_manual(reference);
  if (options.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"format", options.format}, {"text", text}}.dump(1));
  else
    std::fputs(text.c_str(), stdout);
  return 0;
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_option("--format", options->format, "For man, or as a page of documentation [troff]")
      ->type_name("troff|markdown");
  app.add_flag("--json", options->json, "Print one JSON object: the format and the text");
  options->run.add_told_to(app);
  return [options, &context] { return run(*options, context); };
}

}  // namespace

extern const CommandDescriptor man_command;
const CommandDescriptor man_command{
    .name = "man", .summary = "Print the manual page", .example = "ngforge man | man -l -", .add = add};

}  // namespace ngforge::cli
