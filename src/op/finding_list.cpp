// SPDX-License-Identifier: Apache-2.0
#include "op/finding_list.h"

namespace ngforge {
namespace {

constexpr std::size_t kMostListed = 20;

}  // namespace

void FindingList::add(int scale, Finding finding) {
  const std::lock_guard lock(mutex_);
  Group& group = groups_[{scale, finding.code}];
  auto place = std::pair(finding.where, finding.message);
  if (group.by_place.emplace(std::move(place), std::move(finding)).second) ++group.count;
  // The last ones go, whichever thread was first: the list is the same for any number of threads.
  if (group.by_place.size() > kMostListed) group.by_place.erase(std::prev(group.by_place.end()));
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
