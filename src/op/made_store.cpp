// SPDX-License-Identifier: Apache-2.0
#include "op/made_store.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace ngforge {

Result<ObjectInfo> MadeStore::stat(const std::string& key) {
  NGFORGE_TRY(const auto value, value_of(key));
  const std::string_view text(reinterpret_cast<const char*>(value->data()), value->size());
  return ObjectInfo{value->size(), fmt::format("{:x}-{:016x}", value->size(), std::hash<std::string_view>{}(text)), ""};
}

Result<Bytes> MadeStore::get(const std::string& key) {
  NGFORGE_TRY(const auto value, value_of(key));
  return *value;
}

Result<Bytes> MadeStore::get_range(const std::string& key, ByteRange range) {
  NGFORGE_TRY(const auto value, value_of(key));
  if (range.offset > value->size() || range.length > value->size() - range.offset)
    return make_error(ErrorCode::invalid_argument, "{}: expected a range inside {} bytes, found {} bytes at {}", key,
                      value->size(), range.length, range.offset);
  const auto begin = value->begin() + static_cast<std::ptrdiff_t>(range.offset);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(range.length));
}

Result<void> MadeStore::put(const std::string& key, std::span<const std::byte>) {
  return make_error(ErrorCode::unsupported, "{}: a live view is read-only, found a write to {}", describe(), key);
}

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
