// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include <CLI/CLI.hpp>

#include "cli/progress.h"
#include "ngforge/error.h"

namespace ngforge::cli {

struct Reference;

/// What main lends to a command.
struct CommandContext {
  std::stop_token stop;                                         // requested by SIGINT and SIGTERM
  std::shared_ptr<Teller> teller = std::make_shared<Teller>();  // of progress and notices
  std::function<Reference()> reference = {};                    // of all commands, once they are added
};

/// Does the command's work once its options are parsed; returns the exit status. Results go to stdout, all else to
/// stderr.
using CommandRun = std::function<Result<int>()>;

/// A row of commands.def.
struct CommandDescriptor {
  const char* name;
  const char* summary;  // one line
  const char* example;  // one command line that does something useful
  /// Adds options to `app`. The returned function owns what they are bound to.
  CommandRun (*add)(CLI::App& app, CommandContext& context);
};

std::span<const CommandDescriptor* const> all_commands();

}  // namespace ngforge::cli
