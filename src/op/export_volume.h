// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "ngforge/op.h"

namespace ngforge {

/// `convert` to a volume file (find_volume_file(destination) knows it): the finest scale of a dataset, or any volume,
/// with its affine; slab by slab in the file's order. A stream whose slowest axis is not the output's z is unpacked
/// first, to memory or scratch. Errors: those of open_source, plan_volume and OutputFile; invalid_argument (resume:
/// there is no half a file); needs_decision (too little memory for one plane, with the least that would do).
Result<ConvertReport> export_volume(std::span<const std::string> sources, const std::string& destination,
                                    const ConvertOptions& options, const RunOptions& run);

}  // namespace ngforge
