// SPDX-License-Identifier: Apache-2.0
#include "server/lazy_value.h"

namespace ngforge {

Result<std::shared_ptr<const Bytes>> LazyValue::value_of(const std::string& key) {
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

Result<std::vector<std::string>> LazyValue::list(const std::string& prefix) {
  if (!prefix.empty()) return make_error(ErrorCode::not_found, "{}: there is no folder {}", key_, prefix);
  return std::vector<std::string>{key_};
}

}  // namespace ngforge
