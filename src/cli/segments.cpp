// SPDX-License-Identifier: Apache-2.0
#include "cli/segments.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace ngforge::cli {

void SegmentsGroup::add_to(CLI::App& app) {
  option_ = app.add_option("--segments", text_, "Segments to select; without them all are shown")->type_name("ID,ID");
}

Result<std::vector<std::string>> SegmentsGroup::resolve() const {
  std::vector<std::string> ids;
  if (!is_given()) return ids;
  for (std::size_t begin = 0; begin <= text_.size();) {
    const auto end = std::min(text_.find(',', begin), text_.size());
    std::uint64_t id = 0;
    const auto parsed = std::from_chars(text_.data() + begin, text_.data() + end, id);
    if (parsed.ec != std::errc{} || parsed.ptr != text_.data() + end)
      return make_error(ErrorCode::invalid_argument, "--segments: expected ids such as 17,42, found \"{}\"", text_);
    ids.push_back(fmt::format("{}", id));
    begin = end + 1;
  }
  return ids;
}

Result<void> SegmentsGroup::check_for(const std::vector<Dataset>& datasets) const {
  if (is_given() && std::ranges::none_of(datasets, [](const Dataset& d) { return d.type == "segmentation"; }))
    return make_error(ErrorCode::invalid_argument, "--segments: expected a segmentation among the sources, found none")
        .with_hint("--type segmentation makes one of a volume of labels");
  return {};
}

}  // namespace ngforge::cli
