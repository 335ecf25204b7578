// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ngforge {

/// A dataset on the start page. Texts may be of any content.
struct StartPageRow {
  std::string name, kind;                                  // "t1", "image, NIfTI-1"
  std::vector<std::pair<std::string, std::string>> facts;  // "extent", "197 x 233 x 189 mm"
  std::string data_url, viewer_url;
  std::string picture_url, picture_text;  // what the picture shows
};

/// The page at "/": what is served, with pictures and links to the viewer. One HTML document without scripts that needs
/// nothing but the pictures; " x " between numbers and "um" are set as people write them.
std::string start_page(std::span<const StartPageRow> rows, const std::string& all_url);

}  // namespace ngforge
