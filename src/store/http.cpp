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

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "store/store.h"

namespace ngforge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr auto kTimeout = std::chrono::seconds(60);  // for each step: connecting, asking, the head, the body
constexpr std::size_t kMostIdle = 16;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32, kSmallBytes = 1 << 16;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_encoded(std::string_view key) {
  std::string out;
  for (const unsigned char c : key) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c != 0 && std::strchr("-._~/:", c) != nullptr);
    if (is_plain)
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// The names that a folder's page links to, as our server, nginx, apache and Python's http.server write them.
std::vector<std::string> names_in_listing(std::string_view html) {
  constexpr std::string_view kLink = "href=\"";
  std::vector<std::string> names;
  for (auto at = html.find(kLink); at != std::string_view::npos; at = html.find(kLink, at)) {
    at += kLink.size();
    const std::string_view link = html.substr(at, html.find('"', at) - at);
    if (link.find_first_of(":?#") != std::string_view::npos) continue;  // leads elsewhere, or sorts the page
    const auto name = percent_decoded(link);
    if (!name || name->empty()) continue;
    const std::string_view part = std::string_view(*name).substr(0, name->size() - (name->back() == '/' ? 1 : 0));
    if (part.find('/') == std::string_view::npos && is_valid_key(part)) names.push_back(*name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

struct Request {
  http::verb verb = http::verb::get;
  std::string target;
  std::optional<ByteRange> range;
};

struct Reply {
  int status = 0;
  std::optional<std::uint64_t> length;
  std::string etag, content_encoding, content_range;
  bool is_html = false;
  Bytes body;
};

// A connection; used by one thread at a time. Its operations are asynchronous only to end in time.
class Connection {
 public:
  beast::error_code connect(const std::string& host, const std::string& port) {
    beast::error_code code;
    Tcp::resolver resolver(context_);
    const auto places = resolver.resolve(host, port, code);
    if (code) return code;
    return run([&](auto handler) { stream_.async_connect(places, std::move(handler)); });
  }

  /// Sends a request and reads the answer, its body only when it is what was asked for.
  beast::error_code exchange(const Request& asked, const std::string& authority, Reply& reply) {
    http::request<http::empty_body> request(asked.verb, asked.target, 11);
    request.set(http::field::host, authority);
    request.set(http::field::user_agent, "ngforge");
    if (asked.range)
      request.set(http::field::range,
                  fmt::format("bytes={}-{}", asked.range->offset, asked.range->offset + asked.range->length - 1));
    auto code = run([&](auto handler) { http::async_write(stream_, request, std::move(handler)); });
    if (code) return code;
    http::response_parser<http::vector_body<std::byte>> parser;
    parser.body_limit(boost::none);  // a head may tell of any size
    parser.skip(asked.verb == http::verb::head);
    code = run([&](auto handler) { http::async_read_header(stream_, buffer_, parser, std::move(handler)); });
    if (code) return code;
    const auto& head = parser.get();
    reply.status = static_cast<int>(head.result_int());
    if (const auto length = parser.content_length()) reply.length = *length;
    reply.etag = std::string(head[http::field::etag]);
    std::erase(reply.etag, '"');
    reply.content_encoding = std::string(head[http::field::content_encoding]);
    reply.content_range = std::string(head[http::field::content_range]);
    reply.is_html = head[http::field::content_type].starts_with("text/html");
    const bool is_wanted =
        asked.range ? reply.status == 206 && reply.length == asked.range->length : reply.status == 200;
    // The text of an error is read only to keep the connection.
    if (!parser.is_done() && (is_wanted || reply.length.value_or(kMostBytes) <= kSmallBytes)) {
      if (reply.length.value_or(0) > kMostBytes) return make_error_code(http::error::body_limit);
      parser.body_limit(kMostBytes);
      code = run([&](auto handler) { http::async_read(stream_, buffer_, parser, std::move(handler)); });
    }
    if (code) return code;
    is_open_ = parser.is_done() && parser.keep_alive();
    reply.body = std::move(parser.get().body());
    return {};
  }

  bool is_open() const { return is_open_; }

 private:
  template <class Start>
  beast::error_code run(const Start& start) {
    beast::error_code result;
    stream_.expires_after(kTimeout);
    start([&](beast::error_code code, const auto&...) { result = code; });
    context_.restart();
    context_.run();
    return result;
  }

  asio::io_context context_{1};
  beast::tcp_stream stream_{context_};
  beast::flat_buffer buffer_;
  bool is_open_ = false;
};

class HttpStore final : public Store {
 public:
  HttpStore(std::string host, std::string port, std::string path)
      : host_(std::move(host)), port_(std::move(port)), path_(std::move(path)) {}

  std::string describe() const override { return "http://" + authority() + path_.substr(0, path_.size() - 1); }

  Result<ObjectInfo> stat(const std::string& key) override {
    NGFORGE_TRY(const Reply reply, ask_key(http::verb::head, key, std::nullopt));
    if (!reply.length)
      return make_error(ErrorCode::unavailable, "{}/{}: expected a server that tells lengths, found no Content-Length",
                        describe(), key);
    return ObjectInfo{*reply.length, reply.etag, reply.content_encoding};
  }

  Result<Bytes> get(const std::string& key) override {
    NGFORGE_TRY(Reply reply, ask_key(http::verb::get, key, std::nullopt));
    return std::move(reply.body);
  }

  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    if (range.length == 0) return Bytes{};
    NGFORGE_TRY(Reply reply, ask_key(http::verb::get, key, range));
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
    NGFORGE_TRY(const Reply reply, ask({http::verb::get, path_ + percent_encoded(prefix), std::nullopt}));
    if (!reply.is_html)
      return make_error(ErrorCode::unsupported, "{}/{}: expected a server that lists its folders, found none",
                        describe(), prefix);
    return names_in_listing({reinterpret_cast<const char*>(reply.body.data()), reply.body.size()});
  }

  Result<void> put(const std::string& key, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "{}/{}: cannot be written over http", describe(), key);
  }

 private:
  std::string authority() const {
    const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
    return port_ == "80" ? host : host + ":" + port_;
  }

  Result<Reply> ask_key(http::verb verb, const std::string& key, std::optional<ByteRange> range) {
    if (!is_valid_key(key)) return make_error(ErrorCode::not_found, "{}/{}: no such key", describe(), key);
    return ask({verb, path_ + percent_encoded(key), range});
  }

  Result<Reply> ask(const Request& request) {
    try {
      return ask_or_throw(request);
    } catch (const std::bad_alloc&) {
      return make_error(ErrorCode::limit, "http://{}{}: the machine has no memory for it", authority(), request.target);
    }
  }

  Result<Reply> ask_or_throw(const Request& request) {
    // The server may have closed a kept connection meanwhile: then a new one is tried.
    if (auto kept = take_idle()) {
      Reply reply;
      if (!kept->exchange(request, authority(), reply)) return finish(std::move(kept), std::move(reply), request);
    }
    auto connection = std::make_unique<Connection>();
    if (const auto code = connection->connect(host_, port_))
      return make_error(ErrorCode::unavailable, "{}: cannot be reached: {}", describe(), code.message());
    Reply reply;
    if (const auto code = connection->exchange(request, authority(), reply))
      return make_error(ErrorCode::unavailable, "http://{}{}: expected an HTTP answer, found: {}", authority(),
                        request.target, code.message());
    return finish(std::move(connection), std::move(reply), request);
  }

  Result<Reply> finish(std::unique_ptr<Connection> connection, Reply reply, const Request& request) {
    if (connection->is_open()) {
      const std::lock_guard lock(mutex_);
      if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
    }
    const std::string where = "http://" + authority() + request.target;
    switch (reply.status) {
      case 200:
      case 206: return reply;
      // As the viewer takes it: many object stores answer 403 for what does not exist.
      case 403:
      case 404: return make_error(ErrorCode::not_found, "{}: no such key", where);
      case 416: return make_error(ErrorCode::invalid_argument, "{}: expected a range within the value", where);
      default: return make_error(ErrorCode::unavailable, "{}: expected status 200, found {}", where, reply.status);
    }
  }

  std::unique_ptr<Connection> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  const std::string host_, port_, path_;  // path_ begins and ends with '/'
  std::mutex mutex_;                      // guards idle_
  std::vector<std::unique_ptr<Connection>> idle_;
};

// `address`: host[:port][/path]
Result<std::shared_ptr<Store>> open(const std::string& address) {
  const auto slash = address.find('/');
  std::string host = address.substr(0, slash), port = "80";
  std::string path = slash == std::string::npos ? "/" : address.substr(slash);
  if (path.back() != '/') path += '/';
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

extern const StoreDescriptor http_store;
const StoreDescriptor http_store{.scheme = "http", .title = "http: a web server that answers ranges", .open = open};

}  // namespace ngforge
