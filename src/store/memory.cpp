// SPDX-License-Identifier: Apache-2.0
#include "store/memory.h"

#include <mutex>

#include "store/store.h"

namespace ngforge {

Error MemoryStore::missing(const std::string& key) const {
  return make_error(ErrorCode::not_found, "memory/{}: expected a value, found none", key);
}

Result<ObjectInfo> MemoryStore::stat(const std::string& key) {
  std::shared_lock lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return missing(key);
  const Value& value = found->second;
  return ObjectInfo{value.bytes.size(), fmt::format("{:x}", value.version), value.content_encoding};
}

Result<Bytes> MemoryStore::get(const std::string& key) {
  std::shared_lock lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return missing(key);
  return found->second.bytes;
}

Result<Bytes> MemoryStore::get_range(const std::string& key, ByteRange range) {
  std::shared_lock lock(mutex_);
  const auto found = values_.find(key);
  if (found == values_.end()) return missing(key);
  const Bytes& bytes = found->second.bytes;
  if (range.offset > bytes.size() || range.length > bytes.size() - range.offset)
    return make_error(ErrorCode::invalid_argument, "memory/{}: expected a range inside {} bytes, found {} bytes at {}",
                      key, bytes.size(), range.length, range.offset);
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(range.length));
}

Result<std::vector<std::string>> MemoryStore::list(const std::string& prefix) {
  std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at) {
    const std::string rest = at->first.substr(prefix.size());
    const auto slash = rest.find('/');
    std::string name = slash == std::string::npos ? rest : rest.substr(0, slash + 1);
    // Keys of one folder follow each other.
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

Result<void> MemoryStore::put(const std::string& key, std::span<const std::byte> bytes) {
  return put_encoded(key, bytes, "");
}

Result<void> MemoryStore::put_encoded(const std::string& key, std::span<const std::byte> bytes,
                                      const std::string& content_encoding) {
  if (!is_valid_key(key)) return make_error(ErrorCode::invalid_argument, "expected a relative key, found \"{}\"", key);
  std::unique_lock lock(mutex_);
  values_[key] = {Bytes(bytes.begin(), bytes.end()), ++version_, content_encoding};
  return {};
}

void MemoryStore::erase(const std::string& key) {
  std::unique_lock lock(mutex_);
  values_.erase(key);
}

}  // namespace ngforge
