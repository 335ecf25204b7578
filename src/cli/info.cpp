// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"

namespace ngforge::cli {
namespace {

struct Options {
  std::string place, shape;
  SourceOptions source;
  bool json = false, scales = false;
  RunGroup run;
};

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  add_place(app, "SOURCE", options->place, "A volume file or a dataset");
  app.add_flag("--scales", options->scales, "The scales, or the levels of another source, as a table");
  app.add_option("--shape", options->shape, "Raw binary: sizes, the fastest axis first")->type_name("X,Y,Z[,C]");
  app.add_option("--dtype", options->source.dtype, "Raw binary: stored type")->type_name("T");
  app.add_flag("--json", options->json, "One JSON object");
  options->run.add_told_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_CHECK(options->run.resolve(context));
    if (!options->shape.empty()) {
      NGFORGE_TRY(options->source.shape, parse_shape(options->shape, "--shape"));
    }
    NGFORGE_TRY(const std::string text, describe(options->place, options->json, options->scales, options->source));
    std::fputs(text.c_str(), stdout);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor info_command;
const CommandDescriptor info_command{
    .name = "info",
    .summary = "Say what a file or dataset is: axes, size, type, resolution, scales, bytes",
    .example = "ngforge info scan.nii.gz",
    .add = add};

}  // namespace ngforge::cli
