// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <shared_mutex>
#include <string>

#include "ngforge/store.h"

namespace ngforge {

/// Values in memory.
class MemoryStore final : public Store {
 public:
  std::string describe() const override { return "memory"; }
  Result<ObjectInfo> stat(const std::string& key) override;
  Result<Bytes> get(const std::string& key) override;
  Result<Bytes> get_range(const std::string& key, ByteRange range) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override;
  /// put() of bytes that carry a content encoding ("gzip").
  Result<void> put_encoded(const std::string& key, std::span<const std::byte> bytes,
                           const std::string& content_encoding);
  /// Forgets a key, if there is one.
  void erase(const std::string& key);

 private:
  struct Value {
    Bytes bytes;
    std::uint64_t version = 0;
    std::string content_encoding;
  };
  Error missing(const std::string& key) const;

  std::shared_mutex mutex_;  // guards all below
  std::map<std::string, Value> values_;
  std::uint64_t version_ = 0;
};

}  // namespace ngforge
