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

/// Opens the folder of a dataset: a path, or a URL with a scheme of stores.def.
/// Errors: not_found, permission, unsupported (another scheme, not a folder), io.
Result<std::shared_ptr<Store>> open_store(const std::string& place);

/// The whole value with any content_encoding undone, when it is known how large it may be. Errors: those of the store;
/// limit (more than `limit_bytes`, found before more is allocated), invalid_data, unsupported (another encoding).
Result<Bytes> get_decoded(Store& store, const std::string& key, std::uint64_t limit_bytes);

/// True for what the Store interface calls a key.
bool is_valid_key(std::string_view key);

}  // namespace ngforge
