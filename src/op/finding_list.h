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

/// What `check` can find; docs/check.md explains each.
enum class FindingCode : std::uint8_t {
#define NGFORGE_FINDING(name, text) name,
#include "op/findings.def"
#undef NGFORGE_FINDING
};
const char* name_of(FindingCode code);

/// Findings of `check`, handed over by any thread in any order and listed by scale, code and place. Of each code and
/// scale the first few are kept and the others counted, so that a dataset that is broken everywhere neither fills the
/// memory nor hides its other faults.
class FindingList {
 public:
  /// Not of any scale, in add().
  static constexpr int kDataset = -1;

  /// `where`: file and key; `message`: expected, found, what it means on screen; `hint`: what to do. Each fault of a
  /// place is to be added once, or it may be counted twice. Thread-safe.
  void add(int scale, FindingCode code, std::string where, std::string message, std::string hint);
  bool empty() const;
  /// Whether there is a finding of any scale.
  bool has_of_scales() const;
  /// All that was kept, and a line for each group that had more.
  std::vector<Finding> take();

 private:
  struct Group {
    std::map<std::pair<std::string, std::string>, Finding> by_place;  // where, message
    std::uint64_t count = 0;
  };
  mutable std::mutex mutex_;  // guards all below
  std::map<std::pair<int, FindingCode>, Group> groups_;
};

}  // namespace ngforge
