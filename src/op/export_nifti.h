// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ngforge/op.h"

namespace ngforge {

/// `convert` to a .nii or .nii.gz file: the finest scale of a dataset, or any volume, with its affine; in bounded
/// memory.
Result<ConvertReport> export_nifti(const std::string& source, const std::string& destination,
                                   const ConvertOptions& options, const RunOptions& run);

}  // namespace ngforge
