// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "op/dataset_format.h"
#include "op/volume_plan.h"
#include "sink/partial_folder.h"
#include "source/source.h"

namespace ngforge {

/// The options that decide the result, in full (defaults resolved): what --resume compares and provenance keeps.
RunIdentity identity_of(const std::string& source, const VolumeHeader& header, const VolumePlan& plan);

/// What a finished dataset was made with otherwise: "NAME was X, now Y". "" when nothing differs as far as its
/// provenance tells: of a dataset that convert did not make, only its scales are compared.
std::string difference_from_finished(const std::string& folder, const RunIdentity& identity,
                                     const DatasetFormat& format);

}  // namespace ngforge
