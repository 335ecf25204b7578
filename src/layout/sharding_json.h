// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout/json_place.h"
#include "layout/volume_info.h"
#include "ngforge/error.h"

// Include in .cpp files only, as core/json.h.
namespace ngforge {

/// Reads `sharding`. Errors: invalid_data, unsupported (another @type); null is refused, as the viewer does.
Result<ShardingSpec> parse_sharding(const JsonPlace& place);
Json to_json(const ShardingSpec& spec);

}  // namespace ngforge
