// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
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

/// What is sent back: a whole body, a part of an open file, or pieces of a stored value that are read while they are
/// sent.
struct HttpAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without Content-Length
  Bytes body;
  /// When set: `length` bytes of `key` from `offset` follow instead of `body`.
  std::shared_ptr<Store> stream_store;
  std::string stream_key;
  /// When set: `length` bytes of it from `offset` follow instead of `body`.
  std::unique_ptr<OpenFile> file;
  std::uint64_t stream_offset = 0;
  std::uint64_t length = 0;      // Content-Length, also for HEAD
  bool knows_length = true;      // false: HEAD of what would have to be decoded for it
  bool is_event_stream = false;  // nothing follows; the connection stays open
  std::string problem;           // for who runs the server, never sent: "" when there is none
};

/// A store under a path that begins and ends with '/'.
struct Mount {
  std::string path;
  std::shared_ptr<Store> store;
  std::string index;             // key that the path itself answers with; "": folders list their names
  std::string slow_folder = {};  // what waits for its values keeps nobody else of this store waiting; "": none
};

/// A page that is made when asked for. `body` gets the server's URL as the client names it ("http://localhost:9123",
/// no '/' at its end), so that links work from other machines and through tunnels too.
struct Page {
  std::string path, content_type;
  std::function<std::string(const std::string& site_url)> body;
  int status = 200;
  bool may_wait = false;  // its body may take as long as the data do
};

/// Everything a server knows, independent of sockets. Safe to use from any number of threads.
class Site {
 public:
  std::vector<Mount> mounts;
  std::vector<Page> pages;
  std::vector<std::pair<std::string, std::string>> redirects;  // path, target
  /// True: only requests that name this machine itself are answered (a server on loopback; against DNS rebinding). No
  /// secret is kept by that: like every viewer, any page in the user's browser may read what is served (CORS), when it
  /// asks by the right name. What a rebound name would add is all that the browser grants to a site's own pages.
  bool checks_host = true;
  /// For clients that do not say how they name the server.
  std::string url;
  /// Told why data could not be read, which clients are not; from any thread.
  std::function<void(const std::string& message)> on_problem;

  /// Answers a request. Blocks on stores; never fails.
  HttpAnswer answer(const HttpRequest& request) const;
  /// The same answer, when it is a value in a file (or that there is none) and nothing has to be waited for: neither to
  /// find it, nor to read its first piece. Else nothing: answer() has it. Never blocks, never fails.
  std::optional<HttpAnswer> answer_now(const HttpRequest& request) const;
  /// Which requests may keep each other waiting: those with the same name, of which there are few. What describes a
  /// dataset (values at its root), pages and the viewer come while chunks are waited for.
  std::string lane(const HttpRequest& request) const;

 private:
  HttpAnswer choose(const HttpRequest& request) const;
  std::optional<HttpAnswer> choose_now(const HttpRequest& request) const;
};

/// Values are read and sent in pieces of this size, smaller ones at once: a slow reader holds no more of them.
constexpr std::uint64_t kPieceBytes = 256 * 1024;

/// For a request that cannot even wait: 503, to be asked again.
HttpAnswer busy_answer();

/// The path of a request target (origin or absolute form), percent-decoded, without query. Nothing when it is malformed
/// or could leave its root: bad escapes, encoded '/', '\\', NUL, "." and ".." parts, empty parts inside.
std::optional<std::string> decode_target(std::string_view target);

/// What a Range header asks of a value of `size` bytes.
struct RangeChoice {
  enum Kind { whole, part, unsatisfiable } kind = whole;
  ByteRange range;
};
/// One range, closed, open or suffix (RFC 9110, 14). Other units, several ranges and malformed headers mean the whole
/// value.
RangeChoice choose_range(std::string_view header, std::uint64_t size);

/// Whether an Accept-Encoding header takes gzip (RFC 9110, 12.5.3: its own weight counts, else that of "*").
bool accepts_gzip(std::string_view header);

}  // namespace ngforge
