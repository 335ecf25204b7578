// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.h"

// What the program says of itself, taken from the options that its commands parse: completion and manual are made of
// it.
namespace ngforge::cli {

/// What may be typed at a place or behind an option. It is read from a placeholder: parts between "|" that are in lower
/// case are words to type ("auto|X,Y,Z", "{raw,jpeg}"), others stand for something, and some of these are paths (FILE).
struct ReferenceValue {
  ReferenceValue() = default;
  explicit ReferenceValue(std::string placeholder);

  std::string placeholder;  // "": nothing is typed, the option is a flag
  std::vector<std::string> words;
  bool is_path = false;
};

struct ReferenceOption {
  std::vector<std::string> names;  // "-h", "--help"
  ReferenceValue value;
  std::string help, group;
};

struct ReferencePlace {
  std::string name;
  ReferenceValue value;
  bool takes_many = false, is_required = false;
  std::string help;
};

struct ReferenceCommand {
  std::string name, summary, example;
  bool is_program = false;  // may also be called by its name alone
  std::vector<ReferenceOption> options;
  std::vector<ReferencePlace> places;

  /// "ngforge convert [OPTIONS] SOURCE... DESTINATION".
  std::string usage() const;
};

struct Reference {
  std::string summary;
  std::vector<ReferenceOption> options;  // of the program itself
  std::vector<ReferenceCommand> commands;
};

/// Options and places of a parser, in the order of its help.
std::vector<ReferenceOption> options_of(const CLI::App& app);
ReferenceCommand describe_command(const CLI::App& app, const CommandDescriptor& descriptor);

/// A help text and what holds without the option: from "... [85]" or "... (default: 95)". The latter may be "".
std::pair<std::string, std::string> split_default(std::string_view help);

}  // namespace ngforge::cli
