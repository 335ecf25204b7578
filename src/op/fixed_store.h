// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/made_store.h"

namespace ngforge {

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
