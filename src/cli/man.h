// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/reference.h"

namespace ngforge::cli {

/// The manual page ngforge(1), for man and groff.
std::string troff_manual(const Reference& reference);
/// The same as a page of the documentation: a section for each command, with a table of its options.
std::string markdown_manual(const Reference& reference);

}  // namespace ngforge::cli
