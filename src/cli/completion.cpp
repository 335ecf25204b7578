// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"

namespace ngforge::cli {
namespace {

struct Shell {
  std::string_view name;
  std::string (*write)(const Reference&);
};

constexpr Shell kShells[] = {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

struct Options {
  std::string shell;
  bool json = false;
  RunGroup run;
};

std::string shell_names() {
  std::string names;
  for (const Shell& shell : kShells) names.append(names.empty() ? "" : "|").append(shell.name);
  return names;
}

Result<int> run(const Options& options, const CommandContext& context) {
  NGFORGE_CHECK(options.run.resolve(context));
  const auto shell = std::ranges::find(kShells, std::string_view(options.shell), &Shell::name);
  if (shell == std::end(kShells))
    return make_error(ErrorCode::invalid_argument, "SHELL: expected {}, found \"{}\"", shell_names(), options.shell);
  const std::string script = shell->write(context.reference());
  if (options.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"shell", shell->name}, {"script", script}}.dump(1));
  else
    std::fputs(script.c_str(), stdout);
  return 0;
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_option("SHELL", options->shell, "The shell that completes")->required()->type_name(shell_names());
  app.add_flag("--json", options->json, "Print one JSON object: the shell and its script");
  options->run.add_told_to(app);
  return [options, &context] { return run(*options, context); };
}

}  // namespace

extern const CommandDescriptor completion_command;
const CommandDescriptor completion_command{.name = "completion",
                                           .summary = "Print the script with which a shell completes command lines",
                                           .example = "source <(ngforge completion bash)",
                                           .add = add};

}  // namespace ngforge::cli
