// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ngforge/op.h"

namespace ngforge {

/// Findings of `check`, handed over by any thread in any order and listed by scale, code and place. Of each code and
/// scale the first few are kept and the others counted, so that a dataset that is broken everywhere neither fills the
/// memory nor hides its other faults.
class FindingList {
 public:
  /// Not of any scale, in add().
  static constexpr int kDataset = -1;

  /// Thread-safe.
  void add(int scale, Finding finding);
  /// All that was kept, and a line for each group that had more.
  std::vector<Finding> take();

 private:
  struct Group {
    std::map<std::pair<std::string, std::string>, Finding> by_place;  // where, message
    std::uint64_t count = 0;
  };
  std::mutex mutex_;  // guards all below
  std::map<std::pair<int, std::string>, Group> groups_;
};

}  // namespace ngforge
