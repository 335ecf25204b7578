// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include "compress/gzip.h"

namespace ngforge {
namespace {

// What one decoded value may need: deflate reaches a thousand times its size.
constexpr std::uint64_t kMaxDecodedBytes = std::uint64_t{1} << 32;

}  // namespace

#define STORE(name, target) extern const StoreDescriptor name##_store;
#include "store/stores.def"
#undef STORE

std::span<const StoreDescriptor* const> all_stores() {
  static constexpr const StoreDescriptor* kStores[] = {
#define STORE(name, target) &name##_store,
#include "store/stores.def"
#undef STORE
  };
  return kStores;
}

Result<std::shared_ptr<Store>> open_store(const std::string& place) {
  const auto colon = place.find("://");
  if (colon == std::string::npos) return file_store.open(place);
  std::string names;
  for (const StoreDescriptor* store : all_stores()) {
    if (place.compare(0, colon, store->scheme) == 0) return store->open(place.substr(colon + 3));
    names += fmt::format("{}{}://", names.empty() ? "" : "|", store->scheme);
  }
  return make_error(ErrorCode::unsupported, "{}: expected a path or {}, found \"{}://\"", place, names,
                    place.substr(0, colon));
}

bool is_valid_key(std::string_view key) {
  for (;;) {
    const auto slash = key.find('/');
    const auto part = key.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

Result<Bytes> get_decoded(Store& store, const std::string& key) {
  return get_decoded(store, key, kMaxDecodedBytes);
}

Result<Bytes> get_decoded(Store& store, const std::string& key, std::uint64_t limit_bytes) {
  NGFORGE_TRY(const ObjectInfo info, store.stat(key));
  const auto where = [&] { return fmt::format("{}/{}", store.describe(), key); };
  if (info.size > limit_bytes)
    return make_error(ErrorCode::limit, "{}: expected at most {} bytes, found {}", where(), limit_bytes, info.size);
  NGFORGE_TRY(Bytes bytes, store.get(key));
  if (info.content_encoding.empty()) return bytes;
  if (info.content_encoding != "gzip")
    return make_error(ErrorCode::unsupported, "{}: expected content encoding gzip, found {}", where(),
                      info.content_encoding);
  return gunzip(bytes, where(), limit_bytes);
}

}  // namespace ngforge
