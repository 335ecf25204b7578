// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/nine.h"

#include <algorithm>
#include <cstdio>

namespace ngforge::cli::nine {

#define COMMAND(name, target) extern const Descriptor name##_command;
#include "cli/nine/nine.def"
#undef COMMAND

std::span<const Descriptor* const> all_descriptors() {
  static constexpr const Descriptor* kDescriptors[] = {
#define COMMAND(name, target) &name##_command,
#include "cli/nine/nine.def"
#undef COMMAND
  };
  return kDescriptors;
}

namespace {

const Descriptor* find(std::string_view name) {
  const auto found = std::ranges::find(all_descriptors(), name, [](const Descriptor* row) { return row->name; });
  return found == all_descriptors().end() ? nullptr : *found;
}

// Whatever went wrong with the work is 1 to scripts that were written for neuroglancer-scripts.
int status_of(const Error& error) {
  constexpr int kFailed = 1;
  return error.code == ErrorCode::cancelled ? exit_status(error) : kFailed;
}

Result<int> run_command(const Descriptor& command, std::span<const std::string> words, const std::stop_token& stop) {
  Arguments arguments(command.name, command.summary);
  const Work work = command.add(arguments);
  if (const auto status = arguments.parse(words)) return *status;
  return work(stop);
}

}  // namespace

ReferenceCommand reference_of(const Descriptor& command) {
  Arguments arguments(command.name, command.summary);
  const Work work = command.add(arguments);
  std::string summary = command.summary;
  if (summary.ends_with('.')) summary.pop_back();
  return {command.name, std::move(summary), command.example, true, arguments.options(), arguments.places()};
}

std::optional<int> run(std::span<const std::string> words, const std::stop_token& stop) {
  if (words.empty()) return std::nullopt;
  const Descriptor* command = find(words[0].substr(words[0].rfind('/') + 1));
  std::span<const std::string> arguments = words.subspan(1);
  if (command == nullptr && !arguments.empty()) {
    command = find(arguments[0]);
    arguments = arguments.subspan(1);
  }
  if (command == nullptr) return std::nullopt;
  auto status = run_command(*command, arguments, stop);
  // What failed once the user had interrupted it failed for that reason.
  if (!status && stop.stop_requested()) status = make_error(ErrorCode::cancelled, "interrupted");
  if (status && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0))
    status = make_error(ErrorCode::io, "standard output: cannot be written");
  if (status) return *status;
  tell("ERROR", status.error().message);
  if (!status.error().hint.empty()) tell("INFO", status.error().hint);
  return status_of(status.error());
}

void tell(std::string_view level, std::string_view text) {
  fmt::print(stderr, "{}: {}\n", level, text);
}

}  // namespace ngforge::cli::nine
