// SPDX-License-Identifier: Apache-2.0
#include "surface/surface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {}  // namespace
}  // namespace ngforge
