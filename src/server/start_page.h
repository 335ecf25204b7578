// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

namespace ngforge {

/// A row of the start page.
struct StartPageRow {
  std::string name, type, size, resolution, data_url, viewer_url;
};

/// The page at "/": what is served, with links to the viewer. One self-contained HTML document.
std::string start_page(std::span<const StartPageRow> rows, const std::string& all_url);

}  // namespace ngforge
