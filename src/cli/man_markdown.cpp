// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/man.h"

namespace ngforge::cli {
namespace {

// Text of a table's cell.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\|*_<>[]`").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Code in a table's cell: only the bar that would end the cell is marked.
std::string code(std::string_view text) {
  std::string out = "`";
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out + '`';
}

std::string option_row(const ReferenceOption& option) {
  std::string names;
  for (const std::string& name : option.names) {
    const std::string value = option.value.placeholder.empty() ? "" : ' ' + option.value.placeholder;
    names += (names.empty() ? "" : ", ") + code(name + value);
  }
  const auto [text, initial] = split_default(option.help);
  return fmt::format("| {} | {} | {} |\n", names, plain(text), plain(initial));
}

std::string options_tables(const std::vector<ReferenceOption>& options) {
  std::string text, group;
  for (const ReferenceOption& option : options) {
    if (option.group != group)
      text += fmt::format("\n| {} | meaning | default |\n|---|---|---|\n", plain(option.group));
    group = option.group;
    text += option_row(option);
  }
  return text;
}

std::string command_section(const ReferenceCommand& command) {
  std::string text = fmt::format("\n{} {}\n\n{}.\n\n```text\n{}\n```\n", command.is_program ? "###" : "##",
                                 command.name, plain(command.summary), command.usage());
  if (!command.places.empty()) text += "\n| place | meaning |\n|---|---|\n";
  for (const ReferencePlace& place : command.places) {
    const std::string words = place.value.words.empty() ? "" : ": " + code(place.value.placeholder);
    text += fmt::format("| {} | {}{} |\n", code(place.name), plain(place.help), words);
  }
  text += options_tables(command.options);
  if (!command.example.empty()) text += fmt::format("\nExample:\n\n```sh\n{}\n```\n", command.example);
  return text;
}

}  // namespace

std::string markdown_manual(const Reference& reference) {
  std::string text = "# Commands\n\n" + plain(reference.summary) + '\n' + options_tables(reference.options);
  bool is_in_programs = false;
  for (const ReferenceCommand& command : reference.commands) {
    if (command.is_program && !is_in_programs)
      text +=
          "\n## Commands of neuroglancer-scripts\n\nEach is a program of its own, and also a command of `ngforge`.\n";
    is_in_programs = command.is_program;
    text += command_section(command);
  }
  return text;
}

}  // namespace ngforge::cli
