// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layout/segment_properties.h"
#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// What the folder of segment properties is called where `info` names none; and how `info` names it.
inline constexpr const char* kPropertiesFolder = "segment_properties";
inline constexpr const char* kPropertiesLink = "segment_properties";

/// The folder of the segment properties that `info` names, as a key without '/' at its end; nothing when it names none,
/// or one outside of the dataset.
std::optional<std::string> properties_folder(const VolumeInfo& info);

/// Reads the properties of such a folder; `faults` as in parse_segment_properties. Errors: those of the store and of
/// parse_segment_properties; limit (an `info` of more than `limit_bytes`).
Result<SegmentProperties> read_stored_properties(Store& store, const std::string& folder, std::uint64_t limit_bytes,
                                                 std::vector<std::string>& faults);

/// The colours among the properties of a dataset: ids in ascending order and "#rrggbb". None when there are no
/// properties, or none that can be read: the viewer says so itself.
std::vector<std::pair<std::uint64_t, std::string>> stored_colors(Store& store, const VolumeInfo& info);

/// How long an `info` of properties may be to be read in this much memory: a tree of JSON takes many times its text.
std::uint64_t properties_limit(std::uint64_t memory_bytes);

/// The first few of some ids, and how many others: "1, 2, 3 and 70 others".
std::string ids_text(const std::vector<std::uint64_t>& ids);

}  // namespace ngforge
