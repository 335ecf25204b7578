// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/reference.h"
#include "ngforge/types.h"

namespace ngforge::cli::nine {

/// Reads a command line as Python's argparse does: long options may be cut short as long as they mean one, values
/// follow or stand behind "=", options and places may be mixed, "--" ends the options, and what looks like a negative
/// number is a value.
class Arguments {
 public:
  /// Takes a value; the message when it is not one ("invalid int value: 'x'").
  using Take = std::function<std::optional<std::string>(const std::string&)>;

  Arguments(std::string program, std::string description);

  void add_place(std::string name, std::string& place, std::string help);
  /// One or more; what follows it among the places keeps its own.
  void add_places(std::string name, std::vector<std::string>& places, std::string help);
  /// The options added after this stand under a title of their own.
  void begin_group(std::string title);
  void add_flag(std::vector<std::string> names, bool& value, bool meaning, std::string help);
  void add_text(std::string name, std::optional<std::string>& value, std::string help);
  void add_number(std::string name, std::optional<double>& value, std::string help);
  void add_integer(std::string name, std::optional<Index>& value, std::string help);
  void add_choice(std::string name, std::vector<std::string> choices, std::optional<std::string>& value,
                  std::string help);
  /// An option with a value of its own kind, called `placeholder` in the help.
  void add_value(std::string name, std::string placeholder, Take take, std::string help);
  /// What the help ends with.
  void set_epilog(std::string text) { epilog_ = std::move(text); }

  /// Nothing when all is well. Else the exit status: 0 when help was asked for and printed, 2 after a message.
  std::optional<int> parse(std::span<const std::string> words);
  /// What its help tells.
  std::vector<ReferenceOption> options() const;
  std::vector<ReferencePlace> places() const;
  /// Usage and a message on stderr; returns 2.
  int fail(std::string_view message) const;

 private:
  struct Option {
    std::vector<std::string> names;
    std::string placeholder;  // "": a flag
    std::string help, group;
    Take take;
  };
  struct Place {
    std::string name, help;
    bool takes_many = false;
    std::function<void(const std::string&)> take;
  };
  // An option, as it was found in a word.
  struct Found {
    const Option* option = nullptr;
    std::string name;
    std::optional<std::string> value;  // behind "="
  };

  std::vector<Found> meanings(const std::string& word) const;
  bool is_option(const std::string& word) const;
  void take_places(std::span<const std::string> words, std::vector<std::string>& unknown);
  std::optional<int> take_option(const Found& found, std::span<const std::string> words, std::size_t& at);
  std::string usage() const;
  std::string help() const;

  std::string program_, description_, epilog_, group_;
  std::vector<Option> options_;
  std::vector<Place> places_;
  std::size_t places_taken_ = 0;
};

}  // namespace ngforge::cli::nine
