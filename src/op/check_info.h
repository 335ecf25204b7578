// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout/volume_info.h"
#include "ngforge/store.h"
#include "op/finding_list.h"

namespace ngforge {

/// Adds a finding for whatever the viewer refuses or misreads although `info` is well-formed (specification, 0.3, 1.1
/// and 12), and for folders that it names and that are not in the store.
void check_info(const VolumeInfo& info, Store& store, FindingList& findings);

}  // namespace ngforge
