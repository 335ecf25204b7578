// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "cli/man.h"
#include "ngforge/version.h"

// The macros of man(7): .TH title, .SH section, .SS subsection, .TP tagged paragraph, .PP paragraph, .EX example.
namespace ngforge::cli {
namespace {

// A line of text: what troff would read as a request or an escape is made harmless. A hyphen is typed as it is shown.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string bold(std::string_view text) {
  return "\\fB" + plain(text) + "\\fR";
}

std::string italic(std::string_view text) {
  return "\\fI" + plain(text) + "\\fR";
}

// "What it is. Default: ...": the text of an option with its end.
std::string help_text(std::string_view help) {
  const auto [text, initial] = split_default(help);
  return plain(text) + '.' + (initial.empty() ? "" : plain(fmt::format(" Default: {}.", initial))) + '\n';
}

std::string option_text(const ReferenceOption& option) {
  std::string text = ".TP\n";
  for (const std::string& name : option.names)
    text += (text.ends_with('\n') ? "" : ", ") + bold(name) +
            (option.value.placeholder.empty() ? "" : ' ' + italic(option.value.placeholder));
  return text + '\n' + help_text(option.help);
}

std::string options_text(const std::vector<ReferenceOption>& options) {
  std::string text, group = "Options";
  for (const ReferenceOption& option : options) {
    if (option.group != group) text += ".PP\n" + plain(option.group) + ":\n";
    group = option.group;
    text += option_text(option);
  }
  return text;
}

std::string command_text(const ReferenceCommand& command) {
  std::string text =
      ".SS \"" + plain(command.name) + "\"\n" + plain(command.summary) + ".\n.PP\n" + bold(command.usage()) + '\n';
  for (const ReferencePlace& place : command.places) {
    const std::string values =
        place.value.words.empty() || place.value.placeholder == place.name ? "" : ' ' + plain(place.value.placeholder);
    text += ".TP\n" + italic(place.name) + values + '\n' + help_text(place.help);
  }
  text += options_text(command.options);
  if (!command.example.empty()) text += ".PP\nExample:\n.PP\n.EX\n" + plain(command.example) + "\n.EE\n";
  return text;
}

constexpr const char* kExitStatus = R"(.SH EXIT STATUS
.TP
0
done
.TP
1
internal error
.TP
2
usage
.TP
3
bad, missing or unreadable source, or
.B check
found something
.TP
4
the data need a decision: the message names the option that makes it
.TP
5
something is in the way at the destination
.TP
6
storage, permission, full disk or network
.TP
130
interrupted
.PP
The commands of neuroglancer\-scripts end with 0, 1 (failed), 2 (usage) or 130.
)";

}  // namespace

std::string troff_manual(const Reference& reference) {
  std::string text = fmt::format(".TH NGFORGE 1 \"\" \"ngforge {}\" \"User Commands\"\n", NGFORGE_VERSION);
  text += ".SH NAME\nngforge \\- volumes, labels and surfaces for Neuroglancer\n";
  text += ".SH SYNOPSIS\n" + bold("ngforge") + ' ' + italic("COMMAND") + " [" + italic("OPTIONS") + "] " +
          italic("PLACES") + "\n.PP\n" + bold("ngforge") + ' ' + italic("COMMAND") + ' ' + bold("-h") + '\n';
  text += ".SH DESCRIPTION\n" + plain(reference.summary) +
          "\nA place is a path or a URL. Results go to standard output, everything else to standard error.\n";
  text += ".SH OPTIONS\n" + options_text(reference.options) + ".SH COMMANDS\n";
  for (const ReferenceCommand& command : reference.commands)
    if (!command.is_program) text += command_text(command);
  if (std::ranges::any_of(reference.commands, &ReferenceCommand::is_program))
    text += ".SH COMMANDS OF NEUROGLANCER\\-SCRIPTS\nEach is a program of its own, and also a command of ngforge.\n";
  for (const ReferenceCommand& command : reference.commands)
    if (command.is_program) text += command_text(command);
  return text + kExitStatus;
}

}  // namespace ngforge::cli
