// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ngforge/types.h"

namespace ngforge {

/// What some sources cannot say of themselves (COMMANDS.md, "Options of convert"). Empty: the source says it, or the
/// default of its format.
struct SourceOptions {
  std::string input_orientation;      // slices: what column, row and slice mean, one of 48 codes ("RIA")
  bool slices_in_byte_order = false;  // slices: "z10" before "z9", not as people count
  std::vector<Index> shape;           // raw binary: sizes, fastest axis first
  std::string dtype;                  // raw binary: stored type ("uint16", or as NumPy has it: "<u2")
};

}  // namespace ngforge
