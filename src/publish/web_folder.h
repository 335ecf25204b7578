// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/webserver.h"

namespace ngforge {

/// A folder that a web server shall show.
struct WebFolder {
  std::string root;  // absolute, without "." and ".." and a slash at the end
  std::vector<WebDataset> datasets;
  std::vector<std::string> notices;
};

/// Looks at a folder that is a dataset (precomputed, Zarr, N5) or holds some directly.
/// Errors: not_found (no dataset), unsupported (not a folder on this machine), permission, io; all concern the source.
Result<WebFolder> look_at_web_folder(const std::string& place);

}  // namespace ngforge
