// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ngforge/op.h"

namespace ngforge {

/// Fills in the defaults: all cores, a quarter of the machine's memory and at most 4 GiB.
RunOptions with_defaults(RunOptions run);

}  // namespace ngforge
