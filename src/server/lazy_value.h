// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ngforge/store.h"

namespace ngforge {

/// A store of a single value that is made when it is first asked for, once, and kept. While making it fails, another
/// stands for it, and it is tried again when it is asked for some seconds later.
class LazyValue final : public Store {
 public:
  struct Maker {
    std::function<Result<Bytes>()> make;
    Bytes substitute;
    std::function<void(const Error&)> on_failure;
  };

  LazyValue(std::string key, Maker maker) : key_(std::move(key)), maker_(std::move(maker)) {}

  std::string describe() const override { return key_; }
  Result<ObjectInfo> stat(const std::string& key) override;
  Result<Bytes> get(const std::string& key) override;
  Result<Bytes> get_range(const std::string& key, ByteRange range) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override;

 private:
  Result<std::shared_ptr<const Bytes>> value(const std::string& key);

  const std::string key_;
  const Maker maker_;
  std::mutex mutex_;                                      // while it is made, too
  std::shared_ptr<const Bytes> value_;                    // or what stands for it ...
  std::chrono::steady_clock::time_point stands_until_{};  // ... until then
};

}  // namespace ngforge
