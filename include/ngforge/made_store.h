// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

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

}  // namespace ngforge
