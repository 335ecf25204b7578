// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge::cli {

/// --segments of the commands that make a link.
class SegmentsGroup {
 public:
  void add_to(CLI::App& app);
  /// The chosen ids as the viewer writes them; empty when none were chosen. `invalid_argument` for what is no id.
  Result<std::vector<std::string>> resolve() const;
  /// `invalid_argument` when ids were chosen and none of the datasets is a segmentation.
  Result<void> check_for(const std::vector<Dataset>& datasets) const;

 private:
  bool is_given() const { return option_ != nullptr && option_->count() > 0; }

  std::string text_;
  const CLI::Option* option_ = nullptr;
};

}  // namespace ngforge::cli
