// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Range that a grey image should be shown with: from the 1st to the 99.5th percentile of the finite values that are
/// not zero in the coarsest scale of the dataset at the root of `store`; of chunks spread over it where it is large.
/// Never empty: 0 to 1 when there are no such values, from or to 0 when there is only one. Errors: those of
/// PrecomputedVolume.
Result<std::array<double, 2>> contrast_of(std::shared_ptr<Store> store);

/// The same of values. Their order is lost.
std::array<double, 2> contrast_of_values(std::vector<double>& values);

}  // namespace ngforge
