// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "op/surface_jobs.h"
#include "source/precomputed.h"
#include "surface/region_labels.h"
#include "table/table.h"

namespace ngforge {

/// The names and colours of a file of regions, as a table of labels.
Table table_of_regions(const RegionLabels& regions);

/// What became of names.
struct NamedRegions {
  std::uint64_t count = 0;  // labels that got a name
  std::string notice;       // why none did; "": they did, or had one
};

/// Gives the labels of regions their names and colours in the segment properties of the dataset in `folder`, which
/// appear whole. What is there stays: labels that have a name keep it with their colour, and where the properties hold
/// numbers, which new labels would lack, or are faulty, nothing is changed. Errors: those of PartialFolder and of
/// link_folder.
Result<NamedRegions> add_region_names(const PrecomputedVolume& volume, const std::string& folder,
                                      std::span<const SurfaceJob> jobs, std::uint64_t memory_bytes);

}  // namespace ngforge
