// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "ngforge/error.h"
#include "ngforge/types.h"

// The scales that neuroglancer-scripts makes of a description of the full resolution (info_fullres.json, or an `info`).
namespace ngforge::cli::nine {

struct ScalesRequest {
  Index target_chunk_size = 64;  // a power of two: of cubic chunks, others have about as many voxels
  std::optional<std::string> type, encoding;
  std::optional<Index> max_scales;
};

/// Makes an `info` of a description: the finest scale is its first; axes are halved until the volume fits into two
/// chunks, those with the shortest voxels first. What else the description says is kept; an encoding or a
/// compressed_segmentation_block_size beside its scales means the scale. Doubtful choices are told on stderr. `where`
/// begins messages. Errors: invalid_data (a member that is missing or means nothing), invalid_argument (the chunk
/// size).
Result<void> describe_scales(nlohmann::json& info, const ScalesRequest& request, std::string_view where);

/// Whether an `info` can be written and read: value type, channels, and an encoding that has room for them in each
/// scale. Errors: invalid_data.
Result<void> check_info(const nlohmann::json& info, std::string_view where);

}  // namespace ngforge::cli::nine
