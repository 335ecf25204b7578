// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ngforge/store.h"

namespace ngforge {

/// The parts of an HTTP request that matter here. Header values as received, "" when absent.
struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // "/data/t1/info?x=1"
  std::string host, range, if_range, if_none_match, accept_encoding;
};

/// What is sent back: a whole body, or pieces of a stored value that are read while they are sent.
struct HttpAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without Content-Length
  Bytes body;
  /// When set: `length` bytes of `key` from `offset` follow instead of `body`.
  std::shared_ptr<Store> stream_store;
  std::string stream_key;
  std::uint64_t stream_offset = 0;
  std::uint64_t length = 0;      // Content-Length, also for HEAD
  bool is_event_stream = false;  // nothing follows; the connection stays open
};

/// A store under a path that begins and ends with '/'.
struct Mount {
  std::string path;
  std::shared_ptr<Store> store;
  std::string index;  // key that the path itself answers with; "": folders list their names
};

/// A fixed page.
struct Page {
  std::string path, content_type, body;
};

/// Everything a server knows, independent of sockets. Safe to use from any number of threads.
class Site {
 public:
  std::vector<Mount> mounts;
  std::vector<Page> pages;
  std::vector<std::pair<std::string, std::string>> redirects;  // path, target
  /// True: only requests that name this machine itself are answered (a server on loopback; against DNS rebinding).
  bool checks_host = true;

  /// Answers a request. Blocks on stores; never fails.
  HttpAnswer answer(const HttpRequest& request) const;
};

/// The path of a request target, percent-decoded, without query. Nothing when it is malformed or could leave its root:
/// bad escapes, encoded '/', '\\', NUL, "." and ".." parts, empty parts inside.
std::optional<std::string> decode_target(std::string_view target);

/// What a Range header asks of a value of `size` bytes.
struct RangeChoice {
  enum Kind { whole, part, unsatisfiable } kind = whole;
  ByteRange range;
};
/// One range, closed, open or suffix (RFC 9110, 14). Other units, several ranges and malformed headers mean the whole
/// value.
RangeChoice choose_range(std::string_view header, std::uint64_t size);

/// Whether an Accept-Encoding header takes gzip.
bool accepts_gzip(std::string_view header);

}  // namespace ngforge
