// SPDX-License-Identifier: Apache-2.0
#include "ngforge/made_store.h"

#include <cstddef>
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

}  // namespace ngforge
