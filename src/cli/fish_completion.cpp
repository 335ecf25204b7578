// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace ngforge::cli {
namespace {

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

// "complete ...", for options of a command whose line is recognised by `condition`.
std::string option_line(const std::string& program, const std::string& condition, const ReferenceOption& option) {
  std::string text = fmt::format("complete -c {}{}", program, condition);
  for (const std::string& name : option.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.placeholder.empty()) text += option.value.is_path ? " -r -F" : " -x";
  if (!option.value.words.empty()) text += fmt::format(" -a '{}'", fmt::join(option.value.words, " "));
  return text + " -d " + single_quoted(option.help) + '\n';
}

// Places that are words are only offered right behind the command, and others not there: fish cannot count places.
std::string places_lines(const std::string& program, const std::string& condition,
                         const std::vector<ReferencePlace>& places) {
  const bool begins_with_word = !places.empty() && !places.front().value.words.empty();
  std::string text;
  if (begins_with_word)
    text = fmt::format("complete -c {}{} -n '__ngforge_begins 2' -a '{}' -d {}\n", program, condition,
                       fmt::join(places.front().value.words, " "), single_quoted(places.front().help));
  if (std::ranges::any_of(places, [](const ReferencePlace& place) { return place.value.is_path; }))
    text += fmt::format("complete -c {}{}{} -F\n", program, condition,
                        begins_with_word ? " -n 'not __ngforge_begins 2'" : "");
  return text;
}

std::string command_lines(const std::string& program, const std::string& condition, const ReferenceCommand& command) {
  std::string text;
  for (const ReferenceOption& option : command.options) text += option_line(program, condition, option);
  return text + places_lines(program, condition, command.places);
}

}  // namespace

std::string fish_completion(const Reference& reference) {
  std::string text = R"(# fish completion of ngforge, as printed by: ngforge completion fish
function __ngforge_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]
end
function __ngforge_begins
    test (count (commandline -opc)) -eq $argv[1]
end
complete -c ngforge -f
)";
  for (const ReferenceOption& option : reference.options)
    text += option_line("ngforge", " -n '__ngforge_begins 1'", option);
  for (const ReferenceCommand& command : reference.commands) {
    text += fmt::format("complete -c ngforge -n '__ngforge_begins 1' -a {} -d {}\n", command.name,
                        single_quoted(command.summary));
    text += command_lines("ngforge", fmt::format(" -n '__ngforge_is {}'", command.name), command);
    if (!command.is_program) continue;
    text += fmt::format("complete -c {} -f\n", command.name) + command_lines(command.name, "", command);
  }
  return text;
}

}  // namespace ngforge::cli
