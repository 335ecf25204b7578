// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge {

/// Mends what can be mended in a dataset of this machine without changing a voxel: shards that hold zlib where `info`
/// says gzip are packed anew, and what no reader but the viewer minds in `info` is corrected ("sharding": null,
/// "identity_hash"). Files appear mended at once or stay as they are; doing it again changes nothing. What is broken in
/// other ways is left alone. Returns a line for each thing that was mended.
/// Errors: unsupported (not a folder on this machine), not_found, permission, io, cancelled.
Result<std::vector<std::string>> repair_dataset(const std::string& place, const RunOptions& run);

}  // namespace ngforge
