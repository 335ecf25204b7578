// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "op/finding_list.h"

namespace ngforge {

// What a web server must do for the viewer to show a dataset that lies on it (specification, 8.5 and 8.6). Stores of
// other kinds are always well. Both return whether it makes sense to look further. Errors: unavailable (no answer).

/// Before anything of the dataset is known: answers for `info`, and for what is not there.
Result<bool> check_server(Store& store, FindingList& findings);
/// How the shards are answered, if there are any.
Result<bool> check_server_shards(Store& store, const VolumeInfo& info, FindingList& findings);

}  // namespace ngforge
