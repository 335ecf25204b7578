// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// A row of stores.def: one kind of place that keeps bytes under keys.
struct StoreDescriptor {
  const char* scheme;  // "file": places that begin with "file://"
  const char* title;   // for `ngforge formats`
  /// `path`: the place without its scheme.
  Result<std::shared_ptr<Store>> (*open)(const std::string& path);
};
std::span<const StoreDescriptor* const> all_stores();

/// True for what the Store interface calls a key.
bool is_valid_key(std::string_view key);

}  // namespace ngforge
