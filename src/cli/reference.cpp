// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.h"

#include <algorithm>

#include <fmt/format.h>

namespace ngforge::cli {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// The parts of "a|b", or of "{a,b}" as argparse writes it.
std::vector<std::string_view> split(std::string_view placeholder) {
  char between = '|';
  if (placeholder.starts_with('{') && placeholder.ends_with('}')) {
    placeholder = placeholder.substr(1, placeholder.size() - 2);
    between = ',';
  }
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = placeholder.find(between);
    if (end != 0 && !placeholder.empty()) parts.push_back(placeholder.substr(0, end));
    if (end == std::string_view::npos) return parts;
    placeholder.remove_prefix(end + 1);
  }
}

bool is_path_word(std::string_view word) {
  static constexpr std::string_view kPaths[] = {"FILE", "DIR", "TABLE", "SOURCE", "DATASET", "PLACES", "DESTINATION"};
  return std::ranges::find(kPaths, word) != std::end(kPaths);
}

}  // namespace

ReferenceValue::ReferenceValue(std::string text) : placeholder(std::move(text)) {
  for (const std::string_view part : split(placeholder)) {
    if (std::ranges::none_of(part, is_upper))
      words.emplace_back(part);
    else
      is_path = is_path || is_path_word(part);
  }
}

std::string ReferenceCommand::usage() const {
  std::string text = is_program ? name : "ngforge " + name;
  if (!options.empty()) text += " [OPTIONS]";
  for (const ReferencePlace& place : places) {
    const std::string word = place.name + (place.takes_many ? "..." : "");
    text += place.is_required ? ' ' + word : " [" + word + ']';
  }
  return text;
}

std::vector<ReferenceOption> options_of(const CLI::App& app) {
  std::vector<ReferenceOption> options;
  for (const std::string& group : app.get_groups())
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_positional() || option->get_group() != group || group.empty()) continue;
      std::vector<std::string> names;
      for (const std::string& name : option->get_snames()) names.push_back('-' + name);
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      options.push_back({std::move(names), ReferenceValue(option->get_type_size() == 0 ? "" : option->get_type_name()),
                         option->get_description(), group});
    }
  return options;
}

ReferenceCommand describe_command(const CLI::App& app, const CommandDescriptor& descriptor) {
  ReferenceCommand command{descriptor.name, descriptor.summary, descriptor.example, false, options_of(app), {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string type = option->get_type_name();
    command.places.push_back({option->get_name(true), ReferenceValue(type.empty() ? option->get_name(true) : type),
                              option->get_expected_max() > 1, option->get_required(), option->get_description()});
  }
  return command;
}

std::pair<std::string, std::string> split_default(std::string_view help) {
  static constexpr std::pair<std::string_view, char> kForms[] = {{" [", ']'}, {" (default: ", ')'}};
  for (const auto& [begin, end] : kForms)
    if (const auto at = help.rfind(begin); help.ends_with(end) && at != std::string_view::npos)
      return {std::string(help.substr(0, at)),
              std::string(help.substr(at + begin.size(), help.size() - at - begin.size() - 1))};
  return {std::string(help), ""};
}

}  // namespace ngforge::cli
