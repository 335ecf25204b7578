// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/reference.h"

// Scripts that complete command lines. They hold all that they offer: the program is not called while the user types.
namespace ngforge::cli {

std::string bash_completion(const Reference& reference);
std::string zsh_completion(const Reference& reference);
std::string fish_completion(const Reference& reference);

}  // namespace ngforge::cli
