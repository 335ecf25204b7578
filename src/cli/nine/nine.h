// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cli/nine/arguments.h"
#include "cli/reference.h"
#include "ngforge/error.h"

// The commands of neuroglancer-scripts 1.2.0, as their users know them: names, options, files, exit status. Each maps
// onto operations of the library; docs/coming-from-neuroglancer-scripts.md says where results differ.
namespace ngforge::cli::nine {

/// Does the command's work once its arguments are parsed; returns the exit status. Results go to stdout, everything
/// else to stderr. An error means exit status 1, however it came about.
using Work = std::function<Result<int>(const std::stop_token&)>;

/// A row of nine.def.
struct Descriptor {
  const char* name;     // "compute-scales"
  const char* summary;  // what its help begins with
  const char* example;  // one command line that does something useful
  /// Adds options and places to `arguments`, which outlive the work. The returned function owns what they are bound to.
  Work (*add)(Arguments& arguments);
};

std::span<const Descriptor* const> all_descriptors();

/// The exit status of the command that `words` call: the program's name and what stands behind it, or "ngforge" and
/// such a name. Nothing when they call none of these commands.
std::optional<int> run(std::span<const std::string> words, const std::stop_token& stop);

ReferenceCommand reference_of(const Descriptor& command);

/// Lines on stderr as neuroglancer-scripts writes them: "WARNING: text".
void tell(std::string_view level, std::string_view text);

}  // namespace ngforge::cli::nine
