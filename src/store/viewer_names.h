// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ngforge/store.h"

namespace ngforge {

/// What may be stored where the viewer asks for `key`, in the order in which it is looked for; `key` itself comes
/// before. A chunk FOLDER/x0-x1_y0-y1_z0-z1: FOLDER/x0-x1/y0-y1/z0-z1, the deep layout of neuroglancer-scripts. A
/// mesh's manifest FOLDER/ID:0: FOLDER/ID.json and FOLDER/ID, for file systems whose names have no colon.
std::vector<std::string> other_names(const std::string& key);

/// The dataset in `store` under the names that the viewer asks for: a key that does not exist is answered with the
/// first of other_names() that does. All else is passed on.
std::shared_ptr<Store> make_viewer_view(std::shared_ptr<Store> store);

}  // namespace ngforge
