// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "layout/volume_info.h"

namespace ngforge {

/// One line for each common reader that cannot open such a dataset as it is, with the option that would help
/// (COMMANDS.md, "Who can open it"). Empty when all can.
std::vector<std::string> readers_that_cannot_open(const VolumeInfo& info, Layout layout, bool gzip);
/// The line for datasets that leave chunks of zeros out.
std::string absent_chunks_notice();

}  // namespace ngforge
