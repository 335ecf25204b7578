// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "op/finding_list.h"

namespace ngforge {

// What a web server must do for the viewer to show a dataset that lies on it (specification, 8.5 and 8.6). Stores of
// other kinds are always well. Those of bool return whether it makes sense to look further. Errors: unavailable (no
// answer).

/// Before anything of the dataset is known: answers for `info`, and for what is not there.
Result<bool> check_server(Store& store, FindingList& findings);
/// How shards and chunks are answered: of each scale the first few are asked for until one is there.
Result<bool> check_server_volume(Store& store, const VolumeInfo& info, FindingList& findings);
/// How parts of a value are answered, if it is there.
Result<bool> check_server_range(Store& store, const std::string& key, FindingList& findings);

enum class ServedName : std::uint8_t {
  good,
  absent,
  misnamed,   // only as one of other_names(), which our readers know: a finding
  unreadable  // only packed, or packed twice: a finding
};
/// Whether a chunk or a manifest is there under the name that the viewer asks for.
Result<ServedName> check_server_name(Store& store, const std::string& key, FindingList& findings);

}  // namespace ngforge
