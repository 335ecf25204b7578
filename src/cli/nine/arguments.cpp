// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ngforge::cli::nine {
namespace {

constexpr std::size_t kWidth = 78, kHelpColumn = 24;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "-12", "-1.5", "-.5": a value, for none of the options looks like it.
bool looks_negative(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  word.remove_prefix(1);
  const auto point = word.find('.');
  const std::string_view whole = word.substr(0, point);
  if (!std::ranges::all_of(whole, is_digit)) return false;
  if (point == std::string_view::npos) return true;
  const std::string_view fraction = word.substr(point + 1);
  return !fraction.empty() && std::ranges::all_of(fraction, is_digit);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  text = text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  return text;
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  text = trimmed(text);
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class T>
Arguments::Take take_number(std::optional<T>& value, const char* type) {
  return [&value, type](const std::string& text) -> std::optional<std::string> {
    value = number_of<T>(text);
    if (value) return std::nullopt;
    return fmt::format("invalid {} value: '{}'", type, text);
  };
}

// "--max-scales" as argparse calls its value: MAX_SCALES.
std::string placeholder_of(std::string_view name) {
  std::string text(name.substr(2));
  for (char& c : text) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// Words into lines; all but the first are indented.
std::string wrapped(std::string_view text, std::size_t first_column, std::size_t indent) {
  std::string out;
  std::size_t column = first_column;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string help_lines(const std::string& left, const std::string& help) {
  std::string text = "  " + left;
  if (text.size() + 2 > kHelpColumn)
    text += '\n' + std::string(kHelpColumn, ' ');
  else
    text.resize(kHelpColumn, ' ');
  return text + wrapped(help, kHelpColumn, kHelpColumn) + '\n';
}

}  // namespace

Arguments::Arguments(std::string program, std::string description)
    : program_(std::move(program)), description_(std::move(description)) {
  options_.push_back({{"-h", "--help"}, "", "show this help and exit", "options", {}});
  group_ = "options";
}

void Arguments::add_place(std::string name, std::string& place, std::string help) {
  places_.push_back({std::move(name), std::move(help), false, [&place](const std::string& word) { place = word; }});
}

void Arguments::add_places(std::string name, std::vector<std::string>& places, std::string help) {
  places_.push_back(
      {std::move(name), std::move(help), true, [&places](const std::string& word) { places.push_back(word); }});
}

void Arguments::begin_group(std::string title) {
  group_ = std::move(title);
}

void Arguments::add_flag(std::vector<std::string> names, bool& value, bool meaning, std::string help) {
  options_.push_back({std::move(names), "", std::move(help), group_,
                      [&value, meaning](const std::string&) -> std::optional<std::string> {
                        value = meaning;
                        return std::nullopt;
                      }});
}

void Arguments::add_value(std::string name, std::string placeholder, Take take, std::string help) {
  options_.push_back({{std::move(name)}, std::move(placeholder), std::move(help), group_, std::move(take)});
}

void Arguments::add_text(std::string name, std::optional<std::string>& value, std::string help) {
  add_value(
      name, placeholder_of(name),
      [&value](const std::string& text) -> std::optional<std::string> {
        value = text;
        return std::nullopt;
      },
      std::move(help));
}

void Arguments::add_number(std::string name, std::optional<double>& value, std::string help) {
  add_value(name, placeholder_of(name), take_number(value, "float"), std::move(help));
}

void Arguments::add_integer(std::string name, std::optional<Index>& value, std::string help) {
  add_value(name, placeholder_of(name), take_number(value, "int"), std::move(help));
}

void Arguments::add_choice(std::string name, std::vector<std::string> choices, std::optional<std::string>& value,
                           std::string help) {
  const std::string placeholder = fmt::format("{{{}}}", fmt::join(choices, ","));
  add_value(
      std::move(name), placeholder,
      [&value, choices = std::move(choices)](const std::string& text) -> std::optional<std::string> {
        value = text;
        if (std::ranges::find(choices, text) != choices.end()) return std::nullopt;
        return fmt::format("invalid choice: '{}' (choose from '{}')", text, fmt::join(choices, "', '"));
      },
      std::move(help));
}

// The options that a word may mean: one that is called so, else all that begin so.
std::vector<Arguments::Found> Arguments::meanings(const std::string& word) const {
  const std::string name = word.substr(0, word.find('='));
  const auto value =
      name.size() < word.size() ? std::optional<std::string>(word.substr(name.size() + 1)) : std::nullopt;
  std::vector<Found> meant;
  for (const Option& option : options_)
    for (const std::string& known : option.names) {
      if (known == word) return {{&option, known, std::nullopt}};
      if (known == name) return {{&option, known, value}};
      if (name.starts_with("--") && known.starts_with(name)) meant.push_back({&option, known, value});
    }
  return meant;
}

bool Arguments::is_option(const std::string& word) const {
  if (word.size() < 2 || word[0] != '-') return false;
  return !meanings(word).empty() || !(looks_negative(word) || word.find(' ') != std::string::npos);
}

// Places that follow each other: a list takes all but what those behind it need.
void Arguments::take_places(std::span<const std::string> words, std::vector<std::string>& unknown) {
  std::size_t at = 0;
  while (at < words.size() && places_taken_ < places_.size()) {
    const Place& place = places_[places_taken_++];
    std::size_t count = 1;
    if (const std::size_t left = words.size() - at, behind = places_.size() - places_taken_; place.takes_many)
      count = left > behind ? left - behind : left;
    for (const std::size_t end = at + count; at < end; ++at) place.take(words[at]);
  }
  unknown.insert(unknown.end(), words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
}

std::optional<int> Arguments::take_option(const Found& found, std::span<const std::string> words, std::size_t& at) {
  const Option& option = *found.option;
  const std::string argument = fmt::format("argument {}: ", fmt::join(option.names, "/"));
  if (option.placeholder.empty()) {
    if (found.value) return fail(fmt::format("{}ignored explicit argument '{}'", argument, *found.value));
    if (!option.take) {
      std::fputs(help().c_str(), stdout);
      return 0;
    }
    option.take("");
    return std::nullopt;
  }
  if (!found.value && (at == words.size() || words[at] == "--" || is_option(words[at])))
    return fail(argument + "expected one argument");
  if (const auto wrong = option.take(found.value ? *found.value : words[at++])) return fail(argument + *wrong);
  return std::nullopt;
}

std::optional<int> Arguments::parse(std::span<const std::string> words) {
  std::vector<std::string> unknown, places;
  bool are_places = false;  // behind "--"
  for (std::size_t at = 0; at < words.size();) {
    const std::string& word = words[at];
    if (!are_places && word == "--") {
      are_places = true;
      ++at;
      continue;
    }
    ++at;
    if (are_places || !is_option(word)) {
      places.push_back(word);
      continue;
    }
    take_places(places, unknown);
    places.clear();
    const std::vector<Found> meant = meanings(word);
    if (meant.size() > 1) {
      std::vector<std::string> names;
      for (const Found& found : meant) names.push_back(found.name);
      return fail(fmt::format("ambiguous option: {} could match {}", word, fmt::join(names, ", ")));
    }
    if (meant.empty())
      unknown.push_back(word);
    else if (const auto status = take_option(meant.front(), words, at))
      return status;
  }
  take_places(places, unknown);
  if (places_taken_ < places_.size()) {
    std::vector<std::string> missing;
    for (std::size_t i = places_taken_; i < places_.size(); ++i) missing.push_back(places_[i].name);
    return fail(fmt::format("the following arguments are required: {}", fmt::join(missing, ", ")));
  }
  if (!unknown.empty()) return fail(fmt::format("unrecognized arguments: {}", fmt::join(unknown, " ")));
  return std::nullopt;
}

int Arguments::fail(std::string_view message) const {
  fmt::print(stderr, "{}{}: error: {}\n", usage(), program_, message);
  return 2;
}

std::vector<ReferenceOption> Arguments::options() const {
  std::vector<ReferenceOption> told;
  for (const Option& option : options_)
    if (!option.help.empty())
      told.push_back({option.names, ReferenceValue(option.placeholder), option.help, option.group});
  return told;
}

std::vector<ReferencePlace> Arguments::places() const {
  std::vector<ReferencePlace> told;
  for (const Place& place : places_) {
    ReferencePlace& added = told.emplace_back(ReferencePlace{place.name, {}, place.takes_many, true, place.help});
    added.value.placeholder = place.name;
    added.value.is_path = true;
  }
  return told;
}

std::string Arguments::usage() const {
  const std::string head = fmt::format("usage: {} ", program_);
  std::string text = head;
  std::size_t column = head.size();
  const auto add = [&](const std::string& part) {
    if (column > head.size() && column + 1 + part.size() > kWidth) {
      text += '\n' + std::string(head.size(), ' ');
      column = head.size();
    } else if (column > head.size()) {
      text += ' ';
      ++column;
    }
    text += part;
    column += part.size();
  };
  for (const Option& option : options_)
    if (!option.help.empty())
      add(fmt::format("[{}{}{}]", option.names.front(), option.placeholder.empty() ? "" : " ", option.placeholder));
  for (const Place& place : places_) add(place.takes_many ? fmt::format("{0} [{0} ...]", place.name) : place.name);
  return text + '\n';
}

std::string Arguments::help() const {
  std::string text = usage() + '\n' + wrapped(description_, 0, 0) + "\n\npositional arguments:\n";
  for (const Place& place : places_) text += help_lines(place.name, place.help);
  std::string group;
  for (const Option& option : options_) {
    if (option.help.empty()) continue;  // kept for old scripts
    if (option.group != group) text += fmt::format("\n{}:\n", option.group);
    group = option.group;
    std::vector<std::string> names = option.names;
    if (!option.placeholder.empty())
      for (std::string& name : names) name += ' ' + option.placeholder;
    text += help_lines(fmt::format("{}", fmt::join(names, ", ")), option.help);
  }
  return epilog_.empty() ? text : text + '\n' + epilog_;
}

}  // namespace ngforge::cli::nine
