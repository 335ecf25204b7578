// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace ngforge::cli {
namespace {

// Words of ours, which hold nothing that a shell would read, but | between them in a pattern.
std::string names_pattern(const ReferenceOption& option) {
  return fmt::format("{}", fmt::join(option.names, "|"));
}

// What a value may be: words, @path, or @other for what cannot be completed.
std::string candidates(const ReferenceValue& value) {
  std::string text = fmt::format("{}", fmt::join(value.words, " "));
  if (value.is_path) text += text.empty() ? "@path" : " @path";
  return text.empty() ? "@other" : text;
}

std::string options_table(const Reference& reference) {
  std::string text = "_ngforge_options() {\n  case $1 in\n";
  for (const ReferenceCommand& command : reference.commands) {
    std::string names;
    for (const ReferenceOption& option : command.options)
      names += fmt::format("{}{}", names.empty() ? "" : " ", fmt::join(option.names, " "));
    text += fmt::format("    {}) echo '{}' ;;\n", command.name, names);
  }
  return text + "  esac\n}\n";
}

// Fails for options that take no value.
std::string values_table(const Reference& reference) {
  std::string text = "_ngforge_values() {\n  case $1 in\n";
  for (const ReferenceCommand& command : reference.commands) {
    text += fmt::format("    {})\n      case $2 in\n", command.name);
    for (const ReferenceOption& option : command.options)
      if (!option.value.placeholder.empty())
        text += fmt::format("        {}) echo '{}' ;;\n", names_pattern(option), candidates(option.value));
    text += "        *) return 1 ;;\n      esac ;;\n";
  }
  return text + "    *) return 1 ;;\n  esac\n}\n";
}

// The second argument counts places from 0.
std::string places_table(const Reference& reference) {
  std::string text = "_ngforge_place() {\n  case $1,$2 in\n";
  for (const ReferenceCommand& command : reference.commands)
    for (std::size_t i = 0; i < command.places.size(); ++i) {
      const ReferencePlace& place = command.places[i];
      text += fmt::format("    {},{}) echo '{}' ;;\n", command.name, place.takes_many ? "*" : fmt::format("{}", i),
                          candidates(place.value));
    }
  return text + "  esac\n}\n";
}

// "=" and ":" are words of their own in COMP_WORDS.
constexpr const char* kDriver = R"(_ngforge_complete() {
  local current=${COMP_WORDS[COMP_CWORD]} command=$1 at=$2 place=0 option='' found word
  compopt +o default 2>/dev/null
  while ((at < COMP_CWORD)); do
    word=${COMP_WORDS[at]}
    option=''
    if [[ $word == -?* ]]; then
      if _ngforge_values "$command" "$word" >/dev/null; then
        option=$word
        if [[ ${COMP_WORDS[at + 1]} == = ]]; then ((++at)); fi
        ((++at))
        if ((at < COMP_CWORD)); then option=''; fi
      fi
    elif [[ $word == : || ${COMP_WORDS[at + 1]} == : ]]; then
      :
    else
      ((++place))
    fi
    ((++at))
  done
  [[ $current == = ]] && current=''
  if [[ -n $option ]]; then
    found=$(_ngforge_values "$command" "$option")
  elif [[ $current == -* ]]; then
    found=$(_ngforge_options "$command")
  else
    found=$(_ngforge_place "$command" "$place")
  fi
  if [[ " $found " == *' @path '* ]]; then compopt -o default 2>/dev/null; fi
  found=" $found "
  found=${found// @path / }
  found=${found// @other / }
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "$current")
}
)";

}  // namespace

std::string bash_completion(const Reference& reference) {
  std::string commands, programs;
  for (const ReferenceCommand& command : reference.commands) {
    commands += command.name + ' ';
    if (command.is_program) programs += ' ' + command.name;
  }
  std::string text = "# bash completion of ngforge, as printed by: ngforge completion bash\n";
  text += options_table(reference) + values_table(reference) + places_table(reference) + kDriver;
  std::string own;
  for (const ReferenceOption& option : reference.options)
    own += fmt::format("{}{}", own.empty() ? "" : " ", fmt::join(option.names, " "));
  text += fmt::format(R"(_ngforge() {{
  if ((COMP_CWORD > 1)); then
    _ngforge_complete "${{COMP_WORDS[1]}}" 2
  else
    compopt +o default 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -W '{}{}' -- "${{COMP_WORDS[1]}}")
  fi
}}
_ngforge_program() {{
  _ngforge_complete "${{COMP_WORDS[0]##*/}}" 1
}}
complete -o default -F _ngforge ngforge
)",
                      commands, own);
  if (!programs.empty()) text += fmt::format("complete -o default -F _ngforge_program{}\n", programs);
  return text;
}

}  // namespace ngforge::cli
