// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ngforge/error.h"
#include "server/answer.h"

namespace ngforge {

struct ServerOptions {
  std::string bind = "127.0.0.1";
  int port = 9123;
  bool takes_next_port = true;  // the next free one when `port` is taken
  int io_threads = 2;
  int store_threads = 8;  // most for each lane of a Site
  /// Limits for clients that are slow or silent, in seconds.
  int request_seconds = 30, idle_seconds = 120, write_seconds = 120;
};

/// An HTTP/1.1 server for one Site: keep-alive, one request at a time per connection, values of any size in bounded
/// memory.
class HttpServer {
 public:
  /// Lets the process have as many descriptors as the system grants it (many thousands): connections and files that are
  /// sent take one each. To be called before listen().
  static void raise_descriptor_limit();
  /// Binds and begins to listen; connections wait until run(). Errors: invalid_argument (address), unavailable (port
  /// taken), permission.
  static Result<std::unique_ptr<HttpServer>> listen(const ServerOptions& options);
  virtual ~HttpServer() = default;
  /// "http://127.0.0.1:9123".
  virtual std::string url() const = 0;
  /// Serves `site` on threads of its own until the server is destroyed. To be called once.
  virtual void serve(Site site) = 0;
};

}  // namespace ngforge
