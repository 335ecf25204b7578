// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "ngforge/error.h"

namespace ngforge {

/// What the system has just said (errno) of `place`, as "PLACE: ACTION: reason". not_found when there is no such place,
/// permission, else io.
Error read_error(std::string_view place, std::string_view action);
/// The same of a place that is written to, whose absence is no mistake of whoever named it: permission, else io, with a
/// hint when there is no room.
Error write_error(std::string_view place, std::string_view action);

}  // namespace ngforge
