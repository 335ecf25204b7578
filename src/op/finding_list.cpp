// SPDX-License-Identifier: Apache-2.0
#include "op/finding_list.h"

#include <algorithm>

namespace ngforge {
namespace {

constexpr std::size_t kMostListed = 20;

}  // namespace

const char* name_of(FindingCode code) {
  static constexpr const char* kNames[] = {
#define NGFORGE_FINDING(name, text) text,
#include "op/findings.def"
#undef NGFORGE_FINDING
  };
  return kNames[static_cast<std::size_t>(code)];
}

void FindingList::add(int scale, FindingCode code, std::string where, std::string message, std::string hint) {
  const std::lock_guard lock(mutex_);
  Group& group = groups_[{scale, code}];
  auto place = std::pair(where, message);
  Finding finding{name_of(code), std::move(where), std::move(message), std::move(hint)};
  if (group.by_place.emplace(std::move(place), std::move(finding)).second) ++group.count;
  // The last ones go, whichever thread was first: the list is the same for any number of threads.
  if (group.by_place.size() > kMostListed) group.by_place.erase(std::prev(group.by_place.end()));
}

bool FindingList::empty() const {
  const std::lock_guard lock(mutex_);
  return groups_.empty();
}

bool FindingList::has_of_scales() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(groups_, [](const auto& group) { return group.first.first != kDataset; });
}

std::vector<Finding> FindingList::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Finding> findings;
  for (auto& [key, group] : groups_) {
    for (auto& [place, finding] : group.by_place) findings.push_back(std::move(finding));
    if (group.count > group.by_place.size()) {
      Finding rest = findings.back();
      rest.where = rest.where.substr(0, rest.where.find('/'));
      rest.message = fmt::format("{} more like these", group.count - group.by_place.size());
      findings.push_back(std::move(rest));
    }
  }
  groups_.clear();
  return findings;
}

}  // namespace ngforge
