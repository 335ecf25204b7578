// SPDX-License-Identifier: Apache-2.0
#include "op/fixed_store.h"

#include <algorithm>
#include <span>

namespace ngforge {

Result<std::vector<std::string>> FixedStore::list(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& [key, value] : values_) {
    if (!key.starts_with(prefix)) continue;
    const auto slash = key.find('/', prefix.size());
    // Keys come in order: those of a folder one behind the other.
    std::string name = key.substr(prefix.size(), slash == std::string::npos ? slash : slash + 1 - prefix.size());
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  if (names.empty()) return make_error(ErrorCode::not_found, "{}: there is no folder {}", place_, prefix);
  std::ranges::sort(names);
  return names;
}

Result<std::shared_ptr<const Bytes>> FixedStore::value_of(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return make_error(ErrorCode::not_found, "{}: there is no {}", place_, key);
  return std::shared_ptr<const Bytes>(std::shared_ptr<const Bytes>(), &found->second);
}

Bytes bytes_of_text(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace ngforge
