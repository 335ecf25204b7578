// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "ngforge/store.h"

namespace ngforge {

/// The volume in `store` under the names that the viewer asks for: a key FOLDER/x0-x1_y0-y1_z0-z1 that does not exist
/// is answered with FOLDER/x0-x1/y0-y1/z0-z1, the deep layout of neuroglancer-scripts. All else is passed on.
std::shared_ptr<Store> make_flat_view(std::shared_ptr<Store> store);

}  // namespace ngforge
