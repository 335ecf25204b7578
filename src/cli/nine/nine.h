// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

// The commands of neuroglancer-scripts 1.2.0, as their users know them: names, options, files, exit status. Each maps
// onto operations of the library; docs/coming-from-neuroglancer-scripts.md says where results differ.
namespace ngforge::cli::nine {

/// A row of nine.def. Results go to stdout, everything else to stderr.
struct Descriptor {
  const char* name;  // "compute-scales"
  /// Runs it with what stands behind its name. An error means exit status 1, however it came about.
  Result<int> (*run)(std::span<const std::string> arguments, const std::stop_token& stop);
};

std::span<const Descriptor* const> all_descriptors();

/// The exit status of the command that `words` call: the program's name and what stands behind it, or "ngforge" and
/// such a name. Nothing when they call none of these commands.
std::optional<int> run(std::span<const std::string> words, const std::stop_token& stop);

/// Lines on stderr as neuroglancer-scripts writes them: "WARNING: text".
void tell(std::string_view level, std::string_view text);

}  // namespace ngforge::cli::nine
