// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ngforge/error.h"
#include "source/precomputed.h"

namespace ngforge {

/// Where the dataset is: its folder. Errors: unsupported (not on this machine; `place` is what the user named).
Result<std::string> local_folder(const PrecomputedVolume& volume, const std::string& place);

/// Names a folder in a member of `info` ("mesh", "segment_properties") of the dataset in `folder`; all else in it
/// stays, also that it is called info.gz. Errors: those of the store, permission, io.
Result<void> link_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& member,
                         const std::string& name);

}  // namespace ngforge
