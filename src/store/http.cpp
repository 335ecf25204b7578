// SPDX-License-Identifier: Apache-2.0
// Values behind an HTTP/1.1 server, read-only. Plain http: what `serve` and web servers on the same machine or network
// speak.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <boost/asio/connect.hpp>
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

constexpr int kTimeoutSeconds = 60;
constexpr std::size_t kMostIdle = 16;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;

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

// The names that a folder's page links to: plain ones, as our server, nginx and apache write them.
std::vector<std::string> names_in_listing(std::string_view html) {
  constexpr std::string_view kLink = "href=\"";
  std::vector<std::string> names;
  for (auto at = html.find(kLink); at != std::string_view::npos; at = html.find(kLink, at)) {
    at += kLink.size();
    const std::string_view link = html.substr(at, html.find('"', at) - at);
    if (link.empty() || link.starts_with("/") || link.starts_with(".") ||
        link.find_first_of(":?#") != std::string_view::npos)
      continue;
    if (link.find('%') == std::string_view::npos) names.emplace_back(link);  // names of a dataset need no escapes
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A connection with its buffer and context; used by one thread at a time.
struct Connection {
  asio::io_context context;
  Tcp::socket socket{context};
  beast::flat_buffer buffer;
};

struct Reply {
  int status = 0;
  std::uint64_t length = 0;
  std::string etag;
  bool is_html = false;
  Bytes body;
};

class HttpStore final : public Store {
 public:
  HttpStore(std::string host, std::string port, std::string path)
      : host_(std::move(host)), port_(std::move(port)), path_(std::move(path)) {}

  std::string describe() const override { return "http://" + authority() + path_.substr(0, path_.size() - 1); }

  Result<ObjectInfo> stat(const std::string& key) override {
    NGFORGE_TRY(const Reply reply, ask(http::verb::head, key, {}));
    return ObjectInfo{reply.length, reply.etag, ""};
  }

  Result<Bytes> get(const std::string& key) override {
    NGFORGE_TRY(Reply reply, ask(http::verb::get, key, {}));
    return std::move(reply.body);
  }

  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    if (range.length == 0) return Bytes{};
    const std::string header = fmt::format("bytes={}-{}", range.offset, range.offset + range.length - 1);
    NGFORGE_TRY(Reply reply, ask(http::verb::get, key, header));
    if (reply.status != 206)
      return make_error(ErrorCode::unavailable, "{}/{}: expected a server that answers ranges, found status {}",
                        describe(), key, reply.status)
          .with_hint("serve the folder with ngforge serve, or with a web server that knows Range");
    if (reply.body.size() != range.length)
      return make_error(ErrorCode::invalid_argument, "{}/{}: expected {} bytes from byte {}, found {}", describe(), key,
                        range.length, range.offset, reply.body.size());
    return std::move(reply.body);
  }

  Result<std::vector<std::string>> list(const std::string& prefix) override {
    const std::string folder = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
    auto reply = folder.empty() ? ask_path(http::verb::get, path_, {}) : ask(http::verb::get, folder, {}, "/");
    if (!reply || !reply->is_html)
      return make_error(ErrorCode::unsupported, "{}/{}: expected a server that lists its folders, found none",
                        describe(), prefix);
    return names_in_listing({reinterpret_cast<const char*>(reply->body.data()), reply->body.size()});
  }
  Result<void> put(const std::string& key, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "{}/{}: cannot be written over http", describe(), key);
  }

 private:
  std::string authority() const { return port_ == "80" ? host_ : host_ + ":" + port_; }

  Result<Reply> ask(http::verb verb, const std::string& key, const std::string& range, std::string_view suffix = "") {
    if (!is_valid_key(key)) return make_error(ErrorCode::not_found, "{}/{}: no such key", describe(), key);
    return ask_path(verb, path_ + percent_encoded(key) + std::string(suffix), range);
  }

  Result<Reply> ask_path(http::verb verb, const std::string& target, const std::string& range) {
    // A kept connection may have been closed by the server meanwhile: then a new one is tried once.
    if (auto kept = take_idle()) {
      auto reply = exchange(*kept, verb, target, range);
      if (reply) return finish(std::move(kept), std::move(*reply), target);
    }
    auto connection = std::make_unique<Connection>();
    beast::error_code code;
    Tcp::resolver resolver(connection->context);
    const auto places = resolver.resolve(host_, port_, code);
    if (!code) asio::connect(connection->socket, places, code);
    if (code) return make_error(ErrorCode::unavailable, "{}: cannot be reached: {}", describe(), code.message());
    const timeval timeout{kTimeoutSeconds, 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      ::setsockopt(connection->socket.native_handle(), SOL_SOCKET, option, &timeout, sizeof timeout);
    auto reply = exchange(*connection, verb, target, range);
    if (!reply) return std::move(reply).error();
    return finish(std::move(connection), std::move(*reply), target);
  }

  Result<Reply> exchange(Connection& connection, http::verb verb, const std::string& target, const std::string& range) {
    http::request<http::empty_body> request(verb, target, 11);
    request.set(http::field::host, authority());
    request.set(http::field::user_agent, "ngforge");
    if (!range.empty()) request.set(http::field::range, range);
    beast::error_code code;
    http::write(connection.socket, request, code);
    http::response_parser<http::vector_body<std::byte>> parser;
    parser.body_limit(kMostBytes);
    parser.skip(verb == http::verb::head);
    if (!code) http::read(connection.socket, connection.buffer, parser, code);
    if (code)
      return make_error(ErrorCode::unavailable, "http://{}{}: the server broke off: {}", authority(), target,
                        code.message());
    auto& response = parser.get();
    Reply reply;
    reply.status = static_cast<int>(response.result_int());
    reply.etag = std::string(response[http::field::etag]);
    std::erase(reply.etag, '"');
    reply.is_html = response[http::field::content_type].starts_with("text/html");
    const auto length = response[http::field::content_length];
    std::from_chars(length.data(), length.data() + length.size(), reply.length);
    reply.body = std::move(response.body());
    if (!response.keep_alive()) connection.socket.close();
    return reply;
  }

  Result<Reply> finish(std::unique_ptr<Connection> connection, Reply reply, const std::string& target) {
    if (connection->socket.is_open()) {
      std::lock_guard lock(mutex_);
      if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
    }
    if (reply.status == 200 || reply.status == 206) return reply;
    // As the viewer takes it: many object stores answer 403 for what does not exist.
    if (reply.status == 404 || reply.status == 403)
      return make_error(ErrorCode::not_found, "http://{}{}: no such key", authority(), target);
    if (reply.status == 416)
      return make_error(ErrorCode::invalid_argument, "http://{}{}: expected a range within the value", authority(),
                        target);
    return make_error(ErrorCode::unavailable, "http://{}{}: expected status 200, found {}", authority(), target,
                      reply.status);
  }

  std::unique_ptr<Connection> take_idle() {
    std::lock_guard lock(mutex_);
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
