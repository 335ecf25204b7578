// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/tiff.h"
#include "ngforge/error.h"
#include "source/page_stack.h"

namespace ngforge {

/// What the pages of a TIFF mean: fills the parts of a PageStack that say so (files, planes, slices, times, channels,
/// voxel size, format, details). `number`: which image of several is wanted ("0"), "" for the first.
/// Errors: invalid_data (pages that are not there, with what names them), unsupported, invalid_argument (`number`).
///
/// OME-TIFF (ome.tiff specification 2016-06): axes, files and lengths are said by XML in the first page's description.
/// Nothing when the description is something else.
Result<std::optional<PageStack>> read_ome_series(const TiffFile& file, const std::string& path,
                                                 std::string_view number);
/// ImageJ: lines of name=value; channels fastest, then slices, then frames. What has one page and more images is a
/// stack without pages, which `file` is then taken as. Nothing when the description is something else.
Result<std::optional<PageStack>> read_imagej_series(TiffFile& file, const std::string& path);
/// tifffile: JSON with a shape and perhaps the names of axes. Nothing when the description is something else.
Result<std::optional<PageStack>> read_shaped_series(TiffFile& file, const std::string& path);
/// Anything else: pages are slices; smaller copies of pages are left out.
PageStack read_plain_series(const TiffFile& file, const std::string& path);

}  // namespace ngforge
