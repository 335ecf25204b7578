// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

struct HttpRequest {
  bool is_head = false;  // else GET
  std::string target;    // path as it is sent: percent-encoded
  std::optional<ByteRange> range;
  std::string origin = {};           // of the page that asks; "": none
  std::string accept_encoding = {};  // "": none is named
};

struct HttpReply {
  int status = 0;
  std::optional<std::uint64_t> length;
  std::string etag, content_encoding, content_range, allow_origin, location;
  bool is_html = false;
  Bytes body;
};

/// An HTTP/1.1 connection; used by one thread at a time.
class HttpConnection {
 public:
  /// `patience`: how long the other side may be silent, in connecting, before its answer or between parts of it.
  explicit HttpConnection(std::chrono::milliseconds patience);
  ~HttpConnection();

  /// Errors: unavailable, with what the system says.
  Result<void> connect(const std::string& host, const std::string& port);
  /// Sends a request and reads the answer, its body only when it is what was asked for. `authority`: HOST[:PORT] for
  /// the server to read. Errors: unavailable, with what is wrong. Throws std::bad_alloc.
  Result<HttpReply> exchange(const HttpRequest& request, const std::string& authority);
  /// Whether another request can follow.
  bool is_open() const;

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace ngforge
