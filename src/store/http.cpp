// SPDX-License-Identifier: Apache-2.0
// Values behind an HTTP/1.1 server, read-only. Plain http: what `serve` and web servers on the same machine or network
// speak.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "ngforge/text.h"
#include "store/http.h"
#include "store/store.h"

namespace ngforge {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr std::size_t kMostIdle = 16;

// The path of a URL as people type it: what no URL may hold is encoded, what is encoded already stays.
std::string encoded_path(std::string_view typed) {
  std::string out;
  for (std::size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    const bool is_escape =
        c == '%' && i + 2 < typed.size() && hex_value(typed[i + 1]) >= 0 && hex_value(typed[i + 2]) >= 0;
    // RFC 3986: unreserved, the sub-delimiters, and what else may stand in a path and its query.
    if (is_escape || (c != 0 && std::strchr("!$&'()*+,;=:@?", c) != nullptr))
      out += c;
    else
      out += percent_encoded({&c, 1});
  }
  return out;
}

// The names that a folder's page links to, as our server, nginx, Apache, Caddy, Python's http.server and npm's
// http-server write them.
std::vector<std::string> names_in_listing(std::string_view html) {
  constexpr std::string_view kLink = "href=\"";
  std::vector<std::string> names;
  for (auto at = html.find(kLink); at != std::string_view::npos; at = html.find(kLink, at)) {
    at += kLink.size();
    const std::string_view link = html.substr(at, html.find('"', at) - at);
    if (link.find_first_of(":?#") != std::string_view::npos) continue;  // leads elsewhere, or sorts the page
    const auto name = percent_decoded(link.starts_with("./") ? link.substr(2) : link);
    if (!name || name->empty()) continue;
    const std::string_view part = std::string_view(*name).substr(0, name->size() - (name->back() == '/' ? 1 : 0));
    if (part.find('/') == std::string_view::npos && is_valid_key(part)) names.push_back(*name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class HttpStore final : public Store {
 public:
  HttpStore(std::string host, std::string port, std::string path)
      : host_(std::move(host)), port_(std::move(port)), path_(std::move(path)) {}

  std::string describe() const override { return "http://" + authority() + path_.substr(0, path_.size() - 1); }

  Result<ObjectInfo> stat(const std::string& key) override {
    NGFORGE_TRY(HttpReply reply, answer_key(true, key, std::nullopt));
    if (reply.status == 405 || reply.status == 501) return stat_by_range(key);
    NGFORGE_TRY(reply, accepted(std::move(reply), key));
    if (!reply.length) {  // servers that decode or encode while they send do not know it
      NGFORGE_TRY(reply, ask_key(false, key, std::nullopt));
    }
    return ObjectInfo{reply.length.value_or(reply.body.size()), reply.etag, reply.content_encoding};
  }

  Result<Bytes> get(const std::string& key) override {
    NGFORGE_TRY(HttpReply reply, ask_key(false, key, std::nullopt));
    return std::move(reply.body);
  }

  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    if (range.length == 0) return Bytes{};
    NGFORGE_TRY(HttpReply reply, ask_key(false, key, range));
    if (reply.status != 206)
      return make_error(ErrorCode::unavailable, "{}/{}: expected a server that answers ranges, found status {}",
                        describe(), key, reply.status)
          .with_hint("serve the folder with ngforge serve, or with a web server that knows Range");
    const std::string expected = fmt::format("bytes {}-{}/", range.offset, range.offset + range.length - 1);
    if (reply.body.size() != range.length || !reply.content_range.starts_with(expected))
      return make_error(ErrorCode::invalid_argument, "{}/{}: expected {} bytes from byte {}, found \"{}\"", describe(),
                        key, range.length, range.offset, reply.content_range);
    return std::move(reply.body);
  }

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (!prefix.empty() && (prefix.back() != '/' || !is_valid_key(prefix.substr(0, prefix.size() - 1))))
      return make_error(ErrorCode::not_found, "{}/{}: no such folder", describe(), prefix);
    NGFORGE_TRY(HttpReply reply, answer({false, path_ + percent_encoded(prefix), std::nullopt, {}}));
    NGFORGE_TRY(reply, accepted(std::move(reply), prefix));
    if (!reply.is_html)
      return make_error(ErrorCode::unsupported, "{}/{}: expected a server that lists its folders, found none",
                        describe(), prefix);
    auto names = names_in_listing({reinterpret_cast<const char*>(reply.body.data()), reply.body.size()});
    if (names.empty())
      return make_error(ErrorCode::unsupported, "{}/{}: expected a page that lists the folder, found another",
                        describe(), prefix);
    return names;
  }

  /// Whatever the status, as a page of another origin would ask.
  Result<HttpReply> answer_viewer(bool is_head, const std::string& key, std::optional<ByteRange> range) {
    if (!is_valid_key(key)) return make_error(ErrorCode::not_found, "{}/{}: no such key", describe(), key);
    // Chromium takes parts of values only as they are.
    const char* const encodings = range ? "identity" : "gzip, deflate, br";
    return answer({is_head, path_ + percent_encoded(key), range, kViewerOrigin, encodings});
  }

  Result<void> put(const std::string& key, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "{}/{}: cannot be written over http", describe(), key);
  }

 private:
  std::string authority() const {
    const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
    return port_ == "80" ? host : host + ":" + port_;
  }

  // As the viewer does where HEAD is not allowed.
  Result<ObjectInfo> stat_by_range(const std::string& key) {
    NGFORGE_TRY(HttpReply reply, ask_key(false, key, ByteRange{0, 1}));
    const auto slash = reply.content_range.rfind('/');
    std::uint64_t size = reply.length.value_or(reply.body.size());
    if (reply.status == 206 && slash != std::string::npos) {
      const char* const end = reply.content_range.data() + reply.content_range.size();
      if (std::from_chars(reply.content_range.data() + slash + 1, end, size).ec != std::errc{})
        return make_error(ErrorCode::unavailable, "{}/{}: expected its size in Content-Range, found \"{}\"", describe(),
                          key, reply.content_range);
    }
    return ObjectInfo{size, reply.etag, reply.content_encoding};
  }

  Result<HttpReply> ask_key(bool is_head, const std::string& key, std::optional<ByteRange> range) {
    NGFORGE_TRY(HttpReply reply, answer_key(is_head, key, range));
    return accepted(std::move(reply), key);
  }

  Result<HttpReply> answer_key(bool is_head, const std::string& key, std::optional<ByteRange> range) {
    if (!is_valid_key(key)) return make_error(ErrorCode::not_found, "{}/{}: no such key", describe(), key);
    return answer({is_head, path_ + percent_encoded(key), range, {}});
  }

  // Whatever the status.
  Result<HttpReply> answer(const HttpRequest& request) {
    try {
      return ask_or_throw(request);
    } catch (const std::bad_alloc&) {
      return make_error(ErrorCode::limit, "http://{}{}: the machine has no memory for it", authority(), request.target);
    }
  }

  Result<HttpReply> ask_or_throw(const HttpRequest& request) {
    // The server may have closed a kept connection meanwhile: then a new one is tried.
    if (auto kept = take_idle()) {
      if (auto reply = kept->exchange(request, authority())) return finish(std::move(kept), *std::move(reply));
    }
    auto connection = std::make_unique<HttpConnection>(kPatience);
    if (const auto connected = connection->connect(host_, port_); !connected)
      return make_error(ErrorCode::unavailable, "{}: cannot be reached: {}", describe(), connected.error().message);
    auto reply = connection->exchange(request, authority());
    if (!reply)
      return make_error(ErrorCode::unavailable, "http://{}{}: expected an HTTP answer, found: {}", authority(),
                        request.target, reply.error().message);
    return finish(std::move(connection), *std::move(reply));
  }

  HttpReply finish(std::unique_ptr<HttpConnection> connection, HttpReply reply) {
    if (connection->is_open()) {
      const std::lock_guard lock(mutex_);
      if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
    }
    return reply;
  }

  Result<HttpReply> accepted(HttpReply reply, const std::string& key) const {
    const std::string where = "http://" + authority() + path_ + percent_encoded(key);
    switch (reply.status) {
      case 200:
      case 206: return reply;
      // As the viewer takes it: many object stores answer 403 for what does not exist.
      case 403:
      case 404: return make_error(ErrorCode::not_found, "{}: no such key", where);
      case 416: return make_error(ErrorCode::invalid_argument, "{}: expected a range within the value", where);
      default: break;
    }
    if (reply.location.empty())
      return make_error(ErrorCode::unavailable, "{}: expected status 200, found {}", where, reply.status);
    return make_error(ErrorCode::unavailable, "{}: expected status 200, found {}, which leads to \"{}\"", where,
                      reply.status, reply.location);
  }

  std::unique_ptr<HttpConnection> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  const std::string host_, port_, path_;  // path_ begins and ends with '/'
  std::mutex mutex_;                      // guards idle_
  std::vector<std::unique_ptr<HttpConnection>> idle_;
};

// `address`: host[:port][/path]
Result<std::shared_ptr<Store>> open(const std::string& address) {
  const auto slash = address.find('/');
  std::string host = address.substr(0, slash), port = "80";
  std::string path = slash == std::string::npos ? "/" : address.substr(slash);
  if (path.back() != '/') path += '/';
  path = encoded_path(path);
  const auto colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host.empty() || port.empty() ||
      !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return make_error(ErrorCode::invalid_argument, "http://{}: expected http://HOST[:PORT]/PATH", address);
  return std::shared_ptr<Store>(std::make_shared<HttpStore>(std::move(host), std::move(port), std::move(path)));
}

}  // namespace

bool is_web_server(const Store& store) {
  return dynamic_cast<const HttpStore*>(&store) != nullptr;
}

Result<HttpReply> ask_web_server(Store& store, bool is_head, const std::string& key, std::optional<ByteRange> range) {
  auto* const server = dynamic_cast<HttpStore*>(&store);
  if (server == nullptr) return make_error(ErrorCode::invalid_argument, "{}: expected a web server", store.describe());
  return server->answer_viewer(is_head, key, range);
}

extern const StoreDescriptor http_store;
const StoreDescriptor http_store{.scheme = "http", .title = "http: a web server that answers ranges", .open = open};

}  // namespace ngforge
