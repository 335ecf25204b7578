// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// A read-only store whose values are made when asked for, as value_of() makes them. Between the calls for one request
/// (stat, then get or several ranges) it should still have the value.
class MadeStore : public Store {
 public:
  Result<ObjectInfo> stat(const std::string& key) override;
  Result<Bytes> get(const std::string& key) override;
  Result<Bytes> get_range(const std::string& key, ByteRange range) override;
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override;

 protected:
  /// A value; never null. Errors: not_found, those of the source.
  virtual Result<std::shared_ptr<const Bytes>> value_of(const std::string& key) = 0;
};

/// A store of values that are there from the beginning.
class FixedStore final : public MadeStore {
 public:
  /// `place`: for messages.
  FixedStore(std::string place, std::map<std::string, Bytes> values)
      : place_(std::move(place)), values_(std::move(values)) {}

  std::string describe() const override { return place_; }
  Result<std::vector<std::string>> list(const std::string& prefix) override;

 private:
  Result<std::shared_ptr<const Bytes>> value_of(const std::string& key) override;

  const std::string place_;
  const std::map<std::string, Bytes> values_;
};

Bytes bytes_of_text(std::string_view text);

}  // namespace ngforge
