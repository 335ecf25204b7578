// SPDX-License-Identifier: Apache-2.0
#include "server/lazy_value.h"

#include <string_view>

namespace ngforge {

Result<std::shared_ptr<const Bytes>> LazyValue::value(const std::string& key) {
  constexpr auto kPause = std::chrono::seconds(10);
  if (key != key_) return make_error(ErrorCode::not_found, "{}: there is no {}", key_, key);
  const std::lock_guard lock(mutex_);
  if (value_ && std::chrono::steady_clock::now() < stands_until_) return value_;
  auto made = maker_.make();
  if (made) {
    value_ = std::make_shared<const Bytes>(std::move(*made));
    stands_until_ = std::chrono::steady_clock::time_point::max();
  } else {
    maker_.on_failure(made.error());
    value_ = std::make_shared<const Bytes>(maker_.substitute);
    stands_until_ = std::chrono::steady_clock::now() + kPause;
  }
  return value_;
}

Result<ObjectInfo> LazyValue::stat(const std::string& key) {
  NGFORGE_TRY(const auto bytes, value(key));
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  return ObjectInfo{bytes->size(), fmt::format("{:x}-{:016x}", bytes->size(), std::hash<std::string_view>{}(text)), ""};
}

Result<Bytes> LazyValue::get(const std::string& key) {
  NGFORGE_TRY(const auto bytes, value(key));
  return *bytes;
}

Result<Bytes> LazyValue::get_range(const std::string& key, ByteRange range) {
  NGFORGE_TRY(const auto bytes, value(key));
  if (range.offset > bytes->size() || range.length > bytes->size() - range.offset)
    return make_error(ErrorCode::invalid_argument, "{}: expected a range inside {} bytes, found {} bytes at {}", key,
                      bytes->size(), range.length, range.offset);
  const auto begin = bytes->begin() + static_cast<std::ptrdiff_t>(range.offset);
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(range.length));
}

Result<std::vector<std::string>> LazyValue::list(const std::string& prefix) {
  if (!prefix.empty()) return make_error(ErrorCode::not_found, "{}: there is no folder {}", key_, prefix);
  return std::vector<std::string>{key_};
}

Result<void> LazyValue::put(const std::string& key, std::span<const std::byte>) {
  return make_error(ErrorCode::unsupported, "{}: cannot be written", key);
}

}  // namespace ngforge
