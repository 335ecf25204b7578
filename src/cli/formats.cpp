// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "ngforge/op.h"

namespace ngforge::cli {
namespace {

CommandRun add(CLI::App& app, CommandContext&) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "One JSON object");
  return [json]() -> Result<int> {
    std::fputs(list_formats(*json).c_str(), stdout);
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
