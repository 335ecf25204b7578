// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace ngforge::cli {
namespace {

// Inside single quotes of the shell.
std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + '\'';
}

// Text inside a specification of _arguments, or of _describe.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

std::string action(const ReferenceValue& value) {
  if (value.words.empty()) return value.is_path ? "_files" : " ";
  const std::string words = fmt::format("({})", fmt::join(value.words, " "));
  return value.is_path ? fmt::format("_alternative \"words:word:{}\" \"files:file:_files\"", words) : words;
}

// "--type" takes its value behind a space or "="; either name of an option excludes the other.
std::string option_line(const ReferenceOption& option) {
  const bool takes_value = !option.value.placeholder.empty();
  std::string text;
  for (const std::string& name : option.names) {
    std::string specification = option.names.size() > 1 ? fmt::format("({})", fmt::join(option.names, " ")) : "";
    specification += fmt::format("{}{}[{}]", name, takes_value ? "=" : "", plain(option.help));
    if (takes_value) specification += fmt::format(":{}:{}", plain(option.value.placeholder), action(option.value));
    text += " \\\n    " + single_quoted(specification);
  }
  return text;
}

std::string function_name(const ReferenceCommand& command) {
  std::string name = "_ngforge_" + command.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string command_function(const ReferenceCommand& command) {
  std::string text = function_name(command) + "() {\n  _arguments -s";
  for (const ReferenceOption& option : command.options) text += option_line(option);
  for (std::size_t i = 0; i < command.places.size(); ++i) {
    const ReferencePlace& place = command.places[i];
    // What takes many may come before other places: all that follows is completed alike.
    const std::string number = place.takes_many ? "*" : fmt::format("{}", i + 1);
    text += " \\\n    " + single_quoted(fmt::format("{}:{}:{}", number, plain(place.name), action(place.value)));
    if (place.takes_many) break;
  }
  return text + "\n}\n";
}

}  // namespace

std::string zsh_completion(const Reference& reference) {
  std::string programs, functions, names, own;
  for (const ReferenceCommand& command : reference.commands) {
    if (command.is_program) programs += ' ' + command.name;
    functions += command_function(command);
    names += fmt::format("    {}\n", single_quoted(command.name + ':' + plain(command.summary)));
  }
  for (const ReferenceOption& option : reference.options) own += option_line(option);
  return fmt::format(R"(#compdef ngforge{0}
# zsh completion of ngforge, as printed by: ngforge completion zsh
{1}_ngforge_command() {{
  local -a commands=(
{2}  )
  _describe -t commands command commands
}}
_ngforge() {{
  if [[ $service != ngforge ]]; then
    _call_function - _ngforge_${{service//-/_}}
    return
  fi
  local context state state_descr line
  typeset -A opt_args
  _arguments -C{3} \
    '1:command:_ngforge_command' \
    '*::argument:->argument' && return
  if [[ $state == argument ]]; then
    _call_function - _ngforge_${{words[1]//-/_}}
  fi
}}
if [[ $funcstack[1] == _ngforge ]]; then
  _ngforge "$@"
else
  compdef _ngforge ngforge{0}
fi
)",
                     programs, functions, names, own);
}

}  // namespace ngforge::cli
