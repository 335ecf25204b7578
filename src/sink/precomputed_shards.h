// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "layout/sharding.h"
#include "ngforge/error.h"
#include "sink/shard_sink.h"

namespace ngforge {

/// Writes the indices of a precomputed shard (spec 2.3): minishard indices behind the values, which are `values_bytes`
/// long, and where they are in the shard index in front. `entries`, in any order, are sorted. Returns the bytes of the
/// file that are no values. Errors: those of `write`.
Result<std::uint64_t> write_shard_index(const ShardingSpec& spec, std::vector<ShardEntry>& entries,
                                        std::uint64_t values_bytes, const ShardFormat::Write& write);

}  // namespace ngforge
