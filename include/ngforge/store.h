// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

using Bytes = std::vector<std::byte>;

/// What a store knows of one value without reading it.
struct ObjectInfo {
  std::uint64_t size = 0;
  /// Changes whenever the value changes. Without quotes.
  std::string etag;
  /// "" or "gzip": how the stored bytes are encoded on top of the value (a `NAME.gz` file on disk).
  std::string content_encoding;
};

/// A part of a value: `length` bytes from `offset`.
struct ByteRange {
  std::uint64_t offset = 0, length = 0;
};

/// A value that lies in a file of this machine, open for reading: it stays what it is, whatever is stored under its key
/// later. Safe to use from any number of threads.
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  virtual const ObjectInfo& info() const = 0;
  /// For pread(2) and sendfile(2). Lives as long as this object.
  virtual int descriptor() const = 0;
  /// Whether the bytes of `range` (inside the value) are in memory, as far as samples tell: then reading them does not
  /// wait for a disk.
  virtual bool is_in_memory(ByteRange range) const = 0;
  /// Reads them once, so that they are. False when they cannot be read.
  virtual bool bring_in(ByteRange range) const = 0;
};

/// Maps keys to bytes. A key is a relative path with '/' between parts, without empty, "." or ".." parts, not
/// percent-encoded. All members are safe to call from any number of threads.
///
/// Errors: not_found when there is no such key (a folder is not a key), permission, io, unavailable; a store that makes
/// its values when asked (live view) also passes on the errors of its source.
class Store {
 public:
  virtual ~Store() = default;
  /// Where it is, for messages: a path or URL.
  virtual std::string describe() const = 0;
  virtual Result<ObjectInfo> stat(const std::string& key) = 0;
  /// The stored bytes of a whole value (still encoded when stat() names a content_encoding).
  virtual Result<Bytes> get(const std::string& key) = 0;
  /// Exactly the stored bytes of `range`. invalid_argument when the range leaves the value.
  virtual Result<Bytes> get_range(const std::string& key, ByteRange range) = 0;
  /// Opens a value if nothing has to be waited for: no disk, network or computation. Null when something has to, or the
  /// value lies in no file of its own: then stat() and get() tell. Errors: not_found, when that is known at once.
  virtual Result<std::unique_ptr<OpenFile>> open_now(const std::string& /*key*/) { return nullptr; }
  /// Names directly below `prefix` ("" or a key followed by '/'), sorted; folders end in '/'.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  /// Calls `visit` with every name that list() gives, in any order; folders on disk hold one of them at a time. `visit`
  /// may call the store. Its first error ends the listing and is returned.
  virtual Result<void> visit_names(const std::string& prefix,
                                   const std::function<Result<void>(const std::string&)>& visit) {
    NGFORGE_TRY(const std::vector<std::string> names, list(prefix));
    for (const std::string& name : names) NGFORGE_CHECK(visit(name));
    return {};
  }
  /// Stores a whole value: it appears under its key complete or not at all. unsupported for read-only stores.
  virtual Result<void> put(const std::string& key, std::span<const std::byte> bytes) = 0;
};

/// Opens the folder of a dataset: a path, or a URL with a scheme of stores.def.
/// Errors: not_found, permission, unsupported (another scheme, not a folder), io.
Result<std::shared_ptr<Store>> open_store(const std::string& place);

/// The whole value with any content_encoding undone.
Result<Bytes> get_decoded(Store& store, const std::string& key);
/// The same when it is known how large it may be. Errors: those of the store; limit (more than `limit_bytes`, found
/// before more is allocated), invalid_data, unsupported (another encoding).
Result<Bytes> get_decoded(Store& store, const std::string& key, std::uint64_t limit_bytes);

}  // namespace ngforge
