// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"

namespace ngforge::cli {
namespace {

struct Options {
  bool json = false;
  RunGroup run;
};

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_flag("--json", options->json, "One JSON object");
  options->run.add_told_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_CHECK(options->run.resolve(context));
    std::fputs(list_formats(options->json).c_str(), stdout);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor formats_command;
const CommandDescriptor formats_command{
    .name = "formats",
    .summary = "List every source, encoding, layout and store that this build knows",
    .example = "ngforge formats",
    .add = add};

}  // namespace ngforge::cli
