// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "source/source.h"

namespace ngforge {

/// Orders names as people count: runs of digits by their value, everything else byte by byte ("z9.tif" before
/// "z10.tif").
bool natural_less(std::string_view a, std::string_view b);

/// Whether a place stands for several: it holds *, ? or [ and nothing is called like that.
bool is_pattern(const std::string& place);

/// A volume whose slices are image files of one page. `places`: image files and patterns in quotes, which are the
/// slices of one channel, or folders, each of which is a channel. Slices are in natural order of their names, or as
/// options.slices_in_byte_order says.
/// Errors: not_found (no slices), invalid_data (slices that differ in size or type; folders with different numbers of
/// slices, files of several kinds in a folder; files and folders together), those of open_stack.
Result<std::unique_ptr<VolumeSource>> open_slices(std::span<const std::string> places, const SourceOptions& options);

}  // namespace ngforge
