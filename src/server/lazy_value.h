// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ngforge/made_store.h"

namespace ngforge {

/// A store of a single value that is made when it is first asked for, once, and kept. While making it fails, another
/// stands for it, and it is tried again when it is asked for some seconds later.
class LazyValue final : public MadeStore {
 public:
  struct Maker {
    std::function<Result<Bytes>()> make;
    Bytes substitute;
    std::function<void(const Error&)> on_failure;
  };

  LazyValue(std::string key, Maker maker) : key_(std::move(key)), maker_(std::move(maker)) {}

  std::string describe() const override { return key_; }
  Result<std::vector<std::string>> list(const std::string& prefix) override;

 private:
  Result<std::shared_ptr<const Bytes>> value_of(const std::string& key) override;

  const std::string key_;
  const Maker maker_;
  std::mutex mutex_;                                      // while it is made, too
  std::shared_ptr<const Bytes> value_;                    // or what stands for it ...
  std::chrono::steady_clock::time_point stands_until_{};  // ... until then
};

}  // namespace ngforge
